"""``judge.json`` next to the judge's weights: describes the judge, its training and its scores.

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
FORMAT: Literal[1] = 1  # of judge.json; increase it when older files would be misread
PLAUSIBLE_QUANTILE = 0.05  # of the confidence in real images; below it, an image is not plausible


class JudgeError(RecordError):
    """A judge that cannot be read, or must not be used for these images."""


class RealScores(Part):
    """The scores of real images, as floor and ceiling for those of generated images.

    Training images take the place of generated images and are compared with test images, with as
    many images of both as for a model. Because the judge was trained on them, it is slightly more
    confident about them than about unseen images. In stratified splits, both have the same class
    proportions and are closer to each other than independent draws would be, so that the unbiased
    kernel distance is negative.

    Attributes:
        images: number of training images.
        test_images: number of test images.
        frechet_distance: between the two; a model cannot be expected to fall below it.
        kernel_distance: between the two.
        kernel_distance_error: its standard error.
        precision: of the training images with respect to the test images.
        recall: of the training images with respect to the test images.
        density: of the training images with respect to the test images.
        coverage: of the training images with respect to the test images.
        confidence: mean of the largest class probability over test images.
        class_entropy: entropy of the mean class distribution over test images, in nats.
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
        """Share of test images below ``plausible_confidence``, by its definition."""
        return PLAUSIBLE_QUANTILE


class JudgeCard(Record):
    """Everything that is recorded about a judge.

    Attributes:
        settings: the settings that the judge was trained with.
        data: name of the data set.
        data_hash: hash of the prepared file.
        fingerprint: hash of everything that decides the judge.
        image: size of the images.
        classes: name of each class.
        accuracy: share of test images that are classified correctly.
        valid_accuracy: share of validation images that are classified correctly.
        calibration_error: expected calibration error on test images, with 15 bins, after dividing
            the logits by the temperature.
        uncalibrated_error: the same with undivided logits.
        temperature: fitted on validation images; divides the logits.
        real: scores of real images.
        parameters: number of trainable parameters.
        train_seconds: duration of training, validation included.
        threads: number of threads for computation.
        versions: versions of the project and of the libraries that decide its numbers.
        commit: commit of the code; empty outside git.
        run_id: the tracker's ID of the run, or its reference to a run that had none yet, because
            its server was away; may be empty.
        sha256: hash of the weights file, which identifies the judge in protocols.
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
        JudgeError: if a file is missing, damaged or invalid.
    """
    card = read_record(JudgeCard, folder / JUDGE_CARD)
    path = folder / JUDGE_WEIGHTS
    try:
        found = file_sha256(path)
    except OSError as error:
        raise JudgeCard.unusable(path, f"cannot be read: {error.strerror}") from None
    if found != card.sha256:
        raise JudgeCard.unusable(path, f"is damaged: its hash does not match {JUDGE_CARD}")
    return card


def usable_judge_card(folder: Path, data_hash: str) -> JudgeCard:
    """Return the card of a complete judge that was trained on these data.

    Raises:
        JudgeError: if a file is missing or damaged, or the judge was trained on other data.
    """
    card = load_judge_card(folder)
    if card.data_hash != data_hash:
        raise JudgeCard.unusable(
            folder,
            f"was trained on other data (hash {card.data_hash[:12]}) than the prepared file's "
            f"({data_hash[:12]})",
        )
    return card
