"""Files and folders that appear whole or not at all, whenever the process is killed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import UserError

PARTIAL = ".partial-"


def write_bytes(path: Path, payload: bytes) -> None:
    """Write a file whole or not at all, making its folder; an older one stays until the end.

    Raises:
        UserError: if the folder cannot be written to or the disk is full.
    """
    # Beside its goal, because a rename is atomic only within a file system; the process id keeps
    # two writers apart.
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
    """Write a text file in UTF-8, whole or not at all; see ``write_bytes``."""
    write_bytes(path, text.encode())


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside ``folder`` that takes its place when the block succeeds.

    Raises:
        UserError: if the folder cannot be written to or the disk is full.
    """
    prefix = f"{PARTIAL}{folder.name}-"
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left_by_a_kill in folder.parent.glob(f"{prefix}*"):
            shutil.rmtree(left_by_a_kill, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
        temporary.chmod(0o755)  # mkdtemp makes it private
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
    """Rename a folder, in place of one that may be there already.

    A folder cannot be renamed onto a full one, so the old one is renamed away first. Killed between
    the two steps, the target is missing, never half-written, and what made it makes it again.
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
    """Else a power cut after a rename can leave the new name with old or no content."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def remove_others(folder: Path, keep: set[str]) -> list[str]:
    """Remove what lies two levels deep under ``folder`` and is not in ``keep``; its names.

    For ``models/<cell>/<run>``: runs that left the grid, and what a kill left half-written.
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
