"""What the commands of the search do, apart from reading the command line and from running it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
import optuna
from optuna.trial import TrialState

from analysis.present.intervals import format_estimate
from analysis.words import format_number as number_of
from pipeline.errors import UserError
from pipeline.runtime.workers import count_workers
from study.outcome.confirm import confirm
from study.outcome.export import export
from study.outcome.fanova import importances
from study.search.plan import PLAN, TARGET, plan_of
from study.search.ranking import ranked
from study.search.schedule import RESULT, TRACEBACK, Turn
from study.store.storage import open_storage, quiet_optuna, reap
from study.tables import new_table, print_table, show_best
from study.workers.progress import describe_best, settings_of
from study.workers.supervisor import all_turns
from study.workers.worker import load_search


def best_command(url: str, name: str | None, count: int) -> None:
    """Show the best trials of a search."""
    search = _find(url, name)
    show_best(all_turns(search), plan_of(search), count)


def export_command(url: str, name: str | None, out: Path) -> None:
    """Write a search's trials and best settings as files."""
    for path in export(_find(url, name), out):
        click.echo(str(path))


def show_command(url: str, name: str | None, number: int) -> None:
    """Show all that is known of one trial."""
    search = _find(url, name)
    turn = _turn(search, number)
    trial = turn.trial
    attributes = dict(trial.user_attrs)
    told = attributes.pop(TRACEBACK, "")
    rows: dict[str, object] = {"search": search.study_name, "state": _state(turn)}
    if turn.reason:
        rows["reason"] = turn.reason
    rows |= trial.params
    rows |= attributes.pop(RESULT, {})
    rows |= {f"compared at {step}": value for step, value in trial.intermediate_values.items()}
    rows["MLflow run"] = attributes.get("run_id", "none")
    rows["in Optuna"] = ", ".join(
        f"trial {one.number} ({one.state.name.lower()})" for one in turn.tries
    )
    table = new_table(f"Trial {number}", show_header=False)
    for key, value in rows.items():
        table.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
    print_table(table)
    if told:
        click.echo(told)


def importance_command(url: str, name: str | None) -> None:
    """Show how much of the objective's variance each hyperparameter explains."""
    search = _find(url, name)
    groups = importances(all_turns(search))
    table = new_table(f"Share of the variance of {plan_of(search).search.objective} (fANOVA)")
    table.add_column("hyperparameter")
    for group in groups:
        table.add_column(f"{group.group}\n{group.trials} trials", justify="right")
    for key in dict.fromkeys(key for group in groups for key in group.shares):
        cells = [f"{group.shares[key]:.0%}" if key in group.shares else "" for group in groups]
        table.add_row(key, *cells)
    print_table(table)
    epoch = groups[0].epoch
    what = "the last epoch of complete trials" if epoch is None else f"epoch {epoch} of all trials"
    click.echo(
        f"of the value after {what}; the sampler chose them: a hint where to look, not an estimate"
    )


def rerun_command(
    url: str, name: str | None, number: int, seeds: int, data: Path, out: Path, workers: str
) -> None:
    """Train a trial again with fresh seeds and say what the search's value was worth."""
    search = _find(url, name)
    turn = _turn(search, number)
    if turn.trial.state != TrialState.COMPLETE:
        raise UserError(f"trial {number} is {_state(turn)}; only a complete one can be confirmed")
    found = confirm(search, turn, seeds, data, out, count_workers(workers, seeds))
    table = new_table(f"Trial {number} with fresh seeds, validation split")
    for heading in ("seed", "elbo", "reconstruction", "kl"):
        table.add_column(heading, justify="right")
    for row in found.runs.itertuples():
        table.add_row(
            str(row.seed), f"{row.elbo:.2f}", f"{row.reconstruction:.2f}", f"{row.kl:.2f}"
        )
    print_table(table)
    way = "better" if found.optimism >= 0 else "worse"
    click.echo(
        f"elbo over {seeds} seeds {format_estimate(found.elbo)} nats per image; the search saw "
        f"{number_of(found.searched)}, {way} by {number_of(abs(found.optimism))}"
    )
    click.echo(f"models: {found.folder}")


