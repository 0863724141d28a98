"""Make the judge, from the prepared file to its folder."""

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pipeline.data
import pipeline.judge
import pipeline.numerics
from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import PreparedData
from pipeline.files import replacing_folder
from pipeline.judge.classifier import build_judge, initialise_judge, save_judge_weights
from pipeline.judge.reference import real_scores
from pipeline.judge.training import (
    JudgeReport,
    accuracy,
    calibration_error,
    fit_temperature,
    predict,
    train_judge,
)
from pipeline.numerics.hardware import seeded_generator
from pipeline.runtime.code_version import versions
from pipeline.schemas.fingerprint import file_sha256, fingerprint_of, source_hash
from pipeline.schemas.judge_card import (
    FORMAT,
    JUDGE_CARD,
    JUDGE_WEIGHTS,
    PLAUSIBLE_QUANTILE,
    JudgeCard,
    JudgeError,
    load_judge_card,
)
from pipeline.schemas.record import write_record
from pipeline.schemas.run_card import ImageSize
from pipeline.settings import JudgeSettings

if TYPE_CHECKING:  # importing it takes seconds, which are wasted if the judge is up to date
    from pipeline.runtime.tracking import MlflowRecord

# The packages whose code decides a judge.
DECIDED_BY = (pipeline.data, pipeline.numerics, pipeline.judge)
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


def make_judge(
    target: Path,
    settings: JudgeSettings,
    prepared: PreparedData,
    threads: int,
    commit: str = "",
    record: "MlflowRecord | None" = None,
) -> JudgeCard:
    """Train, calibrate and test a judge, and write its folder atomically.

    Args:
        target: the folder to write.
        settings: section ``judge``.
        prepared: with all three splits.
        threads: number of threads for computation, for the card.
        commit: commit of the code, for the card.
        record: tracks each epoch; None to track nothing.
    """
    train, valid, test = (prepared.splits[name] for name in ("train", "valid", "test"))
    judge = build_judge(settings, prepared.image_shape, len(prepared.classes))
    initialise_judge(judge, seeded_generator(settings.seed, "initialisation"))
    for report in train_judge(judge, settings, train, valid):
        if record is not None:
            record.log_metrics(_epoch_metrics(report), report.epoch)
    valid_logits = predict(judge, model_inputs(valid, "none"))
    judge.temperature.fill_(fit_temperature(valid_logits, valid.labels))

    logits = predict(judge, model_inputs(test, "none"))
    height, width = prepared.image_shape
    with replacing_folder(target) as folder:
        save_judge_weights(folder, judge)
        card = JudgeCard(
            settings=settings,
            data=prepared.name,
            data_hash=prepared.hash,
            fingerprint=judge_fingerprint(settings, prepared.hash, threads),
            image=ImageSize(height=height, width=width),
            classes=prepared.classes,
            accuracy=accuracy(logits, test.labels),
            valid_accuracy=accuracy(valid_logits, valid.labels),
            calibration_error=calibration_error(
                (logits / judge.temperature).softmax(1), test.labels
            ),
            uncalibrated_error=calibration_error(logits.softmax(1), test.labels),
            temperature=judge.temperature.item(),
            real=real_scores(judge, train, test, settings),
            parameters=judge.parameter_count,
            train_seconds=round(report.seconds, 3),
            threads=threads,
            versions=versions(),
            commit=commit,
            run_id="" if record is None else record.run_id,
            sha256=file_sha256(folder / JUDGE_WEIGHTS),
        )
        write_record(folder / JUDGE_CARD, card)
    return card


def _epoch_metrics(report: JudgeReport) -> dict[str, float]:
    """Return an epoch's metrics by their names in trackers, which group them by prefix."""
    return {
        "train/loss": report.train_loss,
        "train/learning_rate": report.learning_rate,
        "valid/accuracy": report.valid_accuracy,
        "valid/loss": report.valid_loss,
    }
