"""One run's evaluation from its model folder to its results folder."""

import hashlib
import importlib.metadata
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from threadpoolctl import threadpool_limits

import pipeline.data
import pipeline.evaluation
import pipeline.judge
import pipeline.models
import pipeline.numerics
from pipeline.data.prepared import PreparedData, load_prepared
from pipeline.errors import UserError
from pipeline.evaluation import iwae as importance
from pipeline.evaluation import (
    scores,
)
from pipeline.evaluation.pictures import Arrays, draw_pictures
from pipeline.evaluation.ranked_images import draw_ranked
from pipeline.evaluation.scores import Subject, prepare_subject, score
from pipeline.evaluation.traversals import draw_traversals
from pipeline.files import replacing_folder
from pipeline.judge.compare import (
    Bench,
    judge_metrics,
    judge_pictures,
    judged_protocol,
    load_bench,
    path_pairs,
)
from pipeline.models import load_model
from pipeline.numerics.hardware import seeded_generator
from pipeline.runtime.code_version import source_hash
from pipeline.schemas.judge_card import JUDGE_CARD, JUDGE_WEIGHTS, JudgeCard
from pipeline.schemas.run_card import CONFIG, RunCard, file_sha256, load_whole_card
from pipeline.settings import EvaluateSettings

METRICS_FILE, ARRAYS_FILE, CARD_FILE = "metrics.json", "arrays.npz", "evaluation.json"
SPLITS = ("train", "test")  # the first for what is fitted before it is scored on the second
FORMAT: Literal[1] = 1  # of the folder; raise it when it changes, and runs are measured again

DECIDING = ("torch", "numpy", "scikit-learn")  # libraries whose version may change a number

Row = dict[str, Any]

CODE = source_hash(
    pipeline.data, pipeline.numerics, pipeline.models, pipeline.evaluation, pipeline.judge
)


@dataclass(frozen=True, slots=True)
class EvaluationTask:
    """All that a worker needs to measure one run.

    Attributes:
        name: the run's folder under ``models/`` and ``results/runs/``.
        settings: how to measure and what to draw.
        data_path: the prepared file.
        judge_folder: of the judge.
        model_folder: of the run.
        folder: where the results go.
        fingerprint: what the caller expects; see ``evaluation_fingerprint``.
        threads: of the arithmetic.
    """

    name: str
    settings: EvaluateSettings
    data_path: Path
    judge_folder: Path
    model_folder: Path
    folder: Path
    fingerprint: str
    threads: int = 1


