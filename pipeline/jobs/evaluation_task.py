"""A run to evaluate, and by what its results are known to be up to date. Free of torch."""

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pipeline
from pipeline.errors import UserError
from pipeline.schemas.arrays import ARRAYS
from pipeline.schemas.fingerprint import file_sha256, fingerprint_of, source_hash
from pipeline.schemas.judge_card import PLAUSIBLE_QUANTILE, JudgeCard
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.record import Record, read_record
from pipeline.schemas.run_card import CONFIG, RunCard, load_whole_card
from pipeline.schemas.run_row import METRICS_FILE, read_row
from pipeline.settings import EvaluateSettings

CARD_FILE = "evaluation.json"
RESULT_FILES = (METRICS_FILE, ARRAYS, CARD_FILE)
FORMAT: Literal[1] = 1  # of the results folder; increasing it evaluates all runs again

DECIDING = ("torch", "numpy", "scikit-learn")  # libraries whose version may change a number

# The folders whose code decides a run's results. They are not imported: torch takes seconds.
DECIDED_BY = tuple(
    Path(pipeline.__path__[0], name)
    for name in ("data", "numerics", "models", "evaluation", "judge", "measures")
)
CODE = source_hash(*DECIDED_BY)


@dataclass(frozen=True, slots=True)
class EvaluationTask:
    """Everything that a worker needs to evaluate one run.

    Attributes:
        name: the run's folder under ``models/`` and ``results/runs/``.
        settings: section ``evaluate``.
        data_path: the prepared file.
        judge_folder: folder of the judge.
        model_folder: the run's model folder.
        folder: the results folder to write.
        fingerprint: what the caller expects; see ``evaluation_fingerprint``.
        threads: number of threads for computation.
    """

    name: str
    settings: EvaluateSettings
    data_path: Path
    judge_folder: Path
    model_folder: Path
    folder: Path
    fingerprint: str
    threads: int = 1


class EvaluationCard(Record):
    """``evaluation.json`` in a results folder: identifies its inputs and verifies its files.

    Attributes:
        fingerprint: hash of everything that decides the results.
        sha256: hash of each other file in the folder.
    """

    what: ClassVar[str] = "an evaluation"
    remedy: ClassVar[str] = "evaluate it again with `dvc repro evaluate`"

    format: Literal[1] = FORMAT
    fingerprint: str
    sha256: dict[str, str]


def usable_card(folder: Path, data_hash: str) -> RunCard:
    """Return the card of a complete model that was trained on these data.

    Raises:
        ModelError: if a file is missing or damaged.
        UserError: if it was trained on other data.
    """
    card = load_whole_card(folder)
    if card.data_hash != data_hash:
        raise UserError(
            f"{folder} was trained on other data (hash {card.data_hash[:12]}) than the "
            f"prepared file's ({data_hash[:12]}); run `dvc repro train` first"
        )
    return card


def evaluation_fingerprint(
    name: str,
    model_folder: Path,
    data_hash: str,
    judge_card: JudgeCard,
    settings: EvaluateSettings,
    threads: int,
) -> str:
    """Return a hash of everything that decides a run's results on one machine.

    Raises:
        ModelError: if the model is missing or damaged.
        UserError: if it was trained on other data.
    """
    card = usable_card(model_folder, data_hash)
    return fingerprint_of(
        {
            "format": FORMAT,
            "name": name,
            # The card contains the hashes of the weights and the history.
            "model": card.sha256 | {CONFIG: file_sha256(model_folder / CONFIG)},
            "is_likelihood": card.protocol.is_likelihood,
            "data": data_hash,
            # Its settings include the number of images to generate.
            "judge": [judge_card.sha256, judge_card.settings.model_dump(mode="json")],
            "settings": settings.model_dump(mode="json"),
            "threads": threads,
            "code": CODE,
            "metrics": list(METRICS),
            "plausible": PLAUSIBLE_QUANTILE,
            "versions": [importlib.metadata.version(name) for name in DECIDING],
        }
    )


def finished_evaluation(folder: Path) -> str | None:
    """Return the fingerprint of a folder's results; None unless they are complete and intact."""
    try:
        card = read_record(EvaluationCard, folder / CARD_FILE)
        whole = all(file_sha256(folder / name) == found for name, found in card.sha256.items())
    except (OSError, UserError):
        return None
    return card.fingerprint if whole and len(card.sha256) == 2 else None


def is_own_result(folder: Path, name: str) -> bool:
    """Return whether a folder holds the complete results of a run of that name, and nothing else.

    Args:
        folder: the folder.
        name: its path within the folder of all results.
    """
    if folder.is_symlink() or not folder.is_dir() or finished_evaluation(folder) is None:
        return False
    content = {path.name for path in folder.iterdir()}
    return content == set(RESULT_FILES) and read_row(folder)["run"] == name
