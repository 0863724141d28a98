"""A search as files: one row a finished trial, and the best one's settings.

Downstream reads these and never the store, which grows while they are written.
"""

import json
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from pipeline.errors import UserError
from pipeline.files import write_text
from study.candidates import to_run
from study.plan import Plan, plan_of
from study.ranking import ranked
from study.storage import FINISHED
from study.trials import RUN_ID

METRICS = ("elbo", "reconstruction", "kl", "nll", "spread")
TRIALS, BEST = "trials.csv", "best.json"


def trials_frame(trials: list[FrozenTrial], plan: Plan) -> pd.DataFrame:
    """One row a finished trial, sorted by number.

    Columns: number, state, every dimension of the space, every metric (empty where a trial was
    pruned, or the objective does not measure it), epochs run, seconds, run_id.
    """
    rows = [_row(trial, plan) for trial in sorted(trials, key=lambda trial: trial.number)]
    names = [dimension.name for dimension in plan.search.space]
    columns = ["number", "state", *names, *METRICS, "epochs", "seconds", "run_id"]
    return pd.DataFrame(rows, columns=columns)


def _row(trial: FrozenTrial, plan: Plan) -> dict[str, Any]:
    pruned = trial.state == TrialState.PRUNED
    row: dict[str, Any] = {"number": trial.number, "state": trial.state.name.lower()}
    row |= trial.params
    row |= {name: trial.user_attrs.get(name) for name in METRICS}
    row["epochs"] = max(trial.intermediate_values) if pruned else plan.search.epochs
    duration = trial.duration.total_seconds() if trial.duration else None
    row["seconds"] = trial.user_attrs.get("seconds", duration)
    return row | {"run_id": trial.user_attrs.get(RUN_ID, "")}


def best_card(search: optuna.Study, plan: Plan, trials: list[FrozenTrial]) -> dict[str, Any]:
    """The best trial of one objective, or the front of two, with the settings to train again."""
    best = [
        {
            "number": trial.number,
            "values": trial.values,
            "params": trial.params,
            "settings": to_run(
                trial.params, plan.base, plan.search.seed, plan.search.epochs
            ).model_dump(mode="json"),
        }
        for trial in ranked(trials, plan)
    ]
    if not best:
        raise UserError(f"search {search.study_name} has no complete trial to export yet")
    card: dict[str, Any] = {
        "search": search.study_name,
        "objective": plan.search.objective,
        "data_hash": plan.data_hash,
        "finished_trials": len(trials),
    }
    return card | ({"front": best} if len(plan.directions) > 1 else {"best": best[0]})


def export(search: optuna.Study, out: Path) -> tuple[Path, Path]:
    """Write ``trials.csv`` and ``best.json``; their paths.

    Raises:
        UserError: if no trial is complete, or a file cannot be written.
    """
    plan = plan_of(search)
    trials = search.get_trials(deepcopy=False, states=FINISHED)
    card = best_card(search, plan, trials)
    write_text(out / TRIALS, trials_frame(trials, plan).to_csv(index=False, lineterminator="\n"))
    write_text(out / BEST, json.dumps(card, indent=2) + "\n")
    return out / TRIALS, out / BEST
