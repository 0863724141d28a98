"""Remove what is no longer in the grid from its folder, and nothing else.

People keep notes and copies next to models and results. So only what this pipeline certainly wrote
is removed, of which a copy is kept elsewhere; everything else stays and is named.
"""

from collections.abc import Callable, Collection
from pathlib import Path

import click

from pipeline.errors import first_names
from pipeline.files import is_temporary, remove_folder


def remove_stale(
    folder: Path,
    keep: Collection[str],
    files: Collection[str],
    is_own: Callable[[Path, str], bool],
) -> None:
    """Remove runs that are not in the grid, and what killed processes left; say what happened.

    The runs must have been kept elsewhere; see ``kept``.

    Args:
        folder: contains a folder per cell, each of which contains a folder per run.
        keep: names of the runs in the grid, such as ``linear-2/seed-0``.
        files: names of the files that a run's folder consists of.
        is_own: returns whether a folder, with its name, is a run that this pipeline wrote.
    """
    left, stay = [], []
    for path in sorted(folder.glob("*/*")):
        name = path.relative_to(folder).as_posix()
        if name in keep:
            continue
        own = is_temporary(path) or is_own(path, name)
        if own and remove_folder(path, files):
            if not is_temporary(path):
                left.append(name)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
        else:
            stay.append(name)
    if left:
        click.echo(f"not in the grid, and kept for another one: {first_names(left)}")
    if stay:
        click.echo(f"left in {folder}, because the pipeline did not write it: {first_names(stay)}")
