"""An SQLite store is read without SQLAlchemy, as Optuna reads it."""

import math
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import TrialState

from study.store.opening import open_storage
from study.store.reader import VERSION, FileReader, is_readable
from study.store.searches import all_searches, find_search
from tests.study.conftest import URL
from tests.study.store.conftest import NAME, make_search

FILE = Path("study.db")
RANGES = {
    "x": optuna.distributions.FloatDistribution(1e-3, 1, log=True),
    "n": optuna.distributions.IntDistribution(2, 8, step=2),
    "c": optuna.distributions.CategoricalDistribution(["a", None, "[1, 2]"]),
}


def add_odd_trials() -> None:
    """What a store may hold besides: all states, infinities, and another program's study."""
    search = optuna.load_study(study_name=NAME, storage=open_storage(URL))
    params = {"x": 0.5, "n": 4, "c": None}
    for state in (TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING, TrialState.WAITING):
        steps = {} if state == TrialState.WAITING else {1: math.inf, 3: -math.inf, 2: 0.5}
        search.add_trial(
            optuna.create_trial(
                state=state,
                value=None,
                params=params,
                distributions=RANGES,
                intermediate_values=steps,
                user_attrs={"note": {"nested": [1, None]}},
                system_attrs={"own": True},
            )
        )
    two = optuna.create_study(
        study_name="two", storage=open_storage(URL), directions=["minimize", "maximize"]
    )
    two.add_trial(optuna.create_trial(values=[math.inf, -1.0], params={}, distributions={}))
    two.set_metric_names(["first", "second"])


def everything(storage: BaseStorage) -> list[object]:
    studies = storage.get_all_studies()
    return [
        [
            vars(one),
            [vars(trial) for trial in storage.get_all_trials(one._study_id)],
            [
                vars(storage.get_trial(trial._trial_id))
                for trial in storage.get_all_trials(one._study_id, states=(TrialState.PRUNED,))
            ],
            storage.get_study_id_from_name(one.study_name),
            storage.get_study_name_from_id(one._study_id),
        ]
        for one in studies
    ]


def test_it_reads_what_optuna_reads(search: Path) -> None:
    add_odd_trials()
    assert is_readable(FILE)
    assert everything(FileReader(FILE)) == everything(open_storage(URL))


def test_it_reads_the_version_that_is_installed(search: Path) -> None:
    assert RDBStorage(URL).get_head_version() == VERSION


def test_it_sees_what_is_added_later(search: Path) -> None:
    found = find_search(URL, NAME)
    before = len(found.get_trials())
    added = optuna.create_trial(state=TrialState.RUNNING)
    optuna.load_study(study_name=NAME, storage=open_storage(URL)).add_trial(added)
    assert len(found.get_trials()) == before + 1


def test_it_writes_nothing(search: Path) -> None:
    found = find_search(URL, NAME)
    with pytest.raises(StorageInternalError):
        found.set_user_attr("note", 1)
    with pytest.raises(StorageInternalError):
        found.ask()


@pytest.mark.parametrize("version", ["v3.0.0.d", "v9.9.9.a", None])
def test_tables_of_another_version_are_left_to_optuna(search: Path, version: str | None) -> None:
    with closing(sqlite3.connect(FILE)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", [version or ""])
    assert not is_readable(FILE)


def test_what_is_no_store_is_not_readable(folder: Path) -> None:
    assert not is_readable(FILE)
    FILE.write_text("no database")
    assert not is_readable(FILE)


def test_a_name_that_is_missing_is_a_key_error(search: Path) -> None:
    with pytest.raises(KeyError):
        FileReader(FILE).get_study_id_from_name("missing")
    with pytest.raises(KeyError):
        FileReader(FILE).get_trial(10**6)


def test_all_searches_are_read_in_their_order(search: Path) -> None:
    make_search(name="another")
    found, unreadable = all_searches(URL)
    assert [one.study_name for one in found] == ["another", NAME]
    assert unreadable == []
