"""Identify the code and the libraries that produced a result. Free of torch."""

import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path

CHANGES = "+changes"


@cache
def versions() -> dict[str, str]:
    """Return the versions of the project, of Python and of the libraries that affect results."""
    names = ("vae-study", "torch", "numpy", "safetensors")
    found = {name: importlib.metadata.version(name) for name in names}
    return found | {"python": platform.python_version()}


def git_commit() -> str:
    """Return the current commit, with ``+changes`` if files differ from it; empty outside git."""
    try:
        changed = _git("status", "--porcelain", "--untracked-files=no")
        return _git("rev-parse", "HEAD") + (CHANGES if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def commit_date(commit: str) -> str:
    """Return the date of a commit, such as ``2026-03-01``, in its committer's time zone.

    Unlike the date of a run it follows from what is recorded, so that results stay the same bytes.

    Args:
        commit: as returned by ``git_commit``.

    Returns:
        The date; empty if this repository does not have the commit.
    """
    name = commit.removesuffix(CHANGES)
    try:
        # Without --end-of-options, a name that starts with a dash would be read as an option.
        return _git("show", "--no-patch", "--format=%cs", "--end-of-options", f"{name}^{{commit}}")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*arguments: str) -> str:
    folder = Path(__file__).parent
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
