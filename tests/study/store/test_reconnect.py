"""What is said again to a server that restarted, and what is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.exc import OperationalError, ProgrammingError

from study.store.reconnect import NO_SERVER, REPEATABLE, PatientStorage, again, losing_the_server


def cut() -> StorageInternalError:
    """What Optuna raises where a server ended the connection under a statement."""
    error = StorageInternalError("during the commit")
    reason = Exception("server closed the connection unexpectedly")
    error.__cause__ = OperationalError("COMMIT", {}, reason, connection_invalidated=True)
    return error


def failing_once(call: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """The call, which does its work the first time too, but then raises."""
    failures = [error]

    def once(*words: Any, **options: Any) -> Any:
        result = call(*words, **options)
        if failures:
            raise failures.pop()
        return result

    return once


def test_what_a_restart_cut_is_said_again() -> None:
    said: list[int] = []
    again(failing_once(said.append, cut()))(1)
    assert said == [1, 1]


def test_other_errors_are_told_at_once() -> None:
    said: list[int] = []
    full = OperationalError("INSERT", {}, Exception("database or disk is full"))
    with pytest.raises(OperationalError, match="disk is full"):
        again(failing_once(said.append, full))(1)
    assert said == [1]


@pytest.fixture
def store(tmp_path: Path) -> PatientStorage:
    return PatientStorage(f"sqlite:///{tmp_path / 'study.db'}")


def test_attributes_and_reports_are_written_in_spite_of_a_cut(
    store: PatientStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = optuna.create_study(storage=store).ask()
    for name in ("set_trial_user_attr", "set_trial_intermediate_value", "_get_trials"):
        monkeypatch.setattr(RDBStorage, name, failing_once(getattr(RDBStorage, name), cut()))
    trial.set_user_attr("note", "kept")
    trial.report(1.5, step=3)
    (stored,) = trial.study.get_trials()
    assert stored.user_attrs == {"note": "kept"}
    assert stored.intermediate_values == {3: 1.5}


def test_a_trial_whose_end_was_written_but_not_answered_has_ended_once(
    store: PatientStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = optuna.create_study(storage=store)
    trial = search.ask()
    write = RDBStorage.set_trial_state_values
    monkeypatch.setattr(RDBStorage, "set_trial_state_values", failing_once(write, cut()))
    search.tell(trial, 2.0)
    assert [(one.state, one.value) for one in search.trials] == [(TrialState.COMPLETE, 2.0)]
    with pytest.raises(UpdateFinishedTrialError):
        store.set_trial_state_values(trial._trial_id, TrialState.FAIL)


def test_the_taking_of_a_trial_is_not_said_again(
    store: PatientStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = optuna.create_study(storage=store)
    search.enqueue_trial({})
    write = RDBStorage.set_trial_state_values
    monkeypatch.setattr(RDBStorage, "set_trial_state_values", failing_once(write, cut()))
    with pytest.raises(StorageInternalError):
        search.ask()


def test_a_connection_lost_for_good_ends_the_process_with_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended, losing_the_server("the store is gone"):
        raise cut()
    assert ended.value.code == NO_SERVER
    assert capsys.readouterr().err == "the store is gone\n"
    with pytest.raises(ValueError, match="something else"), losing_the_server(""):
        raise ValueError("something else")


def test_a_statement_that_is_wrong_is_not_said_again() -> None:
    """Psycopg's own errors, of what it could not even send, have no state either."""
    said: list[int] = []
    reason = Exception("cannot adapt type 'object'")
    reason.sqlstate = None  # type: ignore[attr-defined]
    with pytest.raises(ProgrammingError):
        again(failing_once(said.append, ProgrammingError("SELECT", {}, reason)))(1)
    assert said == [1]


def test_what_may_be_said_again_is_what_optuna_says() -> None:
    assert all(hasattr(RDBStorage, name) for name in REPEATABLE)
