"""``judge.json`` beside the judge's weights: what the judge is, how good, and on what it learned.

Free of torch.
"""

from pathlib import Path
from typing import ClassVar, Literal

from pipeline.errors import UserError
from pipeline.schemas.fingerprint import file_sha256
from pipeline.schemas.record import Part, Record, RecordError, read_record
from pipeline.schemas.run_card import ImageSize
from pipeline.settings import JudgeSettings

JUDGE_WEIGHTS, JUDGE_CARD = "model.safetensors", "judge.json"
FORMAT: Literal[1] = 1  # of judge.json; raise it when an older file would be misread
PLAUSIBLE_QUANTILE = 0.05  # of the confidence in real images: what falls below is not plausible


class JudgeError(RecordError):
    """A judge that cannot be read, or that must not judge these images."""


class RealScores(Part):
    """What real images come to where drawn ones are judged: the floor and the ceiling.

    Training images stand in for drawn ones and are compared with test images, both in the numbers
    that a model is judged by. The judge learned from them, so they look a little surer to it than
    unseen images do. Where the splits are stratified, both have each class in the same share, and
    lie nearer to each other than independent draws: the unbiased kernel distance is then negative.

    Attributes:
        images: training images compared.
        test_images: test images compared with.
        frechet_distance: between both; a model cannot be expected below it.
        kernel_distance: likewise.
        kernel_distance_error: its standard error.
        precision: of training images among test images.
        recall: likewise.
        density: likewise.
        coverage: likewise.
        confidence: mean largest class probability of test images.
        class_entropy: of the mean class distribution of test images, in nats.
        plausible_confidence: 5th percentile of the confidence in test images.
    """

    images: int
    test_images: int
    frechet_distance: float
    kernel_distance: float
    kernel_distance_error: float
    precision: float
    recall: float
    density: float
    coverage: float
    confidence: float
    class_entropy: float
    plausible_confidence: float

    @property
    def low_confidence(self) -> float:
        """Share of test images below ``plausible_confidence``, which is defined by it."""
        return PLAUSIBLE_QUANTILE


class JudgeCard(Record):
    """All that is recorded of a judge.

    Attributes:
        settings: that it was trained with.
        data: name of the data set.
        data_hash: of the prepared file.
        fingerprint: hash of everything that decides the judge.
        image: size of the images.
        classes: their names.
        accuracy: share of test images whose class it names.
        valid_accuracy: of validation images.
        calibration_error: expected calibration error on test images, 15 bins, after scaling.
        uncalibrated_error: the same before scaling.
        temperature: chosen on validation images; divides the logits.
        real: what real images score.
        parameters: number of trained numbers.
        train_seconds: validation included.
        threads: of its arithmetic.
        versions: of the project and the libraries that decide its numbers.
        commit: of the code; empty outside git.
        run_id: the tracker's name of the run; may be empty.
        sha256: of the weights' file: names the judge in the protocol of what it judged.
    """

    what: ClassVar[str] = "a judge"
    remedy: ClassVar[str] = "train the judge again with `dvc repro judge`"
    error: ClassVar[type[UserError]] = JudgeError

    format: Literal[1] = FORMAT
    settings: JudgeSettings
    data: str
    data_hash: str
    fingerprint: str
    image: ImageSize
    classes: tuple[str, ...]
    accuracy: float
    valid_accuracy: float
    calibration_error: float
    uncalibrated_error: float
    temperature: float
    real: RealScores
    parameters: int
    train_seconds: float
    threads: int
    versions: dict[str, str]
    commit: str
    run_id: str
    sha256: str


def load_judge_card(folder: Path) -> JudgeCard:
    """Read ``judge.json`` and check the weights next to it against their hash.

    Raises:
        JudgeError: if a file is missing, damaged or not what it must be.
    """
    card = read_record(JudgeCard, folder / JUDGE_CARD)
    path = folder / JUDGE_WEIGHTS
    try:
        found = file_sha256(path)
    except OSError as error:
        raise JudgeCard.unusable(path, f"cannot be read: {error.strerror}") from None
    if found != card.sha256:
        raise JudgeCard.unusable(path, f"is damaged: its hash is not the one in {JUDGE_CARD}")
    return card
