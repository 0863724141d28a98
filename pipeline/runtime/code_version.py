"""Which versions of code and libraries are at work. Free of torch."""

import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path

CHANGES = "+changes"


@cache
def versions() -> dict[str, str]:
    """Versions of the project, of Python and of the libraries that decide its numbers."""
    names = ("vae-study", "torch", "numpy", "safetensors")
    found = {name: importlib.metadata.version(name) for name in names}
    return found | {"python": platform.python_version()}


def git_commit() -> str:
    """The commit of the code, with ``+changes`` where files differ from it; empty outside git."""
    try:
        changed = _git("status", "--porcelain", "--untracked-files=no")
        return _git("rev-parse", "HEAD") + (CHANGES if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def commit_date(commit: str) -> str:
    """The day of a commit, such as ``2026-03-01``, in its committer's time zone.

    Unlike the day of a run it follows from what is recorded, so that results stay the same bytes.

    Args:
        commit: of ``git_commit``.

    Returns:
        Empty where this copy of the code does not know the commit.
    """
    name = commit.removesuffix(CHANGES)
    try:
        # Without its end a name that begins with a dash would be an option.
        return _git("show", "--no-patch", "--format=%cs", "--end-of-options", f"{name}^{{commit}}")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*words: str) -> str:
    folder = Path(__file__).parent
    answer = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return answer.stdout.strip()
