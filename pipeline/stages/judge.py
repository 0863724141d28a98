"""Stage ``judge``: train the classifier that judges what models draw."""

from pathlib import Path

import click
import torch

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import PreparedData, load_prepared
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
from pipeline.runtime.code_version import git_commit, versions
from pipeline.runtime.tracking import MlflowRecord, Tracker
from pipeline.schemas.judge_card import JUDGE_CARD, JUDGE_WEIGHTS, JudgeCard
from pipeline.schemas.run_card import ImageSize, file_sha256
from pipeline.schemas.where import GRID_EXPERIMENT
from pipeline.settings import JudgeSettings, load_settings


@click.command(epilog="Example: python -m pipeline.stages.judge --threads 4")
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option("--data", default="data/prepared.safetensors", show_default=True, type=Path)
@click.option("--judge", "target", default="judge", show_default=True, type=Path, help="Where to.")
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Of the arithmetic. Another number rounds differently.",
)
def main(params: str, data: Path, target: Path, threads: int) -> None:
    """Train the judge on the training split, calibrate it on the validation split.

    Writes JUDGE/model.safetensors and judge.json. The test split is read after training, to say
    how good the judge is and what real images score with it.
    """
    settings = load_settings(params).judge
    torch.set_num_threads(threads)
    prepared = load_prepared(data)
    commit = git_commit()
    tracker = Tracker.open(GRID_EXPERIMENT)
    asked = settings.model_dump() | {"threads": threads} | versions()
    with tracker.run("judge", asked, commit=commit) as record:
        record.log_dataset(prepared.name, prepared.hash, "training")
        card = make_judge(target, settings, prepared, threads, commit, record)
        record.log_metrics(
            {
                "test/accuracy": card.accuracy,
                "test/calibration_error": card.calibration_error,
                "valid/temperature": card.temperature,
            }
        )
        record.log_files(target, "judge")
    click.echo(
        f"test accuracy {card.accuracy:.2%}, expected calibration error "
        f"{card.calibration_error:.2%} ({card.uncalibrated_error:.2%} before the temperature "
        f"{card.temperature:.2f}), trained in {card.train_seconds:.0f} s"
    )


def make_judge(
    target: Path,
    settings: JudgeSettings,
    prepared: PreparedData,
    threads: int,
    commit: str = "",
    record: MlflowRecord | None = None,
) -> JudgeCard:
    """Train, calibrate and test a judge, and write its folder, whole or not at all.

    Args:
        target: the folder.
        settings: section ``judge``.
        prepared: with all three splits.
        threads: of the arithmetic, for the record.
        commit: of the code, for the record.
        record: where each epoch is told.
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
        (folder / JUDGE_CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return card


def _epoch_metrics(report: JudgeReport) -> dict[str, float]:
    """Under the names that trackers show; charts group by the prefix."""
    return {
        "train/loss": report.train_loss,
        "train/learning_rate": report.learning_rate,
        "valid/accuracy": report.valid_accuracy,
        "valid/loss": report.valid_loss,
    }


if __name__ == "__main__":
    main()
