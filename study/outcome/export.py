"""Export a search: its finished trials, the best settings, and the hyperparameters' importance.

Other stages read these files and never the store, which may grow in the meantime.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from pipeline.errors import UserError
from pipeline.files import write_text
from pipeline.schemas.best_card import (
    BEST,
    BestCard,
    BestOfArchitecture,
    BestTrial,
    FailedTrial,
    SearchProtocol,
)
from pipeline.schemas.record import RecordError, read_record, write_record
from pipeline.schemas.tables import IMPORTANCE, TRIALS, Row
from pipeline.settings import Architecture
from pipeline.settings.space import Value
from study.outcome.confirmed import Confirmation
from study.outcome.importance import importance_of, remember_importance
from study.outcome.ranking import architecture_of, best_of_architectures, ranked
from study.search.plan import NLL_SAMPLES, Plan, plan_of
from study.search.schedule import (
    METRICS,
    Trial,
    first_finished,
    result_of,
)
from study.search.space import to_run
from study.store.run_ids import run_id_of
from study.store.searches import all_trials

MOST_START = 1000  # bytes of a best.json that show whether it is one


def trial_rows(
    trials: Sequence[Trial], plan: Plan, attributes: Mapping[str, Any] | None = None
) -> list[Row]:
    """Return the rows of ``trials.csv``, one per finished trial, in order.

    ``value`` is the objective's value or, for a pruned trial, the last one that it was compared by.
    ``first_value`` is the value at the first comparison, which pruned and complete trials both have
    (for ``nll`` the negative ELBO, by which trials are compared). Metrics are empty if a trial was
    pruned or the objective does not measure them.

    Args:
        trials: the finished trials.
        plan: the search's plan.
        attributes: the search's, which note runs in MLflow that were recorded late.
    """
    return [_row(trial, plan, run_id_of(trial.attempt, attributes or {})) for trial in trials]


def _row(trial: Trial, plan: Plan, run_id: str) -> Row:
    attempt = trial.attempt
    result = result_of(attempt)
    last = max(attempt.intermediate_values, default=0)
    duration = attempt.duration.total_seconds() if attempt.duration else None
    return {
        "number": trial.number,
        "state": attempt.state.name.lower(),
        **{one.name: _cell(attempt.params, one.name) for one in plan.search.space},
        "value": attempt.value if len(plan.directions) == 1 else None,
        "first_value": attempt.intermediate_values.get(first_comparison(plan) or 0),
        **{name: result.get(name) for name in METRICS},
        "epochs": result.get("epochs", min(last, plan.search.epochs)),
        "seconds": result.get("seconds", duration),
        "same_as": trial.twin,
        "run_id": run_id,
    }


def _cell(params: Mapping[str, Value], name: str) -> Value:
    """Return a cell's value; it is empty if the dimension does not apply, which null does."""
    return "null" if name in params and params[name] is None else params.get(name)


def first_comparison(plan: Plan) -> int | None:
    """Return the epoch after which trials are first compared; None if they never are."""
    return min(plan.check_epochs(), default=None) if plan.prunes else None


def best_card(
    search: str,
    plan: Plan,
    trials: Sequence[Trial],
    failed: Sequence[Trial] = (),
    confirmed: Mapping[int, Confirmation] | None = None,
) -> BestCard:
    """Return the best trials with the settings to train them again.

    Args:
        search: the search's name.
        plan: the search's plan.
        trials: the finished trials.
        failed: abandoned trials that were started before the last of these.
        confirmed: what new seeds reached, by the trial's number.

    Raises:
        UserError: if no trial is complete.
    """
    best = ranked(trials, plan)
    if not best:
        raise UserError(f"search {search} has no complete trial to export yet")
    two = len(plan.directions) > 1
    entries = [_entry(one, plan) for one in best]
    return BestCard(
        search=search,
        objective=plan.search.objective,
        data_hash=plan.data_hash,
        finished_trials=len(trials),
        complete_trials=sum(one.is_evidence for one in trials),
        failed=tuple(FailedTrial(number=one.number, reason=one.reason) for one in failed),
        first_comparison=first_comparison(plan),
        protocol=_protocol(plan),
        plan=plan.search.plan,
        best=None if two else entries[0],
        front=tuple(entries) if two else (),
        architectures={
            architecture: _of_architecture(architecture, one, trials, plan, confirmed or {})
            for architecture, one in best_of_architectures(trials, plan).items()
        },
    )


