"""A search on its own PostgreSQL server, which restarts in the middle.

Skipped if no PostgreSQL is installed (Debian: `apt-get install postgresql`).
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from study.search.schedule import FINISHED, TRIAL
from tests.conftest import NEEDS
from tests.study.conftest import change_search

TRIALS = 10


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server on loopback."""

    binaries: Path
    data: Path
    port: int
    user: str | None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def control(self, *words: str) -> None:
        options = f"-p {self.port} -k {self.data} -c listen_addresses=127.0.0.1"
        command = [self.binaries / "pg_ctl", "-D", self.data, "-w", "-o", options, *words]
        subprocess.run(
            command, check=True, user=self.user, stdout=subprocess.DEVNULL, cwd=self.data
        )


def find_binaries() -> Path | None:
    """Find initdb on the path, or where Debian puts it."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@pytest.fixture
def server() -> Iterator[Server]:
    binaries = find_binaries()
    if binaries is None or not (binaries / "initdb").exists():
        pytest.skip(f"{NEEDS}PostgreSQL (Debian: apt-get install postgresql)")
    user = None
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        user = "postgres"
        if user not in {entry.pw_name for entry in pwd.getpwall()}:
            pytest.skip(f"{NEEDS}PostgreSQL with its user postgres, as it does not run as root")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = Path(tempfile.mkdtemp(prefix="vae-study-postgres-"))
    if user:
        shutil.chown(data, user)
    server = Server(binaries, data, port, user)
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"],
            check=True,
            user=user,
            stdout=subprocess.DEVNULL,
            cwd=data,
        )
        server.control("-l", str(data / "log"), "start")
        yield server
        server.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(data, ignore_errors=True)


def run_command(server: Server, trials: int) -> list[str]:
    command = [sys.executable, "-m", "study", "run", "--storage", server.url]
    return [*command, "--trials", str(trials), "--workers", "2"]


@contextmanager
def opened_search(server: Server) -> Iterator[optuna.Study]:
    storage = optuna.storages.RDBStorage(server.url)
    (name,) = optuna.get_all_study_names(storage)
    try:
        yield optuna.load_study(study_name=name, storage=storage)
    finally:
        storage.remove_session()
        storage.engine.dispose()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_search_survives_a_restart_of_the_server(searchable: Path, server: Server) -> None:
    change_search(searchable, epochs=20)
    log = searchable / "log"
    with log.open("w") as output:
        process = subprocess.Popen(run_command(server, TRIALS), stdout=output, stderr=output)
        for seen in (2, 4, 6):
            deadline = time.monotonic() + 60
            while log.read_text().count("trial ") < seen and time.monotonic() < deadline:
                time.sleep(0.05)
            server.control("-l", str(server.data / "log"), "-m", "immediate", "restart")
        status = process.wait(timeout=200)
    assert status == 0, log.read_text()
    with opened_search(server) as search:
        states = [trial.state.name for trial in search.trials]
    assert sum(state in ("COMPLETE", "PRUNED") for state in states) == TRIALS
    assert not {"RUNNING", "WAITING"} & set(states)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_trial_that_a_restart_queued_twice_is_finished_once(
    searchable: Path, server: Server
) -> None:
    subprocess.run(run_command(server, 3), check=True)
    with opened_search(server) as search:
        first = search.trials[0]
        for number in (3, 3, 4, 4):
            search.add_trial(
                optuna.create_trial(
                    state=TrialState.WAITING,
                    params=first.params,
                    distributions=first.distributions,
                    user_attrs={TRIAL: number},
                )
            )
    subprocess.run(run_command(server, 5), check=True)
    with opened_search(server) as search:
        trials = search.trials
    finished = [trial.user_attrs[TRIAL] for trial in trials if trial.state in FINISHED]
    assert sorted(finished) == [0, 1, 2, 3, 4]
    assert not {TrialState.RUNNING, TrialState.WAITING} & {trial.state for trial in trials}
