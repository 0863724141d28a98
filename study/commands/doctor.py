"""Check an installation and its databases, and clean up after killed processes."""

import importlib.metadata
import os
import platform
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import click
import psutil
from joblib import cpu_count
from packaging.requirements import Requirement

from analysis.words import pluralise
from pipeline.command import CODE, require_own_code
from pipeline.data.prepared import load_prepared
from pipeline.errors import UserError, command_to_type
from pipeline.runtime.causes import reason_of
from pipeline.runtime.faults import is_unwritable
from pipeline.runtime.opening import database_file as file_of_records
from pipeline.runtime.sqlite import connect_read_only
from pipeline.runtime.tracking import Tracker
from pipeline.schemas.where import GRID_EXPERIMENT, MLFLOW_DATABASE, SEARCH_EXPERIMENT
from pipeline.settings import load_settings
from study.commands.document import print_json
from study.commands.lines import hang
from study.search.plan import PARENT
from study.store.address import EmptyStoreError, database_file, shown
from study.store.joining import load_search
from study.store.quiet import quiet_optuna
from study.store.reconcile import disagreements, reconcile
from study.store.rows import RowError
from study.store.searches import all_searches
from study.store.storage import dead_attempts, explain_full_disk, fail_dead_attempts

SIGNS = {
    "good": ("ok", "green"),
    "fixed": ("fixed", "green"),
    "fixable": ("!", "yellow"),
    "bad": ("x", "red"),
}
LITTLE_MEMORY, LITTLE_DISK = 2e9, 2e9  # bytes; a training worker takes 0.9 GB


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        checked: what was checked.
        verdict: ``fixable`` if `--fix` repairs it.
        found: what was found.
        remedy: what to do; None if there is nothing to do, or nothing is known to help.
    """

    checked: str
    verdict: Literal["good", "bad", "fixable", "fixed"]
    found: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings, and whether nothing is wrong."""

    ok: bool
    findings: list[Finding]


def doctor_command(params: Path, data: Path, url: str, fix: bool, as_json: bool) -> bool:
    """Check everything and print the findings; return whether nothing is wrong."""
    findings = []
    for finding in examine(params, data, url, fix):
        findings.append(finding)
        if not as_json:  # some checks take seconds, so each is shown as it ends
            _print_finding(finding)
    ok = all(one.verdict in ("good", "fixed") for one in findings)
    if as_json:
        print_json(Examination(ok, findings))
    return ok


def _print_finding(finding: Finding) -> None:
    sign, colour = SIGNS[finding.verdict]
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    text = hang(f"{finding.found}{remedy}", indent=17)
    click.echo(f"{click.style(f'{sign:<6}', fg=colour)}{finding.checked:<10} {text}")


def examine(params: Path, data: Path, url: str, fix: bool) -> Iterator[Finding]:
    """Check everything and yield the findings one by one.

    Args:
        params: the settings file.
        data: the prepared file.
        url: the store's address.
        fix: whether to repair what can be repaired.
    """
    quiet_optuna()
    yield _versions()
    yield _try("code", _code)
    if Path("dvc.yaml").exists():
        yield _try("git", _repository)
    yield _machine()
    yield _try("settings", lambda: _settings(params))
    yield _try("data", lambda: _data(params, data))
    yield from _trials(url, fix)
    yield from _records(url, fix)


def _versions() -> Finding:
    """Check that every library is recent enough for the project."""
    requirements = [Requirement(one) for one in importlib.metadata.requires("vae-study") or []]
    wrong = []
    for one in requirements:
        if one.marker is not None and not one.marker.evaluate({"extra": ""}):
            continue
        try:
            found = importlib.metadata.version(one.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
            continue
        if not one.specifier.contains(found, prereleases=True):
            wrong.append(f"{one.name} {found} is not {one.specifier}")
    if wrong:
        return Finding("libraries", "bad", "; ".join(wrong), "make install")
    shown = ("vae-study", "torch", "optuna", "mlflow", "dvc")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in shown)
    return Finding("libraries", "good", f"Python {platform.python_version()}, {versions}")


