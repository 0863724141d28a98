"""Read files of limited size, and write files and folders atomically.

What is written is complete or not there at all, even if the process is killed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EFBIG
from pathlib import Path

from pipeline.errors import UserError

PARTIAL = ".partial-"


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
        raise _unwritable(path, error) from None
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

    Raises:
        UserError: if the folder cannot be written to or the disk is full.
    """
    prefix = f"{PARTIAL}{folder.name}-"
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for leftover in folder.parent.glob(f"{prefix}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
        temporary.chmod(0o755)  # mkdtemp makes it private to the user
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _sync(file)
        move_folder(temporary, folder)
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def move_folder(source: Path, target: Path) -> None:
    """Rename a folder, replacing the target if it exists.

    A folder cannot be renamed onto a non-empty one, so an old target is renamed first. After a kill
    between the two steps, the target is missing and has to be recreated, but is never incomplete.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    old = target.with_name(f"{PARTIAL}{target.name}-old-{os.getpid()}")
    if target.exists():
        target.replace(old)
    source.replace(target)
    shutil.rmtree(old, ignore_errors=True)


def _unwritable(path: Path, error: OSError) -> UserError:
    reason = error.strerror or str(error)
    return UserError(f"{path}: cannot be written: {reason}; check its folder and the free space")


def _sync(file: Path) -> None:
    """Flush a file to disk: otherwise, after a power failure, a renamed file can be empty."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def remove_others(folder: Path, keep: set[str]) -> list[str]:
    """Remove everything two levels below ``folder`` that is not in ``keep``, and empty folders.

    In ``models/<cell>/<run>``, these are runs that are no longer in the grid and incomplete files
    that a killed process left.

    Returns:
        The names of what was removed, relative to ``folder``.
    """
    removed = []
    for path in sorted(folder.glob("*/*")):
        name = path.relative_to(folder).as_posix()
        if name not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            removed.append(name)
    for cell in sorted(folder.glob("*")):
        if cell.is_dir() and not any(cell.iterdir()):
            cell.rmdir()
    return removed
