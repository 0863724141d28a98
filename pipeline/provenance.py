"""Which code and which libraries made a result. Free of torch."""

import importlib.metadata
import subprocess
from functools import cache
from pathlib import Path


@cache
def versions() -> dict[str, str]:
    """Versions of the project and of the libraries that decide its numbers."""
    names = ("vae-study", "torch", "numpy", "safetensors")
    return {name: importlib.metadata.version(name) for name in names}


def git_commit() -> str:
    """The commit of the code, with ``+changes`` where files differ from it; empty outside git."""

    def git(*words: str) -> str:
        folder = Path(__file__).parent
        answer = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