def _code() -> str:
    require_own_code()
    return f"the code that runs is in {CODE}"


def _repository() -> str:
    """Check what DVC needs, and that git tells which commit a result was made with."""
    if not Path(".dvc").is_dir():
        raise UserError(".dvc is missing; clone the project again, or copy its hidden files too")
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            env=os.environ | {"LC_ALL": "C"},  # its reasons are told apart by their words
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise UserError("git is missing, which DVC needs; install it") from None
    if asked.returncode == 0:
        return f"commit {asked.stdout[:12]}"
    if "dubious ownership" in asked.stderr:
        folder = shlex.quote(str(Path.cwd()))
        raise UserError(
            "git refuses this folder, because another user owns it, so no commit is recorded; "
            f"git config --global --add safe.directory {folder}"
        )
    if "not a git repository" in asked.stderr:
        raise UserError(
            "this folder is not a git repository, which DVC needs; clone the project, or run: git "
            "init && git add -A && git commit -m start"
        )
    return "no commit yet, so none is recorded"


def _machine() -> Finding:
    memory, disk = psutil.virtual_memory().available, shutil.disk_usage(Path.cwd()).free
    found = (
        f"{cpu_count()} cores, {memory / 1e9:.1f} GB of memory and {disk / 1e9:.1f} GB of disk free"
    )
    if min(memory - LITTLE_MEMORY, disk - LITTLE_DISK) < 0:
        return Finding("machine", "bad", found, "free some; a worker takes 0.9 GB of memory")
    return Finding("machine", "good", found)


def _settings(params: Path) -> str:
    settings = load_settings(params)
    return f"{params}: {len(settings.runs)} runs in the grid, {settings.search.trials} trials"


def _data(params: Path, data: Path) -> str:
    wanted = load_settings(params).data.name
    prepared = load_prepared(data, splits=("valid",))
    if prepared.name != wanted:
        raise UserError(f"{data} contains {prepared.name}, not {wanted}; run `dvc repro prepare`")
    return f"{data}: {prepared.name}, hash {prepared.hash[:12]}"


def _trials(url: str, fix: bool) -> Iterator[Finding]:
    """Check that the store of trials opens, is intact, and has no trial of a dead process."""
    try:
        file = database_file(url)
        with suppress(OSError):  # such as of a name too long, which opening it explains
            if file is not None and file.is_file():
                yield _integrity("trials", file)
        searches, unreadable = all_searches(url)
    except EmptyStoreError:
        yield Finding("trials", "good", f"{shown(url)}: no search yet")
        return
    except UserError as error:
        yield _failed("trials", error)
        return
    plural = "" if len(searches) == 1 else "es"
    yield Finding("trials", "good", f"{shown(url)}: {len(searches)} search{plural}")
    yield from (_failed("trials", one) for one in unreadable if isinstance(one, RowError))
    for search in searches:
        name, dead = search.study_name, len(dead_attempts(search))
        if dead:
            found = f"{name}: {pluralise(dead, 'trial')} of dead processes"
            yield _fixable("trials", found, fix, partial(_fail_dead_attempts, url, name))


def _fail_dead_attempts(url: str, name: str) -> None:
    with explain_full_disk(url):
        fail_dead_attempts(load_search(url, name))


def _records(url: str, fix: bool) -> Iterator[Finding]:
    """Check that MLflow's store opens, has no run left open, and agrees with Optuna."""
    try:
        database = _database_of_records()
    except UserError as error:
        yield _failed("records", error)
        return
    if database is not None:
        if not database.exists():
            yield Finding("records", "good", "no run recorded yet")
            return
        intact = _integrity("records", database)
        yield intact
        if intact.verdict != "good":
            return
    with ExitStack() as stack:
        uri = ""
        try:
            uri = stack.enter_context(_records_to_examine(database, fix))
            trackers = {
                name: Tracker.open(name, repair=False) if fix else Tracker.find(name, uri)
                for name in (GRID_EXPERIMENT, SEARCH_EXPERIMENT)
            }
            for name, tracker in trackers.items():
                yield _open_runs(name, tracker, fix)
            yield from _agreement(url, trackers[SEARCH_EXPERIMENT], fix)
        except UserError as error:
            copied = bool(uri) and database is not None
            named = error.message.replace(uri, f"sqlite:///{database}") if copied else error.message
            yield _failed("records", UserError(named))


