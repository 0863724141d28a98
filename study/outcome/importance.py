"""The importance of a search's hyperparameters, as far as the store remembers it.

Fitting the forests, with the import of scikit-learn, takes longer than everything else that is done
with a finished search, and DVC removes the file before it asks for it again.
"""

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

import optuna

from pipeline.schemas.fingerprint import file_sha256, fingerprint_of
from pipeline.schemas.tables import Row
from study.search.schedule import Trial, result_of

REMEMBERED = "importance"  # attribute of a search: the rows of importance.csv, and of which trials
FEWEST = 10  # complete trials; a forest fitted to fewer is not meaningful
_FANOVA = Path(__file__).with_name("fanova.py")


def importance_of(search: optuna.Study, trials: Sequence[Trial]) -> list[Row]:
    """Return the rows of ``importance.csv``, remembered or computed; none if they cannot be.

    Args:
        search: the search, in its store.
        trials: the trials on which the importance rests.
    """
    rows = remembered_importance(search, trials)
    if rows is not None:
        return rows
    from study.outcome.fanova import importance_rows  # imports pandas and scikit-learn

    return importance_rows(trials)


def remember_importance(search: optuna.Study, trials: Sequence[Trial]) -> list[Row]:
    """Return the rows of ``importance.csv``, which the store then remembers.

    Args:
        search: the search, in a store that was opened to write to it.
        trials: the trials on which the importance rests.
    """
    rows = importance_of(search, trials)
    if remembered_importance(search, trials) is None:
        search.set_user_attr(REMEMBERED, {"of": _fingerprint(trials), "rows": rows})
    return rows


def remembered_importance(search: optuna.Study, trials: Sequence[Trial]) -> list[Row] | None:
    """Return the rows that the store remembers; None if it does not, or not of these trials."""
    if sum(trial.is_evidence for trial in trials) < FEWEST:
        return []
    remembered = search.user_attrs.get(REMEMBERED, {})
    return list(remembered["rows"]) if remembered.get("of") == _fingerprint(trials) else None


def _fingerprint(trials: Sequence[Trial]) -> str:
    return fingerprint_of(
        {
            "code": file_sha256(_FANOVA),
            "versions": [importlib.metadata.version(name) for name in ("optuna", "scikit-learn")],
            "trials": [
                [one.number, one.params, one.attempt.values, result_of(one.attempt)]
                for one in trials
                if one.is_evidence
            ],
        }
    )
