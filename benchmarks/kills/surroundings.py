"""A search whose disk fills up, and one whose MLflow server goes away."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.kills.books import differences, tracebacks, trials_in, wrong_records
from benchmarks.kills.pipeline import tail
from benchmarks.kills.project import Process, Project, Report, Task, kill_family

TRIALS = 8
DISK = 48_000_000  # bytes of the small disk
FREE = (0, 20_000, 200_000, 500_000, 1_500_000, 3_000_000)  # bytes that are left on it
READY = 90.0  # seconds until the server answers
AWAY = (1.0, 25.0)  # seconds
END = 240.0  # seconds in which a search must end


def fill_disk(task: Task) -> Report:
    """Leave a search little disk or none: one line, and nothing is lost."""
    report = Report()
    alone = Project(task.root, task.place / "alone")
    alone.run("run", "--trials", str(TRIALS), "--workers", "1").check_returncode()
    expected = trials_in(alone.place)
    with _small_disk(task.place / "disk") as disk:
        if disk is None:
            report.notes.append("no disk was filled: mounting one needs root")
            return report
        project = Project(task.root, disk / "project")
        while task.goes_on(report):
            project.run("run", "--trials", str(task.chance.randint(1, TRIALS)), "--workers", "2")
            filler = disk / "filler"
            free = os.statvfs(disk)
            size = max(free.f_bavail * free.f_frsize - task.chance.choice(FREE), 0)
            filler.write_bytes(b"\0" * size)
            ended = project.run("run", "--trials", str(TRIALS), "--workers", "2")
            filler.unlink()
            report.kills["full disk"] += 1
            if ended.returncode not in (0, 2) or "Traceback" in ended.stderr:
                said = ended.stderr.strip().splitlines()[-1:]
                report.problems.append(f"full disk: status {ended.returncode}, {said}")
            project.run("run", "--trials", str(TRIALS), "--workers", "2")
            report.problems += differences(TRIALS, expected, trials_in(project.place))
            report.problems += wrong_records(project.place)
            for path in project.place.glob("*.db*"):
                path.unlink()
    return report


def stop_server(task: Task) -> Report:
    """Kill the MLflow server under a search, and start it again: trials and records are exact."""
    report = Report()
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    place = task.place / "server"
    place.mkdir()
    server = _start_server(place, port)
    try:
        project = Project(task.root, task.place / "project", address)
        while task.goes_on(report):
            search = project.start("run", "--trials", str(TRIALS), "--workers", "2")
            time.sleep(task.chance.uniform(3.0, 12.0))
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
            report.kills["server gone"] += 1
            time.sleep(task.chance.uniform(*AWAY))
            server = _start_server(place, port)
            try:
                search.wait(END)
            except subprocess.TimeoutExpired:
                report.problems.append(f"server gone: the search did not end within {END:g} s")
                kill_family(search)
            last = project.run("run", "--trials", str(TRIALS), "--workers", "2")
            if last.returncode:
                report.problems.append(f"after the server came back: {tail(project.log)}")
                return report
            project.run("doctor", "--fix")
            report.problems += wrong_records(project.place, address)
            report.problems += differences(TRIALS, [], trials_in(project.place))
            for path in project.place.glob("study.db*"):
                path.unlink()
        report.problems += tracebacks(project.log)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    return report


@contextmanager
def _small_disk(place: Path) -> Iterator[Path | None]:
    """Mount a small disk in memory; None if this user may not."""
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    if subprocess.run(words, capture_output=True).returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _start_server(place: Path, port: int) -> Process:
    """Start an MLflow server in a process group of its own, and wait until it answers."""
    words = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "artefacts"]
    with (place / "log").open("a") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words],
            cwd=place,
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    os.killpg(server.pid, signal.SIGKILL)
    raise RuntimeError(f"the MLflow server did not start: {tail(place / 'log')}")


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
