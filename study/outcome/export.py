"""A search as files: its finished trials, the best one's settings, and what mattered.

Downstream reads these and never the store, which grows while they are written.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.trial import FrozenTrial

from pipeline.errors import UserError
from pipeline.files import write_text
from study.outcome.fanova import importance_frame
from study.outcome.ranking import ranked
from study.search.plan import NLL_SAMPLES, Plan, plan_of
from study.search.schedule import RESULT, RUN_ID, TRIAL, Trial, first_finished, trials_of
from study.search.space import to_run

METRICS = ("elbo", "reconstruction", "kl", "nll", "spread")
TRIALS, BEST, IMPORTANCE = "trials.csv", "best.json", "importance.csv"


def trials_frame(trials: Sequence[Trial], plan: Plan) -> pd.DataFrame:
    """One row a finished trial, in their order.

    Columns: number, state, every dimension of the space, ``value`` (the objective's; of a pruned
    trial the last that it was compared by), ``first_value`` (that of the first comparison, which
    pruned and complete trials share; of ``nll`` the negative ELBO, by which it is compared), every
    metric (empty where a trial was pruned, or the objective does not measure it), epochs run,
    seconds, run_id.
    """
    names = [dimension.name for dimension in plan.search.space]
    values = ["value", "first_value", *METRICS]
    columns = ["number", "state", *names, *values, "epochs", "seconds", "run_id"]
    return pd.DataFrame([_row(trial, plan) for trial in trials], columns=columns)


def _row(trial: Trial, plan: Plan) -> dict[str, Any]:
    attempt = trial.attempt
    result = attempt.user_attrs.get(RESULT, {})
    row: dict[str, Any] = {"number": trial.number, "state": attempt.state.name.lower()}
    row |= attempt.params
    row |= {name: result.get(name) for name in METRICS}
    row["value"] = attempt.value if len(plan.directions) == 1 else None
    row["first_value"] = attempt.intermediate_values.get(first_comparison(plan) or 0)
    last = max(attempt.intermediate_values, default=0)
    row["epochs"] = result.get("epochs", min(last, plan.search.epochs))
    duration = attempt.duration.total_seconds() if attempt.duration else None
    row["seconds"] = result.get("seconds", duration)
    return row | {"run_id": attempt.user_attrs.get(RUN_ID, "")}


def first_comparison(plan: Plan) -> int | None:
    """The epoch after which all trials are compared for the first time; None if they never are."""
    return min(plan.check_epochs(), default=None) if plan.prunes else None


def best_card(
    search: str, plan: Plan, trials: Sequence[Trial], failed: Sequence[Trial] = ()
) -> dict[str, Any]:
    """The best trials with the settings that train them again.

    ``best`` of one objective, or the Pareto ``front`` of two; and the best by ELBO of each
    architecture, from which ``train.hyperparameters: searched`` takes its settings. ``plan`` and
    ``protocol`` say what was searched and how it was measured, ``failed`` what has no result.

    Args:
        search: its name.
        plan: of the search.
        trials: the finished ones.
        failed: those among them that were given up.

    Raises:
        UserError: if no trial is complete.
    """
    best = ranked((trial.attempt for trial in trials), plan)
    if not best:
        raise UserError(f"search {search} has no complete trial to export yet")
    card: dict[str, Any] = {
        "search": search,
        "objective": plan.search.objective,
        "data_hash": plan.data_hash,
        "finished_trials": len(trials),
        "failed": [{"number": trial.number, "reason": trial.reason} for trial in failed],
        "first_comparison": first_comparison(plan),
        "protocol": _protocol(plan),
        # Not how many trials were asked for: a search that goes on is the same search.
        "plan": plan.search.model_dump(mode="json", exclude={"trials"}),
    }
    if len(plan.directions) > 1:
        card["front"] = [_entry(attempt, plan) for attempt in best]
    else:
        card["best"] = _entry(best[0], plan)
    if len(plan.directions) > 1:
        best = sorted(best, key=lambda attempt: -attempt.user_attrs[RESULT]["elbo"])
    card["architectures"] = {}
    for attempt in best:
        entry = _entry(attempt, plan)
        card["architectures"].setdefault(entry["settings"]["architecture"], entry)
    return card


def _protocol(plan: Plan) -> dict[str, Any]:
    """What makes the search's numbers comparable with others."""
    base = plan.base
    return {
        "data": plan.data,
        "split": "valid",
        "likelihood": base.likelihood,
        "binarisation": base.binarisation,
        "checkpoint": base.checkpoint,
        "precision": base.precision,
        "nll_samples": NLL_SAMPLES if plan.search.objective == "nll" else None,
    }


def _entry(attempt: FrozenTrial, plan: Plan) -> dict[str, Any]:
    run = to_run(attempt.params, plan.base, plan.search.seed, plan.search.epochs)
    result = attempt.user_attrs[RESULT]
    return {
        "number": attempt.user_attrs[TRIAL],
        "metrics": {name: result[name] for name in METRICS if name in result},
        "params": attempt.params,
        "settings": run.model_dump(mode="json"),
    }


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
    every = trials_of(search.get_trials(deepcopy=False), search.user_attrs)
    trials = first_finished(every, len(every) if count is None else count)
    last = max((trial.number for trial in trials), default=-1)
    failed = [trial for trial in every if trial.has_failed and trial.number < last]
    card = best_card(search.study_name, plan, trials, failed)
    files = {
        TRIALS: _to_csv(trials_frame(trials, plan)),
        BEST: json.dumps(card, indent=2) + "\n",
        IMPORTANCE: _to_csv(importance_frame(trials)),
    }
    for name, text in files.items():
        write_text(out / name, text)
    return tuple(out / name for name in files)


def _to_csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n")
