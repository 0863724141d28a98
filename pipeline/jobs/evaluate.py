"""Evaluate one run in a worker process, from its model folder to its results folder."""

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from pipeline.data.prepared import PreparedData, load_prepared
from pipeline.errors import UserError
from pipeline.files import replacing_folder
from pipeline.jobs.evaluation_task import (
    CARD_FILE,
    EvaluationCard,
    EvaluationTask,
    evaluation_fingerprint,
    usable_card,
)
from pipeline.judge.context import JudgeContext, load_context
from pipeline.measures.run import SPLITS, measure_run
from pipeline.schemas.arrays import ARRAYS, write_arrays
from pipeline.schemas.fingerprint import file_sha256
from pipeline.schemas.judge_card import (
    JUDGE_CARD,
    JUDGE_WEIGHTS,
)
from pipeline.schemas.record import write_record
from pipeline.schemas.run_row import METRICS_FILE, write_row
from pipeline.schemas.tables import Row


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
