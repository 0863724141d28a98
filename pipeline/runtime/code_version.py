"""Which code and which libraries made a result. Free of torch."""

import ast
import hashlib
import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path
from types import ModuleType

CHANGES = "+changes"


@cache
def versions() -> dict[str, str]:
    """Versions of the project, of Python and of the libraries that decide its numbers."""
    names = ("vae-study", "torch", "numpy", "safetensors")
    found = {name: importlib.metadata.version(name) for name in names}
    return found | {"python": platform.python_version()}


def source_hash(*packages: ModuleType) -> str:
    """Hash of the code in the packages' own folders, without what is below them.

    Comments, docstrings and layout have no part in it, since they decide no number. Call it when
    a module is imported: an edit on the disk while a run trains must not pass for the code that
    trained it.

    Args:
        packages: imported folders of code, such as ``pipeline.training``.
    """
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted(Path(package.__path__[0]).glob("*.py")):
            name = f"{package.__name__}/{path.name}"
            digest.update(f"{name}\n{_without_comments(path)}\n".encode())
    return digest.hexdigest()


def _without_comments(path: Path) -> str:
    """The code of a file in one canonical layout."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


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