class EvaluationCard(BaseModel):
    """``evaluation.json`` of a results folder: what it was made from, and whether it is whole.

    Attributes:
        fingerprint: hash of everything that decides the results.
        sha256: of the other files in the folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = FORMAT
    fingerprint: str
    sha256: dict[str, str]


def evaluate_task(task: EvaluationTask, tell: Callable[[float], None]) -> Row:
    """Measure one run and write its results folder, whole or not at all.

    Args:
        task: what to measure.
        tell: called with the seconds that it took, at the end.

    Returns:
        The run's row of ``results/metrics.csv``.

    Raises:
        UserError: if the model or the judge is damaged or of other data, or if anything that
            decides the results changed since the task was made.
    """
    start = time.perf_counter()
    torch.set_num_threads(task.threads)
    data, bench = _load_shared(task.data_path, task.judge_folder)
    card = usable_card(task.model_folder, data.hash)
    wanted = evaluation_fingerprint(
        task.name, task.model_folder, data.hash, bench.card, task.settings, task.threads
    )
    if wanted != task.fingerprint:
        raise UserError(
            f"{task.name}: code, data, judge or model changed after the evaluation began; run "
            "`dvc repro` again"
        )
    # Of numpy's and scikit-learn's matrix products: workers stand side by side.
    with threadpool_limits(limits=task.threads):
        row, arrays = evaluate_run(task.name, task.model_folder, card, data, bench, task.settings)
    with replacing_folder(task.folder) as folder:
        (folder / METRICS_FILE).write_text(
            json.dumps(row, indent=2, allow_nan=False) + "\n", encoding="utf-8"
        )
        np.savez_compressed(folder / ARRAYS_FILE, allow_pickle=False, **arrays)
        done = EvaluationCard(
            fingerprint=wanted,
            sha256={name: file_sha256(folder / name) for name in (METRICS_FILE, ARRAYS_FILE)},
        )
        (folder / CARD_FILE).write_text(done.model_dump_json(indent=2) + "\n", encoding="utf-8")
    tell(time.perf_counter() - start)
    return row


def evaluate_run(
    name: str,
    folder: Path,
    card: RunCard,
    data: PreparedData,
    bench: Bench,
    settings: EvaluateSettings,
) -> tuple[Row, Arrays]:
    """One run's row of ``results/metrics.csv`` and its arrays for the report.

    Args:
        name: of the run.
        folder: of the model.
        card: of the model, from ``usable_card``.
        data: with the splits of ``SPLITS``.
        bench: the judge before the test split.
        settings: how to measure and what to draw.
    """
    run, test = card.settings, data.splits["test"]
    protocol = judged_protocol(
        replace(card.protocol, split="test", split_hash=test.hash), bench.card
    )
    subject = prepare_subject(
        load_model(folder), run, protocol, data.splits["train"], test, settings
    )
    mu = subject.measured.mu
    judged, planes = judge_metrics(
        subject.model,
        bench.judge,
        bench.reference,
        mu,
        path_pairs(test.labels, settings.seed),
        seeded_generator(settings.seed, "samples"),
    )
    row = {
        "run": name,
        "architecture": run.architecture,
        "latent_dim": run.latent_dim,
        "beta": run.beta,
        "seed": run.seed,
        "parameters": card.parameters,
        "train_seconds": card.train_seconds,
        "epochs": card.epochs,
        **protocol.as_dict(),
        **score(subject, judged),
        "data_hash": data.hash,
        "commit": card.commit,
        "run_id": card.run_id,
    }
    drawn = draw_pictures(subject.model, test, subject.images, mu, settings)
    return row, {
        **drawn,
        **judge_pictures(bench.judge, drawn),
        **planes,
        **per_image(subject),
        **draw_ranked(
            subject.measured.reconstruction, test.images, subject.images, subject.reconstructions
        ),
        **draw_traversals(
            subject.model, mu, subject.measured.mu_variance, test.labels.numpy(), settings.seed
        ),
    }


def per_image(subject: Subject) -> Arrays:
    """What is known of each test image and each dimension, beside the pictures."""
    measured, weights = subject.measured, subject.weights
    arrays: Arrays = {
        "mu": measured.mu.numpy(),
        "log_var": measured.log_var.numpy(),
        "labels": subject.test.labels.numpy(),
        "mu_variance": measured.mu_variance.numpy(),
        "kl_per_dim": measured.kl_per_dim.mean(0).numpy(),
        "elbo": measured.elbo.numpy(),
        "reconstruction": measured.reconstruction.numpy(),
        "kl": measured.kl.numpy(),
    }
    if weights is not None:
        arrays["nll_500"] = importance.bound_from_sums(weights.sums, scores.MIDDLE).numpy()
        arrays["nll_5000"] = importance.bound_from_sums(weights.subset_sums, scores.LARGE).numpy()
        arrays["nll_5000_indices"] = weights.subset.numpy()
    return arrays


def usable_card(folder: Path, data_hash: str) -> RunCard:
    """The card of a whole model that was trained on these data.

    Raises:
        ModelError: if a file is missing or damaged.
        UserError: if it was trained on other data.
    """
    card = load_whole_card(folder)
    if card.data_hash != data_hash:
        raise UserError(
            f"{folder} was trained on other data (hash {card.data_hash[:12]}) than the "
            f"prepared file holds ({data_hash[:12]}); run `dvc repro train` first"
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
    """A hash of everything that decides a run's results on one machine.

    Raises:
        ModelError: if the model is missing or damaged.
        UserError: if it was trained on other data.
    """
    content = {
        "format": FORMAT,
        "name": name,
        # The card holds the hashes of the weights and the history.
        "model": usable_card(model_folder, data_hash).sha256
        | {CONFIG: file_sha256(model_folder / CONFIG)},
        "data": data_hash,
        # The number of images that are drawn for it is one of its settings.
        "judge": [judge_card.sha256, judge_card.settings.model_dump(mode="json")],
        "settings": settings.model_dump(mode="json"),
        "threads": threads,
        "code": CODE,
        "versions": [importlib.metadata.version(name) for name in DECIDING],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def finished_evaluation(folder: Path) -> str | None:
    """The fingerprint of the whole and undamaged results in a folder; None if there are none."""
    try:
        card = EvaluationCard.model_validate_json((folder / CARD_FILE).read_bytes())
        whole = all(file_sha256(folder / name) == found for name, found in card.sha256.items())
    except (OSError, ValidationError):
        return None
    return card.fingerprint if whole and len(card.sha256) == 2 else None


def read_row(folder: Path) -> Row:
    """The row of a whole results folder."""
    row: Row = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
    return row


def read_arrays(folder: Path) -> Arrays:
    """The arrays of a whole results folder."""
    with np.load(folder / ARRAYS_FILE, allow_pickle=False) as arrays:
        return dict(arrays)


def _load_shared(data: Path, judge_folder: Path) -> tuple[PreparedData, Bench]:
    """Data and judge: once a worker, not once a run, unless a file changes."""
    files = (data, *(judge_folder / name for name in (JUDGE_WEIGHTS, JUDGE_CARD)))
    times = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in files)
    return _load_once(data, judge_folder, times)


@lru_cache(maxsize=1)
def _load_once(
    data: Path, judge_folder: Path, changed: tuple[int, ...]
) -> tuple[PreparedData, Bench]:
    prepared = load_prepared(data, splits=SPLITS)
    return prepared, load_bench(judge_folder, prepared.hash, prepared.splits["test"])
