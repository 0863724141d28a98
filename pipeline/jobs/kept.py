"""Finished runs are kept by their fingerprints, so that none is computed twice.

The folder of a grid has the runs of that grid. Each is also kept elsewhere, under the fingerprint
of everything that decides it, by hard links, which take no space while the grid has the run. So a
run can leave the grid, or be replaced, and is there when a grid needs it again.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from pipeline.files import is_temporary, remove_folder, replacing_folder
from pipeline.jobs.job import Task

KEPT = Path("kept")  # in the project's folder


@dataclass(frozen=True, slots=True)
class KeptRuns:
    """Runs of one kind, a folder for each.

    Attributes:
        folder: contains them.
        files: names of the files that a run consists of.
        finished: returns the fingerprint of the run in a folder; None unless it is complete and
            intact.
    """

    folder: Path
    files: Sequence[str]
    finished: Callable[[Path], str | None]

    def keep(self, run: Path) -> None:
        """Keep a run, if it is finished.

        Raises:
            UserError: if the folder cannot be written to or the disk is full.
        """
        fingerprint = self.finished(run)
        if fingerprint is not None and not self._has(fingerprint):
            self._link(run, self.folder / fingerprint)

    def fetch(self, tasks: Sequence[Task]) -> None:
        """Put the kept runs of tasks where the tasks would write them.

        Raises:
            UserError: if a folder cannot be written to or the disk is full.
        """
        found = [
            task
            for task in tasks
            if self.finished(task.folder) != task.fingerprint and self._has(task.fingerprint)
        ]
        for task in found:
            self._link(self.folder / task.fingerprint, task.folder)
        if found:
            click.echo(f"{len(found)} runs were kept in {self.folder} and are used again")

    def remove(self) -> None:
        """Remove all kept runs; what somebody else put there stays."""
        for path in self.folder.glob("*"):
            if is_temporary(path) or self._has(path.name):
                remove_folder(path, self.files)

    def sizes(self) -> tuple[int, int]:
        """Return how many runs are kept, and the bytes that only they occupy."""
        runs = [path for path in self.folder.glob("*") if self._has(path.name)]
        files = [run / name for run in runs for name in self.files]
        only_here = [one.stat() for one in files if one.is_file()]
        return len(runs), sum(one.st_size for one in only_here if one.st_nlink == 1)

    def _has(self, fingerprint: str) -> bool:
        return self.finished(self.folder / fingerprint) == fingerprint

    def _link(self, source: Path, target: Path) -> None:
        with replacing_folder(target) as temporary:
            for name in self.files:
                try:
                    os.link(source / name, temporary / name)
                except OSError:  # a file system without hard links, or another one
                    shutil.copy2(source / name, temporary / name)


@contextmanager
def keeping_runs(
    kept: KeptRuns, folder: Path, tasks: Sequence[Task], is_own: Callable[[Path, str], bool]
) -> Iterator[None]:
    """Keep the runs in a folder before the block replaces any, and those that it finishes.

    Args:
        kept: where they are kept; the block finds those of its tasks in their places.
        folder: contains a folder per cell, each of which contains a folder per run.
        tasks: what the block is to do.
        is_own: returns whether a folder, with its name, is a run that this pipeline wrote.
    """
    for path in sorted(folder.glob("*/*")):
        if is_own(path, path.relative_to(folder).as_posix()):  # not a copy made by hand
            kept.keep(path)
    kept.fetch(tasks)
    try:
        yield
    finally:
        for task in tasks:
            kept.keep(task.folder)
