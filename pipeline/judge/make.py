"""A judge from the data: trained, calibrated and tested."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import PreparedData
from pipeline.judge.classifier import Judge, build_judge, initialise_judge
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
from pipeline.schemas.judge_card import RealScores
from pipeline.settings import JudgeSettings


@dataclass(frozen=True, slots=True, eq=False)
class TestedJudge:
    """A judge and how good it is.

    Attributes:
        judge: trained and calibrated.
        accuracy: share of test images that are classified correctly.
        valid_accuracy: the same for validation images.
        calibration_error: expected calibration error on test images.
        uncalibrated_error: the same without the temperature.
        real: the scores of real images.
        seconds: training time.
    """

    judge: Judge
    accuracy: float
    valid_accuracy: float
    calibration_error: float
    uncalibrated_error: float
    real: RealScores
    seconds: float


def train_and_test(
    settings: JudgeSettings, data: PreparedData, tell: Callable[[JudgeReport], None]
) -> TestedJudge:
    """Train a judge, calibrate it on the validation split, and test it on the test split.

    Args:
        settings: section ``judge``.
        data: with all three splits.
        tell: called with each epoch's report.
    """
    train, valid, test = (data.splits[name] for name in ("train", "valid", "test"))
    judge = build_judge(settings, data.image_shape, len(data.classes))
    initialise_judge(judge, seeded_generator(settings.seed, "initialisation"))
    for report in train_judge(judge, settings, train, valid):
        tell(report)
    valid_logits = predict(judge, model_inputs(valid, "none"))
    judge.temperature.fill_(fit_temperature(valid_logits, valid.labels))
    logits = predict(judge, model_inputs(test, "none"))
    return TestedJudge(
        judge=judge,
        accuracy=accuracy(logits, test.labels),
        valid_accuracy=accuracy(valid_logits, valid.labels),
        calibration_error=calibration_error((logits / judge.temperature).softmax(1), test.labels),
        uncalibrated_error=calibration_error(logits.softmax(1), test.labels),
        real=real_scores(judge, train, test, settings),
        seconds=report.seconds,
    )
