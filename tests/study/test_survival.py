"""What can happen to a search, and that the next `study run` goes on from there."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from mlflow import MlflowClient

from study.search.plan import PARENT
from study.search.schedule import MOST_DEATHS, TRIAL, Trial, trials_of
from tests.conftest import ROOT
from tests.study.conftest import change_search
from tests.study.test_search import URL, records, study

TRIALS = 8
WORDS = [sys.executable, "-m", "study", "run", "--trials", str(TRIALS), "--workers", "2"]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def start(project: Path, *words: str, **environment: str) -> subprocess.Popen[bytes]:
    with (project / "log").open("a") as log:
        search = subprocess.Popen(
            [*WORDS, *words], stdout=log, stderr=log, env=os.environ | environment, cwd=project
        )
    # Whoever looks into a store that is being made would make it as well, and break it.
    wait_for(lambda: "search, which goes on" in said(project) or "a new search" in said(project))
    return search


def said(project: Path) -> str:
    return (project / "log").read_text()


def trials(url: str = URL) -> list[optuna.trial.FrozenTrial]:
    if not Path(url.removeprefix("sqlite:///")).exists():
        return []
    try:
        (name,) = optuna.get_all_study_names(url)
    except Exception:  # while it is being made
        return []
    return optuna.load_study(study_name=name, storage=url).get_trials(deepcopy=False)


def turns(url: str = URL) -> list[Trial]:
    (name,) = optuna.get_all_study_names(url)
    return trials_of(trials(url), optuna.load_study(study_name=name, storage=url).user_attrs)


def wait_for(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.05)


def owners() -> list[int]:
    """The live processes that are at a trial."""
    pids = [
        int(trial.user_attrs["owner"]["vae.pid"])
        for trial in trials()
        if trial.state.name == "RUNNING" and "owner" in trial.user_attrs
    ]
    return [pid for pid in pids if psutil.pid_exists(pid)]


def require_agreeing_books(project: Path) -> None:
    """Optuna's and MLflow's records agree one to one, and nothing is open."""
    (name,) = optuna.get_all_study_names(URL)
    parent = optuna.load_study(study_name=name, storage=URL).user_attrs[PARENT]
    runs = records(project)
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent]
    recorded = Counter(run.data.tags["vae.attempt"] for run in children)
    assert recorded == Counter(str(trial.number) for trial in trials())
    status = {run.data.tags["vae.attempt"]: run.info.status for run in children}
    for trial in trials():
        expected = {"COMPLETE": "FINISHED", "PRUNED": "KILLED"}.get(trial.state.name)
        if trial.state.name == "FAIL":
            expected = "FAILED" if "fault" in trial.user_attrs else "KILLED"
        assert status[str(trial.number)] == expected
    assert "RUNNING" not in {run.info.status for run in records(project)}


def finish(project: Path) -> list[tuple[dict[str, Any], Any]]:
    """Run the search to its end; what each turn tried and came to."""
    result = study("run", "--trials", str(TRIALS), "--workers", "2")
    assert result.exit_code == 0, result.output
    assert sum(turn.is_finished for turn in turns()) == TRIALS
    assert all(sum(one.state.is_finished() for one in turn.attempts) >= 1 for turn in turns())
    assert {trial.state.name for trial in trials()} <= {"COMPLETE", "PRUNED", "FAIL"}
    require_agreeing_books(project)
    return [(turn.params, turn.trial.values) for turn in turns()]


def test_workers_and_interruptions_change_no_trial(searchable: Path) -> None:
    """One worker undisturbed; two that are killed twice, and once interrupted: the same trials."""
    change_search(searchable, epochs=30)
    elsewhere = ["--storage", "sqlite:///alone.db"]
    alone = study("run", "--trials", str(TRIALS), "--workers", "1", *elsewhere)
    assert alone.exit_code == 0, alone.output
    expected = [(turn.params, turn.trial.values) for turn in turns("sqlite:///alone.db")]

    for _ in range(2):  # the whole search
        search = start(searchable)
        wait_for(lambda: len(owners()) == 2)
        family = psutil.Process(search.pid).children(recursive=True)
        search.kill()
        for process in family:
            process.kill()
        search.wait()
    search = start(searchable)  # one worker, whose place another takes
    wait_for(lambda: len(owners()) == 2)
    os.kill(owners()[0], signal.SIGKILL)
    assert search.wait(timeout=100) == 0, said(searchable)
    assert finish(searchable) == expected
    assert any(len(turn.attempts) > 1 for turn in turns())


def test_the_first_interrupt_lets_trials_end(searchable: Path) -> None:
    change_search(searchable, epochs=60)
    search = start(searchable)
    wait_for(lambda: len(owners()) == 2)
    before = {trial.number for trial in trials() if trial.state.name == "RUNNING"}
    search.send_signal(signal.SIGINT)
    assert search.wait(timeout=60) == 130
    assert "press Ctrl-C again to cancel them" in said(searchable)
    assert "run the same again to go on" in said(searchable)
    ended = {trial.number: trial.state.name for trial in trials()}
    assert all(ended[number] in ("COMPLETE", "PRUNED") for number in before)
    require_agreeing_books(searchable)


def test_the_second_interrupt_cancels_trials_which_are_tried_again(searchable: Path) -> None:
    change_search(searchable, epochs=6000)  # would take a minute each
    search = start(searchable)
    wait_for(lambda: len(owners()) == 2)
    for _ in range(2):
        search.send_signal(signal.SIGINT)
        time.sleep(1)
    assert search.wait(timeout=30) == 130
    assert {trial.state.name for trial in trials()} == {"FAIL"}
    assert not any(turn.is_ended for turn in turns()), "an interrupted turn is tried again"
    assert "Traceback" not in said(searchable)


def test_a_store_that_a_reader_locks_is_waited_for(searchable: Path) -> None:
    change_search(searchable, epochs=60)
    search = start(searchable)
    wait_for(lambda: len(owners()) > 0)
    for name in ("study.db", "mlflow.db"):
        with sqlite3.connect(name, timeout=30) as reader:
            reader.execute("BEGIN EXCLUSIVE")
            time.sleep(2)
            reader.rollback()
        reader.close()
    assert search.wait(timeout=100) == 0, said(searchable)
    finish(searchable)


@pytest.mark.timeout(240)
def test_a_trial_that_kills_its_process_is_given_up(
    searchable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel does when the memory is used up; here, somebody kills its every worker."""
    change_search(searchable, epochs=3000)
    stop = threading.Event()
    killed: list[int] = []

    def kill_those_at_turn_0() -> None:
        while not stop.is_set() and len(killed) < MOST_DEATHS:
            for trial in trials():
                owner = trial.user_attrs.get("owner", {}).get("vae.pid")
                if trial.state.name == "RUNNING" and trial.user_attrs["turn"] == 0 and owner:
                    with_pid = int(owner)
                    if with_pid not in killed:
                        killed.append(with_pid)
                        os.kill(with_pid, signal.SIGKILL)
            time.sleep(0.1)

    search = start(searchable, "--workers", "1", "--timeout", "110")
    killer = threading.Thread(target=kill_those_at_turn_0)
    killer.start()
    try:
        wait_for(lambda: len(killed) == MOST_DEATHS, 100)
        wait_for(lambda: any(trial.user_attrs.get("turn") == 1 for trial in trials()))
    finally:
        stop.set()
        killer.join()
        search.terminate()
        search.wait(timeout=30)
    first = turns()[0]
    assert first.has_failed
    assert f"died {MOST_DEATHS} times" in first.reason
    assert len(first.attempts) == MOST_DEATHS
    assert "failed" in study("status").output


