"""Which of our own modules a file imports."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipeline", "analysis", "study")


@cache
def imported(path: Path) -> frozenset[Path]:
    """Our own modules that a file imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    own = {name for name in names if name.split(".")[0] in PACKAGES}
    paths = [ROOT / name.replace(".", "/") for name in own]
    files = [path / "__init__.py" if path.is_dir() else path.with_suffix(".py") for path in paths]
    # A folder's face hands on what lies below it; a face without imports is no code.
    return frozenset(
        file for file in files if file.is_file() and "import" in file.read_text("utf-8")
    )


def closure(start: Path) -> set[str]:
    """The file and all that it imports, also through others; paths in the repository."""
    found: set[Path] = set()
    todo = {start}
    while todo:
        path = todo.pop()
        found.add(path)
        todo |= imported(path) - found
    return {path.relative_to(ROOT).as_posix() for path in found}
