"""A search as files: one row a finished trial, and the best one's settings.

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
from study.candidates import to_run
from study.plan import Plan, plan_of
from study.ranking import ranked
from study.turns import RESULT, RUN_ID, TURN, Turn, first_finished, turns_of

METRICS = ("elbo", "reconstruction", "kl", "nll", "spread")
TRIALS, BEST = "trials.csv", "best.json"


def trials_frame(turns: Sequence[Turn], plan: Plan) -> pd.DataFrame:
    """One row a finished turn, in their order.

    Columns: number, state, every dimension of the space, ``value`` (the objective's; of a pruned
    trial the last that it was compared by), every metric (empty where a trial was pruned, or the
    objective does not measure it), epochs run, seconds, run_id.
    """
    names = [dimension.name for dimension in plan.search.space]
    columns = ["number", "state", *names, "value", *METRICS, "epochs", "seconds", "run_id"]
    return pd.DataFrame([_row(turn, plan) for turn in turns], columns=columns)


def _row(turn: Turn, plan: Plan) -> dict[str, Any]:
    trial = turn.trial
    result = trial.user_attrs.get(RESULT, {})
    row: dict[str, Any] = {"number": turn.number, "state": trial.state.name.lower()}
    row |= trial.params
    row |= {name: result.get(name) for name in METRICS}
    row["value"] = trial.value if len(plan.directions) == 1 else None
    last = max(trial.intermediate_values, default=0)
    row["epochs"] = result.get("epochs", min(last, plan.search.epochs))
    duration = trial.duration.total_seconds() if trial.duration else None
    row["seconds"] = result.get("seconds", duration)
    return row | {"run_id": trial.user_attrs.get(RUN_ID, "")}


def best_card(search: str, plan: Plan, turns: Sequence[Turn]) -> dict[str, Any]:
    """The best trials with the settings that train them again.

    ``best`` of one objective, or the Pareto ``front`` of two; and the best by ELBO of each
    architecture, from which ``train.hyperparameters: searched`` takes its settings.

    Raises:
        UserError: if no trial is complete.
    """
    trials = [turn.trial for turn in turns]
    best = ranked(trials, plan)
    if not best:
        raise UserError(f"search {search} has no complete trial to export yet")
    card: dict[str, Any] = {
        "search": search,
        "objective": plan.search.objective,
        "data_hash": plan.data_hash,
        "finished_trials": len(turns),
    }
    if len(plan.directions) > 1:
        card["front"] = [_entry(trial, plan) for trial in best]
    else:
        card["best"] = _entry(best[0], plan)
    if len(plan.directions) > 1:
        best = sorted(best, key=lambda trial: -trial.user_attrs[RESULT]["elbo"])
    card["architectures"] = {}
    for trial in best:
        entry = _entry(trial, plan)
        card["architectures"].setdefault(entry["settings"]["architecture"], entry)
    return card


def _entry(trial: FrozenTrial, plan: Plan) -> dict[str, Any]:
    run = to_run(trial.params, plan.base, plan.search.seed, plan.search.epochs)
    result = trial.user_attrs[RESULT]
    return {
        "number": trial.user_attrs[TURN],
        "metrics": {name: result[name] for name in METRICS if name in result},
        "params": trial.params,
        "settings": run.model_dump(mode="json"),
    }


def export(search: optuna.Study, out: Path, count: int | None = None) -> tuple[Path, Path]:
    """Write ``trials.csv`` and ``best.json``; their paths.

    Args:
        search: in its store.
        out: the folder.
        count: the first so many finished trials; by default all.

    Raises:
        UserError: if no trial is complete, or a file cannot be written.
    """
    plan = plan_of(search)
    turns = turns_of(search.get_trials(deepcopy=False), search.user_attrs)
    turns = first_finished(turns, len(turns) if count is None else count)
    card = best_card(search.study_name, plan, turns)
    write_text(out / TRIALS, trials_frame(turns, plan).to_csv(index=False, lineterminator="\n"))
    write_text(out / BEST, json.dumps(card, indent=2) + "\n")
    return out / TRIALS, out / BEST
