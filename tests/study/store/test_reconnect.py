"""What is repeated after a server restarted, and what is not."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import optuna
import pytest
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from pipeline.runtime.processes import HOST, PID_STARTED, identity
from study.search.schedule import OWNER
from study.store.notices import announcing
from study.store.opening import open_storage
from study.store.quiet import quiet_optuna
from study.store.reconnect import (
    NO_SERVER,
    REPEATABLE,
    ReconnectingStorage,
    connector,
    exit_if_disconnected,
    retry_if_disconnected,
)


def disconnection() -> StorageInternalError:
    """What Optuna raises if a server closes the connection during a statement."""
    error = StorageInternalError("during the commit")
    reason = Exception("server closed the connection unexpectedly")
    error.__cause__ = OperationalError("COMMIT", {}, reason, connection_invalidated=True)
    return error


def failing_once(call: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """The call, which works the first time too but then raises."""
    failures = [error]

    def once(*words: Any, **options: Any) -> Any:
        result = call(*words, **options)
        if failures:
            raise failures.pop()
        return result

    return once


def test_a_call_that_a_restart_cut_off_is_repeated() -> None:
    calls: list[int] = []
    retry_if_disconnected(failing_once(calls.append, disconnection()))(1)
    assert calls == [1, 1]


def test_other_errors_are_raised_at_once() -> None:
    calls: list[int] = []
    full = OperationalError("INSERT", {}, Exception("database or disk is full"))
    with pytest.raises(OperationalError, match="disk is full"):
        retry_if_disconnected(failing_once(calls.append, full))(1)
    assert calls == [1]


@pytest.fixture
def store(tmp_path: Path) -> ReconnectingStorage:
    return ReconnectingStorage(f"sqlite:///{tmp_path / 'study.db'}")


def test_attributes_and_reports_are_written_despite_a_disconnection(
    store: ReconnectingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = optuna.create_study(storage=store).ask()
    for name in ("set_trial_user_attr", "set_trial_intermediate_value", "_get_trials"):
        monkeypatch.setattr(
            RDBStorage, name, failing_once(getattr(RDBStorage, name), disconnection())
        )
    trial.set_user_attr("note", "kept")
    trial.report(1.5, step=3)
    (stored,) = trial.study.get_trials()
    assert stored.user_attrs == {"note": "kept"}
    assert stored.intermediate_values == {3: 1.5}


def test_a_trial_whose_end_was_written_but_not_confirmed_ends_once(
    store: ReconnectingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = optuna.create_study(storage=store)
    trial = search.ask()
    write = RDBStorage.set_trial_state_values
    monkeypatch.setattr(RDBStorage, "set_trial_state_values", failing_once(write, disconnection()))
    search.tell(trial, 2.0)
    assert [(one.state, one.value) for one in search.trials] == [(TrialState.COMPLETE, 2.0)]
    with pytest.raises(UpdateFinishedTrialError):
        store.set_trial_state_values(trial._trial_id, TrialState.FAIL)


def test_taking_a_trial_is_not_repeated(
    store: ReconnectingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = optuna.create_study(storage=store)
    search.enqueue_trial({})
    write = RDBStorage.set_trial_state_values
    monkeypatch.setattr(RDBStorage, "set_trial_state_values", failing_once(write, disconnection()))
    with pytest.raises(StorageInternalError):
        search.ask()


def test_a_connection_lost_for_good_ends_the_process_with_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended, exit_if_disconnected("the store is gone"):
        raise disconnection()
    assert ended.value.code == NO_SERVER
    assert capsys.readouterr().err == "the store is gone\n"
    with pytest.raises(ValueError, match="something else"), exit_if_disconnected(""):
        raise ValueError("something else")


def test_a_wrong_statement_is_not_repeated() -> None:
    """Psycopg's own errors, for what it could not even send, have no state either."""
    calls: list[int] = []
    reason = Exception("cannot adapt type 'object'")
    reason.sqlstate = None  # type: ignore[attr-defined]
    with pytest.raises(ProgrammingError):
        retry_if_disconnected(failing_once(calls.append, ProgrammingError("SELECT", {}, reason)))(1)
    assert calls == [1]


def test_optuna_has_every_call_that_is_repeated() -> None:
    """Two of them are private: another release of Optuna may rename them."""
    missing = {name for name in REPEATABLE if not callable(getattr(RDBStorage, name, None))}
    assert not missing, f"Optuna {optuna.__version__} renamed {missing}; update REPEATABLE"


