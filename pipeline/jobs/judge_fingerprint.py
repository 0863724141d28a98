"""By what a judge is known to be up to date. Free of torch, so that it is known quickly."""

import importlib.metadata
from pathlib import Path

import pipeline
from pipeline.schemas.fingerprint import fingerprint_of, source_hash
from pipeline.schemas.judge_card import FORMAT, PLAUSIBLE_QUANTILE, JudgeError, load_judge_card
from pipeline.settings import JudgeSettings

# The folders whose code decides a judge. They are not imported: torch takes seconds.
DECIDED_BY = tuple(Path(pipeline.__path__[0], name) for name in ("data", "numerics", "judge"))
CODE = source_hash(*DECIDED_BY)
DECIDING = ("torch", "numpy", "scipy")  # libraries whose version may change a number


def judge_fingerprint(settings: JudgeSettings, data_hash: str, threads: int) -> str:
    """Return a hash of everything that decides a judge."""
    return fingerprint_of(
        {
            "format": FORMAT,
            "settings": settings.model_dump(mode="json"),
            "data": data_hash,
            "threads": threads,
            "code": CODE,
            "plausible": PLAUSIBLE_QUANTILE,
            "versions": [importlib.metadata.version(name) for name in DECIDING],
        }
    )


def finished_judge(folder: Path) -> str | None:
    """Return the fingerprint of the judge in a folder; None unless it is complete and intact."""
    try:
        return load_judge_card(folder).fingerprint
    except JudgeError:
        return None
