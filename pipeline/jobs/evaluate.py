"""Evaluate one run in a worker process, from its model folder to its results folder."""

import importlib.metadata
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

import torch
from threadpoolctl import threadpool_limits

import pipeline.data
import pipeline.evaluation
import pipeline.judge
import pipeline.measures
import pipeline.models
import pipeline.numerics
from pipeline.data.prepared import PreparedData, load_prepared
from pipeline.errors import UserError
from pipeline.files import replacing_folder
from pipeline.judge.context import JudgeContext, load_context
from pipeline.measures.registry import measure_names
from pipeline.measures.run import SPLITS, measure_run
from pipeline.schemas.arrays import ARRAYS, write_arrays
from pipeline.schemas.fingerprint import file_sha256, fingerprint_of, source_hash
from pipeline.schemas.judge_card import (
    JUDGE_CARD,
    JUDGE_WEIGHTS,
    PLAUSIBLE_QUANTILE,
    JudgeCard,
)
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.record import Record, read_record, write_record
from pipeline.schemas.run_card import CONFIG, RunCard, load_whole_card
from pipeline.schemas.run_row import METRICS_FILE, write_row
from pipeline.schemas.tables import Row
from pipeline.settings import EvaluateSettings

CARD_FILE = "evaluation.json"
FORMAT: Literal[1] = 1  # of the results folder; increasing it evaluates all runs again

DECIDING = ("torch", "numpy", "scikit-learn")  # libraries whose version may change a number

# The packages whose code decides a run's results.
DECIDED_BY = (
    pipeline.data,
    pipeline.numerics,
    pipeline.models,
    pipeline.evaluation,
    pipeline.judge,
    pipeline.measures,
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


def evaluate_run(task: EvaluationTask, tell: Callable[[float], None]) -> Row:
    """Evaluate one run and write its results folder atomically.

    Args:
        task: the run to evaluate.
        tell: called at the end with the seconds that it took.

    Returns:
        The run's row of ``results/metrics.csv``.

    Raises:
        UserError: if the model or the judge is damaged or was trained on other data, or if anything
            that decides the results has changed since the task was created.
    """
    start = time.perf_counter()
    torch.set_num_threads(task.threads)
    data, context = _load_shared(task.data_path, task.judge_folder)
    card = usable_card(task.model_folder, data.hash)
    wanted = evaluation_fingerprint(
        task.name, task.model_folder, data.hash, context.card, task.settings, task.threads
    )
    if wanted != task.fingerprint:
        raise UserError(
            f"{task.name}: code, data, judge or model changed after the evaluation began; run "
            "`dvc repro` again"
        )
    # For numpy and scikit-learn, whose matrix products would take the other workers' cores.
    with threadpool_limits(limits=task.threads):
        row, arrays = measure_run(task.name, task.model_folder, card, task.settings, data, context)
    has_likelihood = card.protocol.is_likelihood
    with replacing_folder(task.folder) as folder:
        write_row(folder, row)
        latent_dim = card.settings.latent_dim
        write_arrays(folder / ARRAYS, arrays, latent_dim, has_likelihood=has_likelihood)
        done = EvaluationCard(
            fingerprint=wanted,
            sha256={name: file_sha256(folder / name) for name in (METRICS_FILE, ARRAYS)},
        )
        write_record(folder / CARD_FILE, done)
    tell(time.perf_counter() - start)
    return row


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
            "measures": [*measure_names(), *METRICS],
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


def _load_shared(data: Path, judge_folder: Path) -> tuple[PreparedData, JudgeContext]:
    """Load data and judge once per worker, not once per run, unless a file changes."""
    files = (data, *(judge_folder / name for name in (JUDGE_WEIGHTS, JUDGE_CARD)))
    times = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in files)
    return _load_once(data, judge_folder, times)


@lru_cache(maxsize=1)
def _load_once(
    data: Path, judge_folder: Path, changed: tuple[int, ...]
) -> tuple[PreparedData, JudgeContext]:
    prepared = load_prepared(data, splits=SPLITS)
    return prepared, load_context(judge_folder, prepared.hash, prepared.splits["test"])
