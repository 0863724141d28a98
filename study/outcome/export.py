"""A search as files: its finished trials, the best one's settings, and what mattered.

Downstream reads these and never the store, which grows while they are written.
"""

from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from pipeline.errors import UserError
from pipeline.files import write_text
from pipeline.schemas.best_card import BEST, BestCard, BestTrial, FailedTrial, SearchProtocol
from pipeline.schemas.record import write_record
from pipeline.schemas.tables import IMPORTANCE, TRIALS, Row
from pipeline.settings import Architecture
from study.outcome.fanova import importance_rows
from study.search.plan import NLL_SAMPLES, Plan, plan_of
from study.search.ranking import ranked
from study.search.schedule import RESULT, RUN_ID, TURN, Turn, first_finished, turns_of
from study.search.space import to_run

METRICS = ("elbo", "reconstruction", "kl", "nll", "spread")


def trial_rows(turns: Sequence[Turn], plan: Plan) -> list[Row]:
    """The rows of ``trials.csv``: one per finished trial, in their order.

    ``value`` is the objective's, or the last value that a pruned trial was compared by;
    ``first_value`` is that of the first comparison, which pruned and complete trials share (of
    ``nll`` the negative ELBO, by which it is compared). Metrics are empty where a trial was pruned
    or the objective does not measure them.
    """
    return [_row(turn, plan) for turn in turns]


def _row(turn: Turn, plan: Plan) -> Row:
    trial = turn.trial
    result = trial.user_attrs.get(RESULT, {})
    last = max(trial.intermediate_values, default=0)
    duration = trial.duration.total_seconds() if trial.duration else None
    return {
        "number": turn.number,
        "state": trial.state.name.lower(),
        **{one.name: trial.params.get(one.name) for one in plan.search.space},
        "value": trial.value if len(plan.directions) == 1 else None,
        "first_value": trial.intermediate_values.get(first_comparison(plan) or 0),
        **{name: result.get(name) for name in METRICS},
        "epochs": result.get("epochs", min(last, plan.search.epochs)),
        "seconds": result.get("seconds", duration),
        "run_id": trial.user_attrs.get(RUN_ID, ""),
    }


def first_comparison(plan: Plan) -> int | None:
    """The epoch after which all trials are compared for the first time; None if they never are."""
    return min(plan.check_epochs(), default=None) if plan.prunes else None


def best_card(
    search: str, plan: Plan, turns: Sequence[Turn], failed: Sequence[Turn] = ()
) -> BestCard:
    """The best trials with the settings that train them again.

    Args:
        search: its name.
        plan: of the search.
        turns: the finished ones.
        failed: those among them that were given up.

    Raises:
        UserError: if no trial is complete.
    """
    best = [_entry(trial, plan) for trial in ranked([turn.trial for turn in turns], plan)]
    if not best:
        raise UserError(f"search {search} has no complete trial to export yet")
    two = len(plan.directions) > 1
    architectures: dict[Architecture, BestTrial] = {}
    for entry in sorted(best, key=lambda entry: -entry.metrics["elbo"]) if two else best:
        architectures.setdefault(entry.settings.architecture, entry)
    return BestCard(
        search=search,
        objective=plan.search.objective,
        data_hash=plan.data_hash,
        finished_trials=len(turns),
        failed=tuple(FailedTrial(number=turn.number, reason=turn.reason) for turn in failed),
        first_comparison=first_comparison(plan),
        protocol=_protocol(plan),
        plan=plan.search.plan,
        best=None if two else best[0],
        front=tuple(best) if two else (),
        architectures=architectures,
    )


def _protocol(plan: Plan) -> SearchProtocol:
    """What makes the search's numbers comparable with others."""
    base = plan.base
    assert base.precision != "auto", "a plan resolves it"
    return SearchProtocol(
        data=plan.data,
        split="valid",
        likelihood=base.likelihood,
        binarisation=base.binarisation,
        checkpoint=base.checkpoint,
        precision=base.precision,
        nll_samples=NLL_SAMPLES if plan.search.objective == "nll" else None,
    )


def _entry(trial: FrozenTrial, plan: Plan) -> BestTrial:
    result = trial.user_attrs[RESULT]
    return BestTrial(
        number=trial.user_attrs[TURN],
        metrics={name: result[name] for name in METRICS if name in result},
        params=trial.params,
        settings=to_run(trial.params, plan.base, plan.search.seed, plan.search.epochs),
    )


def export(search: optuna.Study, out: Path, count: int | None = None) -> tuple[Path, ...]:
    """Write ``trials.csv``, ``best.json`` and ``importance.csv``; their paths.

    Args:
        search: in its store.
        out: the folder.
        count: the first so many finished trials; by default all.

    Raises:
        UserError: if no trial is complete, or a file cannot be written.
    """
    plan = plan_of(search)
    all_turns = turns_of(search.get_trials(deepcopy=False), search.user_attrs)
    turns = first_finished(all_turns, len(all_turns) if count is None else count)
    last = max((turn.number for turn in turns), default=-1)
    failed = [turn for turn in all_turns if turn.is_refused and turn.number < last]
    card = best_card(search.study_name, plan, turns, failed)
    tables = {TRIALS: trial_rows(turns, plan), IMPORTANCE: importance_rows(turns)}
    for table, rows in tables.items():
        write_text(out / table.name, table.to_csv(rows))
    write_record(out / BEST, card)
    return out / TRIALS.name, out / BEST, out / IMPORTANCE.name
