"""The code that decides which trials there are and what each is worth.

An edit to it starts a new search, because old and new trials would not compare. It is hashed when
this module is imported, by whoever trains: a later edit on disk is not what runs.
"""

from pathlib import Path

import pipeline
import study.search
from pipeline.schemas.fingerprint import source_hash
from pipeline.settings import Objective

# Found by their folders, because importing them loads torch, which takes three seconds.
_PIPELINE = Path(pipeline.__path__[0])
_CODE = source_hash(
    study.search, *(_PIPELINE / name for name in ("data", "numerics", "models", "training"))
)
_NLL_CODE = source_hash(_PIPELINE / "evaluation")


def code_hash(objective: Objective) -> str:
    """Hash the code that decides a search's trials; only the objective nll estimates -log p(x)."""
    return f"{_CODE}{_NLL_CODE}" if objective == "nll" else _CODE
