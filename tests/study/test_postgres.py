"""The same search on a PostgreSQL server of its own, which restarts in the middle.

Skipped where no PostgreSQL is installed (Debian: `apt-get install postgresql`).
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
from dataclasses import dataclass
from pathlib import Path

import optuna
import pytest

from tests.conftest import ROOT
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
    """Where initdb lies: on the path, or where Debian keeps it."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@pytest.fixture
def server() -> Iterator[Server]:
    binaries = find_binaries()
    if binaries is None or not (binaries / "initdb").exists():
        pytest.skip("no PostgreSQL server is installed")
    user = None
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        user = "postgres"
        if user not in {entry.pw_name for entry in pwd.getpwall()}:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
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


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_search_survives_a_restart_of_the_server(searchable: Path, server: Server) -> None:
    change_search(searchable, epochs=20)
    words = [sys.executable, "-m", "study", "run", "--storage", server.url]
    words += ["--trials", str(TRIALS), "--workers", "2"]
    log = searchable / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            words, stdout=output, stderr=output, env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        deadline = time.monotonic() + 60
        while log.read_text().count("complete") < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        server.control("-l", str(server.data / "log"), "-m", "immediate", "restart")
        status = process.wait(timeout=200)
    assert status == 0, log.read_text()
    storage = optuna.storages.RDBStorage(server.url)
    (name,) = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=name, storage=storage).trials
    states = [trial.state.name for trial in trials]
    storage.remove_session()
    storage.engine.dispose()
    assert sum(state in ("COMPLETE", "PRUNED") for state in states) == TRIALS
    assert not {"RUNNING", "WAITING"} & set(states)
