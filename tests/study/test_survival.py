"""What can happen to a search, and that the next `study run` resumes it."""

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
from study.search.schedule import MOST_DEATHS, TRIAL, deaths_key
from study.store.reconcile import forget_recorded, is_recorded
from tests.study.conftest import TRIALS, change_search, records, study, the_search, trials

WORDS = [sys.executable, "-m", "study", "run", "--trials", str(TRIALS), "--workers", "2"]


def start(project: Path, *words: str, **environment: str) -> subprocess.Popen[bytes]:
    with (project / "log").open("a") as log:
        search = subprocess.Popen(
            [*WORDS, *words], stdout=log, stderr=log, env=os.environ | environment, cwd=project
        )
    # Reading a store that is being created would create it as well, and break it.
    wait_for(lambda: "an existing search" in log_of(project) or "a new search" in log_of(project))
    return search


def log_of(project: Path) -> str:
    return (project / "log").read_text()


def attempts() -> list[optuna.trial.FrozenTrial]:
    """The attempts so far; none while the store is being created."""
    if not Path("study.db").exists():
        return []
    try:
        search = the_search()
    except Exception:
        return []
    return search.get_trials(deepcopy=False)


def wait_for(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        time.sleep(0.05)


def owners() -> list[int]:
    """The live processes that are training a trial."""
    pids = [
        int(attempt.user_attrs["owner"]["vae.pid"])
        for attempt in attempts()
        if attempt.state.name == "RUNNING" and "owner" in attempt.user_attrs
    ]
    return [pid for pid in pids if psutil.pid_exists(pid)]


def require_agreeing_records(project: Path) -> None:
    """Optuna's and MLflow's records agree one to one, and nothing is open."""
    parent = the_search().user_attrs[PARENT]
    runs = records(project)
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent]
    recorded = Counter(run.data.tags["vae.attempt"] for run in children)
    assert recorded == Counter(str(attempt.number) for attempt in attempts())
    status = {run.data.tags["vae.attempt"]: run.info.status for run in children}
    for attempt in attempts():
        expected = {"COMPLETE": "FINISHED", "PRUNED": "KILLED"}.get(attempt.state.name)
        if attempt.state.name == "FAIL":
            expected = "FAILED" if "fault" in attempt.user_attrs else "KILLED"
        assert status[str(attempt.number)] == expected
    assert "RUNNING" not in {run.info.status for run in runs}


def finish(project: Path) -> list[tuple[dict[str, Any], Any]]:
    """Run the search to its end; return what each trial tried and reached."""
    result = study("run", "--trials", str(TRIALS), "--workers", "2")
    assert result.exit_code == 0, result.output
    assert sum(trial.is_finished for trial in trials()) == TRIALS
    assert {attempt.state.name for attempt in attempts()} <= {"COMPLETE", "PRUNED", "FAIL"}
    require_agreeing_records(project)
    return [(trial.params, trial.attempt.values) for trial in trials()]


def test_workers_and_interruptions_change_no_trial(searchable: Path) -> None:
    """One undisturbed worker trains the same trials as two that are killed again and again."""
    change_search(searchable, epochs=30)
    elsewhere = ["--storage", "sqlite:///alone.db"]
    alone = study("run", "--trials", str(TRIALS), "--workers", "1", *elsewhere)
    assert alone.exit_code == 0, alone.output
    undisturbed = trials("sqlite:///alone.db")
    expected = [(trial.params, trial.attempt.values) for trial in undisturbed]

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
    assert search.wait(timeout=100) == 0, log_of(searchable)
    assert finish(searchable) == expected
    assert any(len(trial.attempts) > 1 for trial in trials())


@pytest.mark.slow
def test_the_first_interrupt_lets_trials_finish(searchable: Path) -> None:
    change_search(searchable, epochs=60)
    search = start(searchable)
    wait_for(lambda: len(owners()) == 2)
    before = {attempt.number for attempt in attempts() if attempt.state.name == "RUNNING"}
    search.send_signal(signal.SIGINT)
    assert search.wait(timeout=60) == 130
    assert "press Ctrl-C again to cancel them" in log_of(searchable)
    assert "run the same command again to resume" in log_of(searchable)
    ended = {attempt.number: attempt.state.name for attempt in attempts()}
    assert all(ended[number] in ("COMPLETE", "PRUNED") for number in before)
    require_agreeing_records(searchable)


@pytest.mark.slow
def test_the_second_interrupt_cancels_trials_which_will_be_retried(searchable: Path) -> None:
    change_search(searchable, epochs=6000)  # would take a minute each
    search = start(searchable)
    wait_for(lambda: len(owners()) == 2)
    for _ in range(2):
        search.send_signal(signal.SIGINT)
        time.sleep(1)
    assert search.wait(timeout=30) == 130
    assert {attempt.state.name for attempt in attempts()} == {"FAIL"}
    assert not any(trial.is_ended for trial in trials()), "an interrupted trial will be retried"
    assert "Traceback" not in log_of(searchable)


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
    assert search.wait(timeout=100) == 0, log_of(searchable)
    finish(searchable)


