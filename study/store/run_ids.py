"""Which run in MLflow an attempt has.

The attempt itself notes it while it trains. A run that is recorded later, such as after an outage
of MLflow's server, is noted in the search: Optuna lets nobody change an attempt that has ended.
"""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from study.search.schedule import RUN_ID

LATE_RUN = "run:"  # begins the attributes of a search that note such runs; a number follows


def run_id_of(attempt: FrozenTrial, attributes: Mapping[str, Any]) -> str:
    """Return the ID of an attempt's run; empty if it is not known.

    Args:
        attempt: one of the search's.
        attributes: the search's attributes.
    """
    late = attributes.get(f"{LATE_RUN}{attempt.number}")
    return str(late or attempt.user_attrs.get(RUN_ID, ""))


def note_late_run(search: optuna.Study, attempt: FrozenTrial, run_id: str) -> None:
    """Note the run of an attempt that has ended."""
    search.set_user_attr(f"{LATE_RUN}{attempt.number}", run_id)
