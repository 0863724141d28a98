"""What may be wrong with an installation and its stores, and the repair of what a kill left."""

import importlib.metadata
import os
import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import optuna
import psutil
from joblib import cpu_count
from packaging.requirements import Requirement
from sqlalchemy.engine import make_url

from pipeline.data.prepared import load_prepared
from pipeline.errors import UserError
from pipeline.runtime.tracking import Tracker
from pipeline.schemas.where import GRID_EXPERIMENT, MLFLOW_DATABASE
from pipeline.settings import load_settings
from study.search.plan import PARENT, PLAN
from study.store.reconcile import disagreements, reconcile
from study.store.storage import dead_trials, open_storage, quiet_optuna, reap
from study.workers.worker import EXPERIMENT

LITTLE_MEMORY, LITTLE_DISK = 2e9, 2e9  # bytes; a training worker takes 0.9 GB


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        what: was checked.
        verdict: ``fixable`` is what `--fix` repairs.
        said: what was found.
        remedy: what to do; empty where all is well.
    """

    what: str
    verdict: Literal["good", "bad", "fixable", "fixed"]
    said: str
    remedy: str = ""


def examine(params: Path, data: Path, url: str, fix: bool) -> Iterator[Finding]:
    """Check everything, one finding after the other.

    Args:
        params: the settings file.
        data: the prepared file.
        url: of the store.
        fix: whether to repair what can be repaired.
    """
    quiet_optuna()
    yield _versions()
    yield _machine()
    yield _try("settings", lambda: _settings(params))
    yield _try("data", lambda: _data(params, data))
    yield from _trials(url, fix)
    yield from _records(url, fix)


def _versions() -> Finding:
    """Whether every library is as new as the project needs."""
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


def _machine() -> Finding:
    memory, disk = psutil.virtual_memory().available, shutil.disk_usage(Path.cwd()).free
    said = (
        f"{cpu_count()} cores, {memory / 1e9:.1f} GB of memory and {disk / 1e9:.1f} GB of disk free"
    )
    if min(memory - LITTLE_MEMORY, disk - LITTLE_DISK) < 0:
        return Finding("machine", "bad", said, "free some; a worker takes 0.9 GB of memory")
    return Finding("machine", "good", said)


def _settings(params: Path) -> str:
    settings = load_settings(params)
    return f"{params}: {len(settings.runs)} runs in the grid, {settings.search.trials} trials"


def _data(params: Path, data: Path) -> str:
    wanted = load_settings(params).data.name
    prepared = load_prepared(data, splits=("valid",))
    if prepared.name != wanted:
        raise UserError(f"{data} holds {prepared.name}, not {wanted}; run `dvc repro prepare`")
    return f"{data}: {prepared.name}, hash {prepared.hash[:12]}"


def _trials(url: str, fix: bool) -> Iterator[Finding]:
    """The store of trials: that it opens, is whole, and has no trial of a dead process."""
    file = _file_of(url)
    if file is not None and not file.exists():
        yield Finding("trials", "good", f"{url}: no search yet")
        return
    if file is not None:
        yield _whole("trials", file)
    try:
        storage = open_storage(url)
        names = optuna.get_all_study_names(storage)
    except UserError as error:
        yield Finding("trials", "bad", error.message)
        return
    yield Finding("trials", "good", f"{make_url(url).render_as_string()}: {len(names)} searches")
    for name in names:
        search = optuna.load_study(study_name=name, storage=storage)
        dead = len(dead_trials(search))
        if dead:
            said = f"{name}: {dead} trials of dead processes"
            yield _fixable("trials", said, fix, partial(reap, search))


def _records(url: str, fix: bool) -> Iterator[Finding]:
    """MLflow's store: that it opens, has no open run of a dead process, and agrees with Optuna."""
    if "MLFLOW_TRACKING_URI" not in os.environ:
        database = Path.cwd() / MLFLOW_DATABASE
        if not database.exists():
            yield Finding("records", "good", "no run recorded yet")
            return
        yield _whole("records", database)
    try:
        trackers = {
            name: Tracker.open(name, repair=False) for name in (GRID_EXPERIMENT, EXPERIMENT)
        }
    except UserError as error:
        yield Finding("records", "bad", error.message)
        return
    for name, tracker in trackers.items():
        dead = len(tracker.dead_runs())
        said = f"{name}: {dead} open runs of dead processes" if dead else f"{name}: no dead run"
        yield (
            _fixable("records", said, fix, tracker.close_dead_runs)
            if dead
            else Finding("records", "good", said)
        )
    file = _file_of(url)
    if file is not None and not file.exists():
        return
    try:
        storage = open_storage(url)
        names = optuna.get_all_study_names(storage)
    except UserError:  # told as a finding on the trials
        return
    for name in names:
        search = optuna.load_study(study_name=name, storage=storage)
        parent = search.user_attrs.get(PARENT)
        if PLAN not in search.user_attrs or parent is None:
            continue
        tracker = trackers[EXPERIMENT]
        wrong = len(disagreements(search, tracker, parent))
        said = f"{name}: {wrong} trials whose record in MLflow is missing or says something else"
        if wrong:
            yield _fixable("records", said, fix, partial(reconcile, search, tracker, parent))


def _whole(what: str, database: Path) -> Finding:
    """Whether an SQLite file is undamaged."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as store:
            answer = str(store.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        answer = str(error)
    if answer == "ok":
        return Finding(what, "good", f"{database.name} is whole")
    remedy = "move it away, or restore it from a copy"
    return Finding(what, "bad", f"{database.name} is damaged: {answer}", remedy)


def _fixable(what: str, said: str, fix: bool, repair: Callable[[], object]) -> Finding:
    if not fix:
        return Finding(what, "fixable", said, "study doctor --fix")
    repair()
    return Finding(what, "fixed", said)


def _try(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, "good", check())
    except UserError as error:
        said, _, remedy = error.message.partition("; ")
        return Finding(what, "bad", said, remedy)


def _file_of(url: str) -> Path | None:
    """The file of an SQLite store; None where a server keeps the trials."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
