"""`study run` from its settings to its last line, as a person and the pipeline's stage call it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from pipeline.data.prepared import load_prepared
from pipeline.runtime.workers import count_workers
from pipeline.settings import Settings, SettingsError, load_settings, override, parse_settings
from study.search.plan import PARENT, Plan, plan_of
from study.search.ranking import ranked
from study.search.schedule import TURN
from study.store.reconnect import losing_the_server
from study.store.storage import DEFAULT_URL, full_disk, quiet_optuna
from study.tables import show_best
from study.where import folder_to_type, where_recorded
from study.workers.supervisor import Outcome, open_search, run_search


def searched_settings(
    params: Path, assignments: Sequence[str], changes: dict[str, Any]
) -> Settings:
    """The settings file with what the command line changes.

    Args:
        params: the file.
        assignments: of `-S`.
        changes: of section ``search``.
    """
    settings = load_settings(params)
    if not assignments and not changes:
        return settings
    content = override(settings.model_dump(mode="json"), assignments)
    content["search"] |= changes
    return parse_settings(content, "the command line")


def run_command(
    settings: Settings,
    data: Path,
    workers: str,
    timeout: float | None,
    url: str,
    name: str | None,
) -> Outcome:
    """Run a search and show what it came to."""
    quiet_optuna()
    prepared = load_prepared(data, splits=("valid",))
    if prepared.name != settings.data.name:
        raise SettingsError(
            f"data.name = {settings.data.name}, but {data} holds {prepared.name}; run "
            "`dvc repro prepare`"
        )
    plan = Plan.of(settings, prepared.hash)
    target = settings.search.trials
    if plan.most is not None and plan.most < target:
        click.echo(f"the grid has {plan.most} points, so there are no more trials than that")
        target = plan.most
    search, new = open_search(url, plan, name or plan.name, target)
    said = "a new search" if new else "an existing search, which goes on"
    click.echo(f"{search.study_name}: {said}; to {target} finished trials")
    if settings.search.objective == "rate-distortion" and settings.search.pruner != "none":
        click.echo("two objectives: no trial is pruned")
    processes = count_workers(workers, target)
    if processes > settings.search.ahead:
        processes = settings.search.ahead
        click.echo(f"search.ahead = {processes}: more workers than that would wait; raise it first")
    lost = "study run lost its connection to the store and ends; run the same again to go on"
    with losing_the_server(lost), full_disk(url):
        outcome = run_search(url, search, data, processes, timeout)
    _conclude(outcome, url, target)
    return outcome


def _conclude(outcome: Outcome, url: str, target: int) -> None:
    """What stands at the end: the best, where all is kept, and what to do next."""
    search, plan = outcome.search, plan_of(outcome.search)
    if outcome.ran == 0 and not outcome.stopped:
        click.echo(f"nothing to do: the search has {outcome.finished} finished trials")
    show_best(outcome.turns, plan, 5)
    for turn in outcome.turns:
        if turn.is_refused:
            click.echo(f"trial {turn.number} failed: {turn.reason}")
    if outcome.stopped:
        click.echo(
            f"{outcome.stopped}: {outcome.finished} of {target} trials are finished; run the same "
            "again to go on"
        )
    storage = "" if url == DEFAULT_URL else f" --storage {url}"
    study = f"{folder_to_type(Path.cwd())}study"
    best = ranked([turn.trial for turn in outcome.turns], plan)
    rows = {"records": where_recorded(search.user_attrs.get(PARENT, ""))}
    if best:
        first = best[0].user_attrs[TURN]
        rows |= {
            "tables": f"{study} export{storage}    writes trials.csv, best.json and importance.csv "
            "into results/",
            "report": f"{study} report    shows them, with the grid, in reports/index.html",
            "confirm": f"{study} rerun {first} --seeds 5{storage}    trains the best again, with "
            "fresh seeds",
        }
    for key, value in rows.items():
        click.echo(click.style(f"{key:<10}", bold=True) + value)
