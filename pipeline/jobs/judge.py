"""Make the judge, from the prepared file to its folder."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.data.prepared import PreparedData
from pipeline.errors import UserError
from pipeline.files import replacing_folder
from pipeline.jobs.judge_fingerprint import judge_fingerprint
from pipeline.judge.classifier import save_judge_weights
from pipeline.judge.make import train_and_test
from pipeline.judge.training import JudgeReport
from pipeline.runtime.code_version import versions
from pipeline.schemas.fingerprint import file_sha256
from pipeline.schemas.judge_card import (
    JUDGE_CARD,
    JUDGE_WEIGHTS,
    JudgeCard,
)
from pipeline.schemas.record import write_record
from pipeline.schemas.run_card import ImageSize
from pipeline.settings import JudgeSettings

if TYPE_CHECKING:  # importing it takes seconds, which are wasted if the judge is up to date
    from pipeline.runtime.tracking import MlflowRecord


def make_judge(
    target: Path,
    settings: JudgeSettings,
    prepared: PreparedData,
    threads: int,
    commit: str,
    record: "MlflowRecord | None" = None,
) -> JudgeCard:
    """Train and test a judge, record it, and write its folder atomically.

    The folder appears only after everything is recorded: a judge that was killed on the way is
    trained again.

    Args:
        target: the folder to write.
        settings: section ``judge``.
        prepared: with all three splits.
        threads: number of threads for computation, for the card.
        commit: commit of the code, for the card.
        record: tracks the judge; None to track nothing.
    """

    def tell(report: JudgeReport) -> None:
        if record is not None:
            record.log_metrics(_epoch_metrics(report), report.epoch)

    tested = train_and_test(settings, prepared, tell)
    height, width = prepared.image_shape
    with replacing_folder(target) as folder:
        save_judge_weights(folder, tested.judge)
        card = JudgeCard(
            settings=settings,
            data=prepared.name,
            data_hash=prepared.hash,
            fingerprint=judge_fingerprint(settings, prepared.hash, threads),
            image=ImageSize(height=height, width=width),
            classes=prepared.classes,
            accuracy=tested.accuracy,
            valid_accuracy=tested.valid_accuracy,
            calibration_error=tested.calibration_error,
            uncalibrated_error=tested.uncalibrated_error,
            temperature=tested.judge.temperature.item(),
            real=tested.real,
            parameters=tested.judge.parameter_count,
            train_seconds=round(tested.seconds, 3),
            threads=threads,
            versions=versions(),
            commit=commit,
            run_id="" if record is None else record.reference,
            sha256=file_sha256(folder / JUDGE_WEIGHTS),
        )
        write_record(folder / JUDGE_CARD, card)
        if record is not None:
            _record(record, card, folder)
    return card


def _record(record: "MlflowRecord", card: JudgeCard, folder: Path) -> None:
    record.log_metrics(
        {
            "test/accuracy": card.accuracy,
            "test/calibration_error": card.calibration_error,
            "valid/temperature": card.temperature,
        }
    )
    try:
        record.log_files(folder, "judge")
    except UserError as error:  # a full disk there costs the record, not the judge
        click.echo(f"warning: {error.message}", err=True)


def _epoch_metrics(report: JudgeReport) -> dict[str, float]:
    """Return an epoch's metrics by their names in trackers, which group them by prefix."""
    return {
        "train/loss": report.train_loss,
        "train/learning_rate": report.learning_rate,
        "valid/accuracy": report.valid_accuracy,
        "valid/loss": report.valid_loss,
    }