def _open_runs(name: str, tracker: Tracker | None, fix: bool) -> Finding:
    """Check that no dead process left a run of an experiment open."""
    if tracker is None:
        return Finding("records", "good", f"{name}: no run recorded yet")
    dead = len(tracker.dead_runs())
    if not dead:
        return Finding("records", "good", f"{name}: no open run of a dead process")
    found = f"{name}: {pluralise(dead, 'open run')} of dead processes"
    return _fixable("records", found, fix, tracker.close_dead_runs)


def _agreement(url: str, tracker: Tracker | None, fix: bool) -> Iterator[Finding]:
    """Check that MLflow, if it has searches at all, has each trial with the same outcome."""
    try:
        searches, _ = all_searches(url)
    except UserError:  # already reported as a finding on the trials
        return
    for search in searches:
        name, parent = search.study_name, search.user_attrs.get(PARENT)
        if parent is None:
            continue
        wrong = len(disagreements(search, tracker, parent))
        if wrong:
            found = (
                f"{name}: {pluralise(wrong, 'trial')} with a missing or different record in MLflow"
            )
            yield _fixable("records", found, fix, partial(_reconcile, url, name, parent))


def _reconcile(url: str, name: str, parent: str) -> None:
    with Tracker.open(SEARCH_EXPERIMENT, repair=False) as tracker:
        reconcile(load_search(url, name), tracker, parent)


def _database_of_records() -> Path | None:
    """Return the file that holds MLflow's records; None if a server does."""
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        return Path.cwd() / MLFLOW_DATABASE
    return file_of_records(uri)


@contextmanager
def _records_to_examine(database: Path | None, fix: bool) -> Iterator[str]:
    """Yield the address of a copy of a file, because MLflow writes to each that it opens.

    That of the records themselves if they are to be repaired, or on a server.

    Raises:
        UserError: if they cannot be copied.
    """
    if fix or database is None:
        yield os.environ.get("MLFLOW_TRACKING_URI", "")
        return
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vae-study-"))
            copy = Path(folder) / database.name
            with (
                closing(connect_read_only(database)) as source,
                closing(sqlite3.connect(copy)) as to,
            ):
                source.backup(to)
        except (sqlite3.Error, OSError) as error:
            raise UserError(
                f"{database.name} cannot be copied to be examined: {reason_of(error)}; free some "
                "space, or set TMPDIR to a folder on another disk"
            ) from None
        yield f"sqlite:///{copy}"


def _integrity(checked: str, database: Path) -> Finding:
    """Check that an SQLite file is not damaged."""
    try:
        with closing(connect_read_only(database)) as store:
            answer = str(store.execute("PRAGMA quick_check(1)").fetchone()[0])
    except (sqlite3.Error, OSError) as error:
        if is_unwritable(error):  # reading needs files too
            found = f"{database.name} cannot be checked: {error}"
            return Finding(checked, "bad", found, "free some space")
        answer = str(error)
    if answer == "ok":
        return Finding(checked, "good", f"{database.name} is intact")
    remedy = "move it away, or restore it from a copy"
    return Finding(checked, "bad", f"{database.name} is damaged: {answer}", remedy)


def _fixable(checked: str, found: str, fix: bool, repair: Callable[[], object]) -> Finding:
    if not fix:
        return Finding(checked, "fixable", found, command_to_type("study doctor --fix"))
    try:
        repair()
    except UserError as error:
        return _failed(checked, error)
    return Finding(checked, "fixed", found)


def _try(checked: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(checked, "good", check())
    except UserError as error:
        return _failed(checked, error)
    except OSError as error:  # such as of a path that is too long
        return Finding(checked, "bad", f"{error.filename}: {error.strerror}", "check the path")


def _failed(checked: str, error: UserError) -> Finding:
    found, _, remedy = error.format_message().partition("; ")
    return Finding(checked, "bad", found, remedy or None)
