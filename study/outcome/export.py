"""Export a search: its finished trials, the best settings, and the hyperparameters' importance.

Other stages read these files and never the store, which may grow in the meantime.
"""

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from pipeline.errors import UserError
from pipeline.files import write_text
from pipeline.schemas.best_card import BEST, BestCard, BestTrial, FailedTrial, SearchProtocol
from pipeline.schemas.fingerprint import file_sha256, fingerprint_of
from pipeline.schemas.record import write_record
from pipeline.schemas.tables import IMPORTANCE, TRIALS, Row
from pipeline.settings import Architecture
from study.outcome.ranking import ranked
from study.search.plan import NLL_SAMPLES, Plan, plan_of
from study.search.schedule import RESULT, RUN_ID, TRIAL, Trial, first_finished, trials_of
from study.search.space import to_run

METRICS = ("elbo", "reconstruction", "kl", "nll", "spread")
REMEMBERED = "importance"  # attribute of a search: the rows of importance.csv, and of which trials
_FANOVA = Path(__file__).with_name("fanova.py")


def trial_rows(trials: Sequence[Trial], plan: Plan) -> list[Row]:
    """Return the rows of ``trials.csv``, one per finished trial, in order.

    ``value`` is the objective's value or, for a pruned trial, the last one that it was compared by.
    ``first_value`` is the value at the first comparison, which pruned and complete trials both have
    (for ``nll`` the negative ELBO, by which trials are compared). Metrics are empty if a trial was
    pruned or the objective does not measure them.
    """
    return [_row(trial, plan) for trial in trials]


def _row(trial: Trial, plan: Plan) -> Row:
    attempt = trial.attempt
    result = attempt.user_attrs.get(RESULT, {})
    last = max(attempt.intermediate_values, default=0)
    duration = attempt.duration.total_seconds() if attempt.duration else None
    return {
        "number": trial.number,
        "state": attempt.state.name.lower(),
        **{one.name: attempt.params.get(one.name) for one in plan.search.space},
        "value": attempt.value if len(plan.directions) == 1 else None,
        "first_value": attempt.intermediate_values.get(first_comparison(plan) or 0),
        **{name: result.get(name) for name in METRICS},
        "epochs": result.get("epochs", min(last, plan.search.epochs)),
        "seconds": result.get("seconds", duration),
        "run_id": attempt.user_attrs.get(RUN_ID, ""),
    }


def first_comparison(plan: Plan) -> int | None:
    """Return the epoch after which trials are first compared; None if they never are."""
    return min(plan.check_epochs(), default=None) if plan.prunes else None


def best_card(
    search: str, plan: Plan, trials: Sequence[Trial], failed: Sequence[Trial] = ()
) -> BestCard:
    """Return the best trials with the settings to train them again.

    Args:
        search: the search's name.
        plan: the search's plan.
        trials: the finished trials.
        failed: abandoned trials that were started before the last of these.

    Raises:
        UserError: if no trial is complete.
    """
    best = [_entry(one, plan) for one in ranked((trial.attempt for trial in trials), plan)]
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
        finished_trials=len(trials),
        failed=tuple(FailedTrial(number=one.number, reason=one.reason) for one in failed),
        first_comparison=first_comparison(plan),
        protocol=_protocol(plan),
        plan=plan.search.plan,
        best=None if two else best[0],
        front=tuple(best) if two else (),
        architectures=architectures,
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
        checkpoint=base.checkpoint,
        precision=base.precision,
        nll_samples=NLL_SAMPLES if plan.search.objective == "nll" else None,
    )


def _entry(attempt: FrozenTrial, plan: Plan) -> BestTrial:
    result = attempt.user_attrs[RESULT]
    return BestTrial(
        number=attempt.user_attrs[TRIAL],
        metrics={name: result[name] for name in METRICS if name in result},
        params=attempt.params,
        settings=to_run(attempt.params, plan.base, plan.search.seed, plan.search.epochs),
    )


def export(search: optuna.Study, out: Path, count: int | None = None) -> tuple[Path, ...]:
    """Write ``trials.csv``, ``best.json`` and ``importance.csv`` and return their paths.

    Args:
        search: the search, in its store.
        out: the output folder.
        count: number of finished trials to export, first ones first; by default all.

    Raises:
        UserError: if no trial is complete, or a file cannot be written.
    """
    plan = plan_of(search)
    every = trials_of(search.get_trials(deepcopy=False), search.user_attrs)
    trials = first_finished(every, len(every) if count is None else count)
    last = max((trial.number for trial in trials), default=-1)
    failed = [trial for trial in every if trial.has_failed and trial.number < last]
    card = best_card(search.study_name, plan, trials, failed)
    tables = {TRIALS: trial_rows(trials, plan), IMPORTANCE: _importance(search, trials)}
    for table, rows in tables.items():
        write_text(out / table.name, table.to_csv(rows))
    write_record(out / BEST, card)
    return out / TRIALS.name, out / BEST, out / IMPORTANCE.name


def _importance(search: optuna.Study, trials: Sequence[Trial]) -> list[Row]:
    """Return the rows of ``importance.csv``; the store remembers those of the last export.

    Fitting the forests, with the import of scikit-learn, takes longer than everything else that a
    finished search does, and DVC removes the file before it asks for it again.
    """
    wanted = fingerprint_of(
        {
            "code": file_sha256(_FANOVA),
            "versions": [importlib.metadata.version(name) for name in ("optuna", "scikit-learn")],
            "trials": [
                [
                    one.state.name,
                    one.params,
                    one.values,
                    one.intermediate_values,
                    one.user_attrs.get(RESULT),
                ]
                for one in (trial.attempt for trial in trials)
            ],
        }
    )
    remembered = search.user_attrs.get(REMEMBERED, {})
    if remembered.get("of") == wanted:
        return list(remembered["rows"])
    from study.outcome.fanova import importance_rows

    rows = importance_rows(trials)
    search.set_user_attr(REMEMBERED, {"of": wanted, "rows": rows})
    return rows
