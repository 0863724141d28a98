"""One input in a process of its own, and what the rules say about it.

A process is forked from one that has loaded everything, which spares the seconds of loading.
"""

import gc
import os
import resource
import shutil
import signal
import sqlite3
import stat
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.fuzz.case import SECRET, Case
from pipeline.stages import prepare
from study.cli import main

LONGEST, MOST_MEMORY = 20.0, 1.5e9  # seconds and bytes
LARGEST_FILE = 2**30
STARTING = 10.0  # seconds that a new interpreter may load, on a machine with other work
BETWEEN_LOOKS = 0.5  # seconds between two looks at the command lines of its children
# These write nothing, whatever they are asked.
READING = {"best", "check", "doctor", "importance", "list", "show", "status", "where"}
ROOT = Path(__file__).parents[2]

Found = dict[str, tuple[int, ...]]  # of each path below a folder: what changes when it is written


@dataclass(frozen=True)
class Verdict:
    """What an input did, and which rules it broke."""

    status: int
    stdout: str
    stderr: str
    seconds: float
    faults: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The last line of a traceback and the place in our code, to count equal faults once."""
        lines = [line.strip() for line in self.stderr.splitlines()]
        places = [line for line in lines if line.startswith("File") and "site-packages" not in line]
        if not places or not lines:
            return lines[-1][:60] if lines else ""
        return f"{places[-1].rpartition('/')[2]}: {lines[-1].partition(':')[0]}"


@dataclass
class Attempt:
    """A running input.

    Args:
        case: the input.
        project: what it finds; copied.
        place: a folder for what it needs.
        whole: whether to start a new interpreter, as a shell does.
        longest: seconds after which it hangs.
    """

    case: Case
    project: Path
    place: Path
    whole: bool = False
    longest: float = LONGEST

    def __post_init__(self) -> None:
        """Start it."""
        # The folder above must stay as it is, too.
        self._above = Path(tempfile.mkdtemp(dir=self.place))
        self.folder = self._above / "project"
        shutil.copytree(self.project, self.folder, symlinks=True)
        for name in ("home", "tmp"):
            (self._above / name).mkdir()
        for name, content in self.case.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self._streams = [Path(f"{self._above}.{name}") for name in ("stdout", "stderr")]
        self._before = _look(self._above)
        self._shown = False
        self._started = time.monotonic()
        self._next_look = self._started + BETWEEN_LOOKS
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            self._run()

    def _run(self) -> None:
        """Be the process; never return."""
        status = 1
        gc.freeze()  # so that it neither looks through nor copies what all processes share
        try:
            self._prepare()
            if self.whole:
                words = [sys.executable, *self._program(), *self._words()]
                os.execv(sys.executable, words)  # noqa: S606
            status = self._call()
            _close_databases()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    @property
    def _prepares(self) -> bool:
        return self.case.command[0] == "prepare"

    def _words(self) -> list[str]:
        return list(self.case.command[1:] if self._prepares else self.case.command)

    def _program(self) -> list[str]:
        stage = ["-m", "pipeline.stages.prepare"]
        return stage if self._prepares else ["-P", str(ROOT / "study" / "__main__.py")]

    def _call(self) -> int:
        """Call the command as its process would; return the exit status."""
        command = prepare.main if self._prepares else main
        try:
            command(self._words(), prog_name="prepare" if self._prepares else "study")
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0
        return 0

    def _prepare(self) -> None:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, path in zip((1, 2), self._streams, strict=True):
            os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = (
            open(number, "w", encoding="utf-8", errors=errors)  # noqa: SIM115, PTH123
            for number, errors in ((1, "strict"), (2, "backslashreplace"))
        )
        os.chdir(self.folder)
        kept = {key: os.environ[key] for key in ("LANG", "PATH") if key in os.environ}
        os.environ.clear()
        os.environ.update(
            kept
            | {
                "HOME": str(self._above / "home"),
                "TMPDIR": str(self._above / "tmp"),
                "MPLCONFIGDIR": str(self.place),
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": str(ROOT),
                "VIRTUAL_ENV": sys.prefix,
                "VAE_WORKERS": "1",
            }
            | self.case.environment
        )
        tempfile.tempdir = None  # as read from the environment
        most = int(psutil.Process().memory_info().vms + MOST_MEMORY)
        if not self.whole:
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def poll(self) -> Verdict | None:
        """Return the verdict once the process has ended; it is ended if it takes too long."""
        if time.monotonic() > self._next_look:  # it takes longer than all the rest
            self._look_at_command_lines()
            self._next_look = time.monotonic() + BETWEEN_LOOKS
        pid, status, used = os.wait4(self._pid, os.WNOHANG)
        seconds = time.monotonic() - self._started
        longest = self.longest + (STARTING if self.whole else 0)
        hangs = pid == 0 and seconds > longest
        if hangs:
            os.killpg(self._pid, signal.SIGKILL)
            pid, status, used = os.wait4(self._pid, 0)
        if pid == 0:
            return None
        code = os.waitstatus_to_exitcode(status)
        stdout, stderr = (path.read_text("utf-8", "replace") for path in self._streams)
        faults = ["hangs"] if hangs else self._faults(code, stdout, stderr)
        if used.ru_maxrss * 1024 > MOST_MEMORY:
            faults.append("memory")
        return Verdict(code, stdout, stderr, seconds, tuple(faults))

    def wait(self) -> Verdict:
        """Wait for the verdict."""
        while (verdict := self.poll()) is None:
            time.sleep(0.02)
        return verdict

    def _look_at_command_lines(self) -> None:
        """Look for a password in the command lines of its children, which all users can read."""
        try:
            for child in psutil.Process(self._pid).children(recursive=True):
                self._shown |= any(SECRET in word for word in child.cmdline())
        except psutil.Error:  # it has just ended
            return

    def _faults(self, code: int, stdout: str, stderr: str) -> list[str]:
        """Return the rules that it broke."""
        command, case = self.case.command[0], self.case
        faults = []
        # After two seconds, a command says what it waits for.
        lines = [one for one in stderr.splitlines() if one and not one.startswith("waiting for ")]
        if "Traceback (most recent call last)" in stderr:
            faults.append("traceback")
        elif code not in ({0, 1, 2} if command == "doctor" else {0, 2}):
            faults.append(f"status {code}")
        if code == 2 and len(lines) != 1:
            faults.append(f"{len(lines)} lines")
        if case.valid is not None and case.valid != (code == 0):
            faults.append("refused" if case.valid else "accepted")
        now = _look(self._above)
        changed = sorted(
            path
            for path in now | self._before
            if now.get(path) != self._before.get(path) and not self._is_index(path)
        )
        repairs = command == "doctor" and "--fix" in case.command
        if changed and (code != 0 or command in READING) and not repairs:
            faults.append(f"writes {', '.join(changed)[:200]}")
        files = [(self._above / path) for path in changed if path in now]
        if (
            SECRET in stdout
            or SECRET in stderr
            or any(path.is_file() and SECRET.encode() in path.read_bytes() for path in files)
        ):
            faults.append("password shown")
        if self._shown:
            faults.append("password in a command line")
        return faults

    def _is_index(self, path: str) -> bool:
        """Whether it is SQLite's index of a log that a kill left, which readers make anew."""
        return path.endswith("-shm") and path.removesuffix("-shm") + "-wal" in self._before

    def remove(self) -> None:
        """Remove its files."""
        for path, _, _ in os.walk(self._above):
            Path(path).chmod(0o700)
        shutil.rmtree(self._above)
        for path in self._streams:
            path.unlink()


def _close_databases() -> None:
    """Close SQLite's connections, as the end of an interpreter does."""
    for one in gc.get_objects():
        if issubclass(type(one), sqlite3.Connection):  # `isinstance` would wake lazy objects
            with suppress(sqlite3.Error):
                one.close()


def _look(folder: Path) -> Found:
    """Return when each file below a folder was last written, and its size and mode."""
    found: Found = {}
    for above, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(above, name)
            about = path.lstat()
            written = () if stat.S_ISDIR(about.st_mode) else (about.st_size, about.st_mtime_ns)
            found[str(path.relative_to(folder))] = (about.st_mode, *written)
    return found