def list_command(url: str) -> None:
    """List the searches of a store."""
    quiet_optuna()
    table = new_table()
    table.add_column("search", no_wrap=True)
    headings = ("to do", "complete", "pruned", "failed", "running", "best")
    for heading in headings:
        table.add_column(heading, justify="right")
    table.add_column("begun", no_wrap=True)
    storage = open_storage(url)
    for name in sorted(optuna.get_all_study_names(storage)):
        search = optuna.load_study(study_name=name, storage=storage)
        if PLAN not in search.user_attrs:
            continue  # somebody else's
        turns, plan = all_turns(search), plan_of(search)
        counts = _counts(turns)
        to_do = max(0, int(search.user_attrs[TARGET]) - counts["complete"] - counts["pruned"])
        best = ranked([turn.trial for turn in turns], plan)
        value = f"{best[0].values[0]:.2f}" if best and len(plan.directions) == 1 else ""
        begun = min(
            (one.datetime_start for turn in turns for one in turn.tries if one.datetime_start),
            default=None,
        )
        cells = [str(counts[key]) for key in ("complete", "pruned", "failed", "running")]
        table.add_row(name, str(to_do), *cells, value, f"{begun:%Y-%m-%d %H:%M}" if begun else "")
    if not table.row_count:
        click.echo(f"{url} holds no search; start one with `study run`")
        return
    print_table(table)


def status_command(url: str, name: str | None) -> None:
    """Show how far one search is."""
    search = _find(url, name)
    plan, turns = plan_of(search), all_turns(search)
    counts = _counts(turns)
    finished = counts["complete"] + counts["pruned"]
    click.echo(click.style(search.study_name, bold=True))
    click.echo(
        f"{finished} of {search.user_attrs[TARGET]} trials finished: {counts['complete']} "
        f"complete, {counts['pruned']} pruned; {counts['failed']} failed, {counts['running']} "
        f"running, {counts['lost']} to be tried again"
    )
    best = ranked([turn.trial for turn in turns], plan)
    if best:
        click.echo(describe_best(best, plan))
    for turn in turns:
        if turn.is_running:
            since = turn.trial.datetime_start
            seconds = (datetime.now() - since).total_seconds() if since else 0.0
            click.echo(f"running trial {turn.number}, {seconds:.0f} s, {settings_of(turn.trial)}")


def delete_command(url: str, name: str) -> None:
    """Delete a search with all its trials.

    Raises:
        UserError: if a process is at work for it.
    """
    search = _find(url, name)
    reap(search)
    turns = all_turns(search)
    if any(turn.is_running for turn in turns):
        raise UserError(f"search {name} is running; stop it first (Ctrl-C in its `study run`)")
    optuna.delete_study(study_name=name, storage=open_storage(url))
    click.echo(f"deleted {name} with its {len(turns)} trials; the records in MLflow stay")


def _counts(turns: Sequence[Turn]) -> dict[str, int]:
    states = [_state(turn) for turn in turns]
    return {
        state: states.count(state) for state in ("complete", "pruned", "failed", "running", "lost")
    }


def _state(turn: Turn) -> str:
    if turn.is_refused:
        return "failed"
    if turn.is_ended or turn.is_running:
        return turn.trial.state.name.lower()
    return "lost"


def _find(url: str, name: str | None) -> optuna.Study:
    """The search of that name, or the one that began last."""
    quiet_optuna()
    if name is not None:
        return load_search(url, name)
    summaries = optuna.get_all_study_summaries(open_storage(url))
    started = [one for one in summaries if one.datetime_start and PLAN in one.user_attrs]
    if not started:
        raise UserError(f"{url} holds no search; start one with `study run`")
    return load_search(url, max(started, key=lambda one: str(one.datetime_start)).study_name)


def _turn(search: optuna.Study, number: int) -> Turn:
    turns = all_turns(search)
    if not 0 <= number < len(turns):
        raise UserError(
            f"search {search.study_name} has no trial {number}; it has 0 to {len(turns) - 1}"
        )
    return turns[number]