@pytest.mark.timeout(240)
def test_a_trial_that_kills_its_process_is_abandoned(
    searchable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel does when memory runs out; here the test kills each of its workers.

    All deaths but the last two are noted beforehand, because each costs the start of a process.
    """
    change_search(searchable, epochs=3000)
    stop = threading.Event()
    killed: list[int] = []

    def kill_those_at_trial_0() -> None:
        while not stop.is_set() and len(killed) < 2:
            for attempt in attempts():
                pid = int(attempt.user_attrs.get("owner", {}).get("vae.pid", 0))
                running = attempt.state.name == "RUNNING" and attempt.user_attrs[TRIAL] == 0
                if running and pid and pid not in killed:
                    killed.append(pid)
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    search = start(searchable, "--workers", "1", "--timeout", "110")
    the_search().set_user_attr(deaths_key(0), MOST_DEATHS - 2)
    killer = threading.Thread(target=kill_those_at_trial_0)
    killer.start()
    try:
        wait_for(lambda: len(killed) == 2, 100)
        wait_for(lambda: any(attempt.user_attrs.get(TRIAL) == 1 for attempt in attempts()))
    finally:
        stop.set()
        killer.join()
        search.terminate()
        search.wait(timeout=30)
    first = trials()[0]
    assert first.has_failed
    assert f"died {MOST_DEATHS} times" in first.reason
    assert len(first.attempts) == 2
    assert "failed" in study("status").output


@pytest.mark.usefixtures("one_process")
def test_settings_that_diverge_fail_only_their_trial(searchable: Path) -> None:
    space = [{"name": "learning_rate", "kind": "categorical", "choices": [0.003, 1e30]}]
    change_search(searchable, space=space, sampler="grid", epochs=1)
    result = study("run", "--trials", "2", "--workers", "1")
    assert result.exit_code == 0, result.output
    assert Counter(attempt.state.name for attempt in attempts()) == {"COMPLETE": 1, "FAIL": 1}
    (failed,) = [trial for trial in trials() if trial.has_failed]
    assert f"trial {failed.number} failed: {failed.reason}" in result.output
    require_agreeing_records(searchable)
    assert "nothing to do" in study("run", "--trials", "2", "--workers", "1").output


def test_records_that_a_finished_search_left_open_are_closed(searched: Path) -> None:
    """As if the disk was full just after the last trial was finished."""
    forget_recorded(the_search())
    client = MlflowClient(f"sqlite:///{searched}/mlflow.db")
    for run in records(searched):
        client.update_run(run.info.run_id, "RUNNING")
    assert "nothing to do" in study("run", "--trials", str(TRIALS), "--workers", "2").output
    require_agreeing_records(searched)
    (parent,) = [run for run in records(searched) if "mlflow.parentRunId" not in run.data.tags]
    assert parent.info.status == "FINISHED"
    assert is_recorded(the_search())


def test_a_finished_search_opens_mlflow_only_if_its_records_may_be_wrong(searched: Path) -> None:
    Path("mlflow.db").rename("elsewhere.db")
    assert "nothing to do" in study("run", "--trials", str(TRIALS)).output
    assert not Path("mlflow.db").exists()
    Path("elsewhere.db").rename("mlflow.db")
    lost = optuna.create_trial(state=optuna.trial.TrialState.FAIL, user_attrs={TRIAL: 0})
    the_search().add_trial(lost)
    assert not is_recorded(the_search()), "there is an attempt without a record"
    assert "nothing to do" in study("run", "--trials", str(TRIALS)).output
    require_agreeing_records(searched)
    assert is_recorded(the_search())


def test_a_finished_search_loads_only_what_it_needs(searched: Path) -> None:
    """Importing the others would take longer than everything that there is to do."""
    change_search(searched, trials=TRIALS)
    code = (
        "import sys; from study.stage import main; main([], standalone_mode=False);"
        "print(sorted({'mlflow', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    written = []
    for _ in range(2):  # the first computes the importance, and the store remembers it
        process = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        paths = [Path("results") / name for name in ("trials.csv", "best.json", "importance.csv")]
        written.append([path.read_bytes() for path in paths])
        for path in paths:
            path.unlink()  # as DVC does
    assert process.stdout.splitlines()[-1] == "[]"
    assert written[0] == written[1]


@pytest.mark.usefixtures("one_process")
def test_a_later_attempt_that_a_kill_left_in_the_queue_waits_for_its_trial(searched: Path) -> None:
    search = the_search()
    first = search.trials[0]
    lost, left = optuna.trial.TrialState.FAIL, optuna.trial.TrialState.WAITING
    for number, state in ((TRIALS, lost), (TRIALS + 1, left)):
        search.add_trial(
            optuna.create_trial(
                state=state,
                params=first.params,
                distributions=first.distributions,
                user_attrs={TRIAL: number},
            )
        )
    assert study("run", "--trials", str(TRIALS + 2), "--workers", "1").exit_code == 0
    finished = [one.user_attrs[TRIAL] for one in attempts() if one.state.name != "FAIL"]
    assert finished == list(range(TRIALS + 2))
    _, given_back = [attempt for attempt in attempts() if attempt.state.name == "FAIL"]
    assert given_back.user_attrs["reason"] == f"trial {TRIALS} was due"
    require_agreeing_records(searched)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="needs Linux")
def test_a_full_disk_is_explained_in_one_line_and_loses_nothing(searchable: Path) -> None:
    """A limit on the size of files refuses a write as a full disk does."""
    change_search(searchable, epochs=60)
    Path("mlflow.db").unlink()
    with subprocess.Popen(
        WORDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=searchable
    ) as search:
        wait_for(lambda: Path("mlflow.db").exists())  # created after the store of trials
        wait_for(lambda: any(trial.is_finished for trial in trials()) if attempts() else False)
        family = [psutil.Process(search.pid), *psutil.Process(search.pid).children()]
        for process in family:
            process.rlimit(psutil.RLIMIT_FSIZE, (4096, 4096))
        output, _ = search.communicate(timeout=60)
    assert search.returncode == 2, output
    assert "cannot be written" in output
    assert "free some space" in output
    assert "Traceback" not in output
    done = [trial.attempt.values for trial in trials() if trial.is_finished]
    assert done
    values = [value for _, value in finish(searchable)]
    assert all(value in values for value in done)