def _of_architecture(
    architecture: Architecture,
    best: Trial,
    trials: Sequence[Trial],
    plan: Plan,
    confirmed: Mapping[int, Confirmation],
) -> BestOfArchitecture:
    own = [one for one in trials if architecture_of(one, plan) == architecture]
    again = confirmed.get(best.number)
    return BestOfArchitecture(
        **dict(_entry(best, plan)),
        finished_trials=len(own),
        complete_trials=sum(one.is_evidence for one in own),
        confirmed=again.runs if again else (),
        confirmed_epochs=again.epochs if again else None,
    )


def _protocol(plan: Plan) -> SearchProtocol:
    """Return what makes the search's numbers comparable with others."""
    base = plan.base
    assert base.precision != "auto", "a plan resolves it"
    return SearchProtocol(
        data=plan.data,
        split="valid",
        likelihood=base.likelihood,
        binarisation=base.binarisation,
        checkpoint=None if "checkpoint" in _searched(plan) else base.checkpoint,
        precision=base.precision,
        nll_samples=NLL_SAMPLES if plan.search.objective == "nll" else None,
    )


def _searched(plan: Plan) -> set[str]:
    return {dimension.name for dimension in plan.search.space}


def _entry(trial: Trial, plan: Plan) -> BestTrial:
    result = result_of(trial.attempt)
    return BestTrial(
        number=trial.number,
        metrics={name: result[name] for name in METRICS if name in result},
        params=trial.params,
        settings=to_run(trial.params, plan.base, plan.search.seed, plan.search.epochs),
    )


def exported_trials(search: optuna.Study, count: int | None = None) -> list[Trial]:
    """Return the first ``count`` finished trials of a search, by default all."""
    every = all_trials(search)
    return first_finished(every, len(every) if count is None else count)


def export(
    search: optuna.Study,
    out: Path,
    count: int | None = None,
    confirmed: Mapping[int, Confirmation] | None = None,
    remember: bool = False,
) -> tuple[Path, ...]:
    """Write ``trials.csv``, ``best.json`` and ``importance.csv`` and return their paths.

    Args:
        search: the search, in its store.
        out: the output folder.
        count: number of finished trials to export, first ones first; by default all.
        confirmed: what new seeds reached, by the trial's number; by default what an earlier export
            of this search in the same folder says.
        remember: whether the store, opened to write to it, remembers the importances.

    Raises:
        UserError: if no trial is complete, or a file cannot be written, or one of that name is
            there and is no export.
    """
    _require_replaceable(out)
    if confirmed is None:
        confirmed = _confirmed_before(search.study_name, out)
    plan = plan_of(search)
    every = all_trials(search)  # read once: the store may grow in the meantime
    trials = first_finished(every, len(every) if count is None else count)
    last = max((trial.number for trial in trials), default=-1)
    failed = [trial for trial in every if trial.has_failed and trial.number < last]
    card = best_card(search.study_name, plan, trials, failed, confirmed)
    importance = (remember_importance if remember else importance_of)(search, trials)
    tables = {TRIALS: trial_rows(trials, plan, search.user_attrs), IMPORTANCE: importance}
    for table, rows in tables.items():
        write_text(out / table.name, table.to_csv(rows))
    write_record(out / BEST, card)
    return out / TRIALS.name, out / BEST, out / IMPORTANCE.name


def _require_replaceable(out: Path) -> None:
    """Refuse to replace files of the same names that are not from an export."""
    for table in (TRIALS, IMPORTANCE):
        if not table.may_replace(out / table.name):
            raise _not_an_export(out / table.name)
    path = out / BEST
    if path.exists():
        try:
            start = path.read_bytes()[:MOST_START]
        except OSError:
            raise _not_an_export(path) from None
        if start.strip() and b'"search":' not in start:
            raise _not_an_export(path)


def _not_an_export(path: Path) -> UserError:
    return UserError(
        f"{path}: already exists and is not an export of a search; move it away, or choose "
        "another folder with --out"
    )


def _confirmed_before(search: str, out: Path) -> dict[int, Confirmation]:
    """Return what new seeds reached according to an earlier export, which this one replaces."""
    try:
        card = read_record(BestCard, out / BEST)
    except RecordError:
        return {}
    return {
        best.number: Confirmation(
            search=search,
            number=best.number,
            runs=best.confirmed,
            epochs=best.confirmed_epochs,
            searched=best.metrics["elbo"],
            folder=out / "confirmed" / search / f"trial-{best.number}",
        )
        for best in card.architectures.values()
        if card.search == search and best.confirmed_epochs is not None
    }