def test_optuna_reads_through_the_private_calls_that_are_repeated(
    store: ReconnectingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a private name still exists does not mean that it is still used."""
    search = optuna.create_study(storage=store)
    used: set[str] = set()

    def noting(name: str) -> Callable[..., Any]:
        call = getattr(RDBStorage, name)

        def noted(*words: Any, **options: Any) -> Any:
            used.add(name)
            return call(*words, **options)

        return noted

    private = {name for name in REPEATABLE if name.startswith("_")}
    for name in private:
        monkeypatch.setattr(RDBStorage, name, noting(name))
    search.get_trials()
    store.heartbeat_interval = 1
    optuna.storages.fail_stale_trials(search)
    assert used == private


@pytest.mark.parametrize(
    ("owner", "failed_at_once"),
    [({}, False), ({PID_STARTED: "1"}, True), ({HOST: "another-host"}, True)],
)
def test_a_step_of_the_clock_costs_no_trial_of_a_live_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: dict[str, str], failed_at_once: bool
) -> None:
    """The step makes its heartbeat late, until it writes the next one."""
    database = tmp_path / "study.db"
    quiet_optuna()
    store = open_storage(f"sqlite:///{database}", create=True)
    search = optuna.create_study(storage=store)
    running = optuna.create_trial(state=TrialState.RUNNING, user_attrs={OWNER: identity() | owner})
    search.add_trial(running)
    (attempt,) = search.trials

    def beat_an_hour_ago() -> None:
        store.record_heartbeat(attempt._trial_id)
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("UPDATE trial_heartbeats SET heartbeat = '2020-01-01 00:00:00'")

    beat_an_hour_ago()
    optuna.storages.fail_stale_trials(search)
    assert (search.trials[0].state == TrialState.FAIL) == failed_at_once
    store.record_heartbeat(attempt._trial_id)
    optuna.storages.fail_stale_trials(search)
    assert (search.trials[0].state == TrialState.FAIL) == failed_at_once

    beat_an_hour_ago()  # and the process is stopped
    monkeypatch.setattr("study.store.reconnect.LATE", 0)
    optuna.storages.fail_stale_trials(search)
    assert search.trials[0].state == TrialState.FAIL


class Server:
    """In place of a server: refuses connections for these reasons, then accepts one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *reasons: str) -> None:
        psycopg = pytest.importorskip("psycopg")
        self.error = psycopg.OperationalError
        self.reasons = list(reasons)
        monkeypatch.setattr(psycopg, "connect", self.connect)

    def connect(self, *words: Any, **options: Any) -> "Server":
        if self.reasons:
            raise self.error(self.reasons.pop(0))
        return self


ADDRESS = make_url("postgresql+psycopg://user:secret@127.0.0.1/trials")
REFUSED = "connection to server at 127.0.0.1 failed: Connection refused"
STARTING = "FATAL: the database system is starting up"


@pytest.mark.parametrize(
    "reason",
    [
        REFUSED,
        'FATAL: password authentication failed for user "user"',
        'FATAL: database "trials" does not exist',
        "failed to resolve host",
    ],
)
def test_a_server_that_was_never_reached_is_not_waited_for(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(monkeypatch, reason, reason)
    with pytest.raises(server.error, match=reason):
        connector(ADDRESS, awaited=False)()
    assert len(server.reasons) == 1


@pytest.mark.parametrize(("reason", "awaited"), [(STARTING, False), (REFUSED, True)])
def test_a_server_that_starts_or_was_there_before_is_waited_for(
    reason: str, awaited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(monkeypatch, reason, reason)
    assert connector(ADDRESS, awaited=awaited)() is server


def test_a_server_that_was_reached_is_waited_for_whatever_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server(monkeypatch)
    connect = connector(ADDRESS, awaited=False)
    connect()
    server.reasons = [REFUSED, "FATAL: das Datenbanksystem startet"]
    assert connect() is server


def test_a_long_wait_is_announced_without_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    announced = threading.Event()
    said: list[str] = []

    def echo(text: str, err: bool) -> None:
        assert err
        said.append(text)
        announced.set()

    monkeypatch.setattr(click, "echo", echo)
    with announcing("a store"):
        pass
    monkeypatch.setattr("study.store.notices.NOTICE", 0)
    server = Server(monkeypatch)
    monkeypatch.setattr(server, "connect", lambda **_: announced.wait(10) and server)
    monkeypatch.setattr("psycopg.connect", server.connect)
    connector(ADDRESS)()
    assert said == ["waiting for postgresql+psycopg://user:***@127.0.0.1/trials"]
