"""Read files of limited size, and write files and folders atomically.

What is written is complete or not there at all, even if the process is killed.
"""

import glob
import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from errno import EFBIG
from pathlib import Path

from pipeline.errors import UserError, unwritable

PARTIAL = ".partial-"
_TEMPORARY = re.compile(rf"{re.escape(PARTIAL)}(?P<name>.+)-(?P<pid>\d+)-\d+")  # a folder


def write_bytes(path: Path, payload: bytes) -> None:
    """Write a file atomically and create its folder; an existing file stays until the end.

    Raises:
        UserError: if the folder cannot be written to or the disk is full.
    """
    # In the same folder, because a rename is atomic only within a file system; the process id
    # separates concurrent writers.
    temporary = path.with_name(f"{PARTIAL}{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(payload)
        _sync(temporary)
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error.strerror or str(error)) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 atomically; see ``write_bytes``."""
    write_bytes(path, text.encode())


def read_at_most(path: Path, most: int) -> bytes:
    """Return the content of a file, which may have at most this many bytes.

    Raises:
        OSError: if it cannot be read, or has more; the rest is not read.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(EFBIG, f"it has more than {most:,} bytes", str(path))
    return content


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces ``folder`` if the block succeeds.

    Files of other names than the new ones, which were put there by hand, stay in the folder.

    Raises:
        UserError: if the folder cannot be written to or the disk is full.
    """
    temporary = _unused(folder)
    made = False
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _require_folder(folder)
        # Not by tempfile, whose folders are private to the user in spite of the umask.
        temporary.mkdir()
        made = True
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _sync(file)
        move_folder(temporary, folder)
        for leftover in _leftovers(folder):
            _bring_back(leftover, folder)
    except OSError as error:
        raise unwritable(folder, error.strerror or str(error)) from None
    finally:
        if made:
            shutil.rmtree(temporary, ignore_errors=True)


def move_folder(source: Path, target: Path) -> None:
    """Rename a folder, replacing those files of the target that have the same names.

    A folder cannot be renamed onto a non-empty one, so an old target is renamed first. After a kill
    between the two steps, the target is missing and has to be recreated, but is never incomplete.
    """
    _require_folder(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    old = _unused(target)
    if target.is_symlink():
        target.unlink()  # what it points to stays
    elif target.exists():
        target.replace(old)
    source.replace(target)
    if old.exists():
        _bring_back(old, target)


def _require_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is not a folder; move it away")


def _unused(folder: Path) -> Path:
    """Return a temporary name next to a folder, which no process has used before."""
    return folder.with_name(f"{PARTIAL}{folder.name}-{os.getpid()}-{time.time_ns()}")


def _leftovers(folder: Path) -> Iterator[Path]:
    """Yield the temporary folders of a folder that killed processes left."""
    import psutil  # only now: most processes find none

    for path in folder.parent.glob(f"{PARTIAL}{glob.escape(folder.name)}-*-*"):
        found = _TEMPORARY.fullmatch(path.name)
        if found and found["name"] == folder.name and path.is_dir():
            pid = int(found["pid"])
            if pid == os.getpid() or not psutil.pid_exists(pid):
                yield path


def _bring_back(old: Path, new: Path) -> None:
    """Remove an old folder after moving into the new one what only the old one has."""
    for path in sorted(old.iterdir()):
        replacement = new / path.name
        if is_temporary(path) or (replacement.is_file() and not path.is_dir()):
            path.unlink()
        elif not replacement.exists():
            path.replace(replacement)
    with suppress(OSError):  # it still has what could neither be removed nor moved
        old.rmdir()


def remove_folder(folder: Path, names: Collection[str]) -> bool:
    """Remove a folder that has no other files than those of these names.

    Returns:
        Whether it is removed. If it has anything else, it stays as it is.
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    content = list(folder.iterdir())
    if not all(_is_ours(path, names) for path in content):
        return False
    for path in content:
        path.unlink()
    folder.rmdir()
    return True


def is_temporary(path: Path) -> bool:
    """Return whether a path has the name of a temporary file or folder of this module."""
    return path.name.startswith(PARTIAL)


def _is_ours(path: Path, names: Collection[str]) -> bool:
    return (path.name in names or is_temporary(path)) and path.is_file()


def _sync(file: Path) -> None:
    """Flush a file to disk: otherwise, after a power failure, a renamed file can be empty."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
