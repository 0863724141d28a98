"""Fingerprints: hashes of everything that decides a result, to check that it is up to date."""

import ast
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType


def fingerprint_of(content: Mapping[str, object]) -> str:
    """Return the SHA-256 of what decides a result: JSON values by name, in any order."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_hash(*packages: ModuleType | Path) -> str:
    """Return a hash of the code in the packages' own folders, without their subfolders.

    Comments, docstrings and formatting are ignored, since they do not affect results. Whoever
    trains calls this at import time: an edit on disk during training must not count as the code
    that trained the run.

    Args:
        packages: packages such as ``pipeline.training``, or their folders, which need no import.
    """
    digest = hashlib.sha256()
    for package in packages:
        folder = package if isinstance(package, Path) else Path(package.__path__[0])
        # Only what can be imported: editors and file servers leave `.#name.py` and `._name.py`.
        for path in sorted(path for path in folder.glob("*.py") if path.stem.isidentifier()):
            name = f"{folder.parent.name}/{folder.name}/{path.name}"
            digest.update(f"{name}\n{_without_comments(path)}\n".encode())
    return digest.hexdigest()


def _without_comments(path: Path) -> str:
    """Return the code of a file, reformatted, without comments and docstrings."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_docstring(part)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_docstring(statement: ast.stmt) -> bool:
    """Return whether a statement is a string on its own, such as a docstring."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
