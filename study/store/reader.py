"""Read the searches of an SQLite file without SQLAlchemy, whose import takes a third of a second.

Only what is in order is read here: any other file, and any row that cannot be read, is left to
Optuna's own storage, and its errors to the modules that explain them.
"""

import json
import math
import sqlite3
from collections import defaultdict
from collections.abc import Container, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from pipeline.runtime.sqlite import connect_read_only
from study.store.notices import announcing_lock

VERSION = "v3.2.0.a"  # of Optuna's tables as they are read here


def connect_to_read(file: Path) -> sqlite3.Connection:
    """Open an SQLite store to read it, waiting for a program that has locked it."""
    with announcing_lock(file):
        connection = connect_read_only(file)
        connection.execute("PRAGMA schema_version")
        return connection


def is_readable(file: Path) -> bool:
    """Return whether a file has Optuna's tables in the version that is read here."""
    try:
        with closing(connect_to_read(file)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except (sqlite3.Error, OSError):
        return False
    return found == [(VERSION,)]


# Optuna stores what is not a finite number as one of these.
NUMBERS = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}


class FileReader(BaseStorage):
    """Optuna's storage in an SQLite file, to be read only.

    The file is opened for each question: it may be looked at as one that does not change, which is
    right for a moment only.

    Args:
        file: a file for which ``is_readable`` holds.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def ask(self, query: str, **values: str | int) -> list[tuple[Any, ...]]:
        """Return the rows that answer a query with named parameters.

        Raises:
            StorageInternalError: if the file cannot be read.
        """
        with self._snapshot() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection whose answers are all of the same moment."""
        try:
            # Whoever waits long for a lock was told so by `is_readable`, the first to ask.
            with closing(connect_read_only(self._file)) as connection:
                connection.execute("BEGIN")
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise StorageInternalError("the file cannot be read") from error

    def get_study_id_from_name(self, study_name: str) -> int:
        """Return the number of a study."""
        found = self.ask("SELECT study_id FROM studies WHERE study_name = :name", name=study_name)
        return int(_only(found))

    def get_study_name_from_id(self, study_id: int) -> str:
        """Return the name of a study."""
        found = self.ask("SELECT study_name FROM studies WHERE study_id = :id", id=study_id)
        return str(_only(found))

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Return the direction of each objective."""
        query = "SELECT direction FROM study_directions WHERE study_id = :id ORDER BY objective"
        return [StudyDirection[name] for (name,) in self.ask(query, id=study_id)]

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return a study's attributes."""
        query = "SELECT key, value_json FROM study_user_attributes WHERE study_id = :id"
        return {key: json.loads(value) for key, value in self.ask(query, id=study_id)}

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the attributes that Optuna gives a study."""
        query = "SELECT key, value_json FROM study_system_attributes WHERE study_id = :id"
        return {key: json.loads(value) for key, value in self.ask(query, id=study_id)}

    def get_all_studies(self) -> list[FrozenStudy]:
        """Return all studies, in their order."""
        return [
            FrozenStudy(
                study_name=name,
                direction=None,
                directions=self.get_study_directions(identity),
                user_attrs=self.get_study_user_attrs(identity),
                system_attrs=self.get_study_system_attrs(identity),
                study_id=identity,
            )
            for identity, name in self.ask("SELECT study_id, study_name FROM studies ORDER BY 1")
        ]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return an attempt."""
        found = self._trials("trial_id = :id", trial_id)
        if not found:
            raise KeyError(trial_id)
        return found[0]

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the attempts of a study, in their order."""
        found = self._trials("study_id = :id", study_id)  # fresh, so that no copy is needed
        return [one for one in found if states is None or one.state in states]

    def _trials(self, which: str, identity: int) -> list[FrozenTrial]:
        chosen = f"IN (SELECT trial_id FROM trials WHERE {which})"  # noqa: S608 - both are ours

        def read(table: str, columns: str, order: str) -> dict[int, list[tuple[Any, ...]]]:
            query = (
                f"SELECT trial_id, {columns} FROM {table} WHERE trial_id {chosen} ORDER BY {order}"  # noqa: S608
            )
            rows: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
            for trial, *row in connection.execute(query, {"id": identity}):
                rows[trial].append(tuple(row))
            return rows

        with self._snapshot() as connection:
            trials = read("trials", "number, state, datetime_start, datetime_complete", "trial_id")
            params = read("trial_params", "param_name, param_value, distribution_json", "param_id")
            values = read("trial_values", "value, value_type, objective", "objective")
            steps = read(
                "trial_intermediate_values",
                "step, intermediate_value, intermediate_value_type",
                "trial_intermediate_value_id",
            )
            user, system = (
                read(f"trial_{whose}_attributes", "key, value_json", f"trial_{whose}_attribute_id")
                for whose in ("user", "system")
            )
        return [
            FrozenTrial(
                number=number,
                state=TrialState[state],
                value=None,
                values=_values(values[trial]),
                datetime_start=_local(start),
                datetime_complete=_local(end),
                params={
                    name: _distribution(text).to_external_repr(value)
                    for name, value, text in params[trial]
                },
                distributions={name: _distribution(text) for name, _, text in params[trial]},
                user_attrs={key: json.loads(value) for key, value in user[trial]},
                system_attrs={key: json.loads(value) for key, value in system[trial]},
                intermediate_values={
                    step: _number(value, kind) for step, value, kind in steps[trial]
                },
                trial_id=trial,
            )
            for trial, [(number, state, start, end)] in trials.items()
        ]

    def _refuse(self, *values: Any, **more: Any) -> Any:
        raise StorageInternalError("a store that was opened to be read is not written to")

    create_new_study = delete_study = set_study_user_attr = set_study_system_attr = _refuse
    create_new_trial = set_trial_param = set_trial_state_values = _refuse
    set_trial_intermediate_value = set_trial_user_attr = set_trial_system_attr = _refuse


def _only(rows: list[tuple[Any, ...]]) -> Any:
    if len(rows) != 1:
        raise KeyError("no such study")
    return rows[0][0]


def _local(utc: str | None) -> datetime | None:
    """Return a stored time as Optuna does: in local time, without a zone."""
    if utc is None:
        return None
    return datetime.fromisoformat(utc).replace(tzinfo=UTC).astimezone().replace(tzinfo=None)


def _values(rows: list[tuple[Any, ...]]) -> list[float] | None:
    if [objective for _, _, objective in rows] != list(range(len(rows))):
        raise ValueError("its values are not one per objective")
    return [_number(value, kind) for value, kind, _ in rows] or None


def _number(value: float | None, kind: str) -> float:
    if kind == "FINITE" and value is not None:
        return value
    if value is not None:
        raise ValueError(f"{value} is not {kind}")
    return NUMBERS[kind]


@cache
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)