def test_settings_that_cannot_be_built_fail_their_trial_alone(searchable: Path) -> None:
    """Eight halvings of an 8 x 8 image leave nothing to convolve."""
    space = [
        {"name": "architecture", "kind": "categorical", "choices": ["conv"]},
        {"name": "blocks", "kind": "categorical", "choices": [1, 8]},
    ]
    change_search(searchable, space=space, sampler="grid", epochs=1)
    result = study("run", "--trials", "2", "--workers", "1")
    assert result.exit_code == 0, result.output
    assert Counter(trial.state.name for trial in trials()) == {"COMPLETE": 1, "FAIL": 1}
    (failed,) = [turn for turn in turns() if turn.has_failed]
    assert f"trial {failed.number} failed: {failed.reason}" in result.output
    require_agreeing_books(searchable)
    assert "nothing to do" in study("run", "--trials", "2", "--workers", "1").output


def test_records_that_a_finished_search_left_open_are_ended(searchable: Path) -> None:
    """As where the disk is full when the last trial has just been finished."""
    start(searchable).wait(timeout=100)
    client = MlflowClient(f"sqlite:///{searchable}/mlflow.db")
    for run in records(searchable):
        client.update_run(run.info.run_id, "RUNNING")
    assert "nothing to do" in study("run", "--trials", str(TRIALS), "--workers", "2").output
    require_agreeing_books(searchable)
    (parent,) = [run for run in records(searchable) if "mlflow.parentRunId" not in run.data.tags]
    assert parent.info.status == "FINISHED"


def test_a_later_turn_that_a_kill_left_in_the_queue_waits_for_its_own(searchable: Path) -> None:
    assert study("run", "--trials", "2", "--workers", "1").exit_code == 0
    storage = optuna.storages.RDBStorage("sqlite:///study.db")
    (name,) = optuna.get_all_study_names(storage)
    search = optuna.load_study(study_name=name, storage=storage)
    first = search.trials[0]
    lost, left = optuna.trial.TrialState.FAIL, optuna.trial.TrialState.WAITING
    for turn, state in ((2, lost), (3, left)):
        search.add_trial(
            optuna.create_trial(
                state=state,
                params=first.params,
                distributions=first.distributions,
                user_attrs={TRIAL: turn},
            )
        )
    assert study("run", "--trials", "4", "--workers", "1").exit_code == 0
    finished = [trial.user_attrs[TRIAL] for trial in trials() if trial.state.name != "FAIL"]
    assert finished == [0, 1, 2, 3]
    _, given_back = [trial for trial in trials() if trial.state.name == "FAIL"]
    assert given_back.user_attrs["reason"] == "turn 2 was to be tried"
    require_agreeing_books(searchable)


@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="needs Linux")
def test_a_full_disk_is_told_in_one_line_and_loses_nothing(searchable: Path) -> None:
    """A bound on the size of files refuses a write as a disk without space does."""
    change_search(searchable, epochs=60)
    Path("mlflow.db").unlink()
    with subprocess.Popen(
        WORDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=searchable
    ) as search:
        wait_for(lambda: Path("mlflow.db").exists())  # made after the store of trials
        wait_for(lambda: any(turn.is_finished for turn in turns()) if trials() else False)
        family = [psutil.Process(search.pid), *psutil.Process(search.pid).children()]
        for process in family:
            process.rlimit(psutil.RLIMIT_FSIZE, (4096, 4096))
        output, _ = search.communicate(timeout=60)
    assert search.returncode == 2, output
    assert "cannot be written" in output
    assert "free some space" in output
    assert "Traceback" not in output
    done = [turn.trial.values for turn in turns() if turn.is_finished]
    assert done
    values = [value for _, value in finish(searchable)]
    assert all(value in values for value in done)
