"""``config.json`` in a model folder: describes the run and verifies its files.

Free of torch.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pipeline.errors import UserError
from pipeline.schemas.fingerprint import file_sha256
from pipeline.schemas.protocol import Protocol
from pipeline.schemas.record import Part, Record, RecordError, read_record
from pipeline.settings import RunSettings, run_names

WEIGHTS, CONFIG, HISTORY = "model.safetensors", "config.json", "history.csv"
RUN_FILES = (WEIGHTS, CONFIG, HISTORY)
FORMAT: Literal[1] = 1  # of config.json; increasing it trains all runs again

Side = Annotated[int, Field(gt=0, le=4096)]


class ModelError(RecordError):
    """A model that cannot be built or read."""


class ImageSize(Part):
    """Height and width of the images, in pixels."""

    height: Side
    width: Side


class RunCard(Record):
    """Everything that is recorded about a finished run.

    Attributes:
        settings: the run's settings.
        image: size of the images.
        protocol: protocol of the numbers in the history, which are for the validation split.
        data_hash: hash of the prepared file.
        fingerprint: hash of everything that decides the result.
        parameters: number of trainable parameters.
        epochs: number of epochs that were trained.
        chosen_epoch: the epoch whose weights were kept.
        stopped_early: whether ``patience`` stopped the training.
        train_seconds: duration of training, validation included.
        device: the device it was trained on, ``cpu`` or ``cuda``.
        threads: number of threads for computation.
        versions: versions of the project and of the libraries that decide its numbers.
        commit: commit of the code; empty outside git.
        run_id: the tracker's ID of the run, or its reference to a run that had none yet, because
            its server was away; may be empty.
        sha256: hash of each other file in the folder.
    """

    what: ClassVar[str] = "a run"
    remedy: ClassVar[str] = "train it again with `dvc repro train`"
    error: ClassVar[type[UserError]] = ModelError

    format: Literal[1] = FORMAT
    settings: RunSettings
    image: ImageSize
    protocol: Protocol
    data_hash: str
    fingerprint: str
    parameters: int
    epochs: int
    chosen_epoch: int
    stopped_early: bool
    train_seconds: float
    device: str
    threads: int
    versions: dict[str, str]
    commit: str
    run_id: str
    sha256: dict[str, str]


def load_card(folder: Path) -> RunCard:
    """Read ``config.json``.

    Raises:
        ModelError: if it is missing or invalid.
    """
    return read_record(RunCard, folder / CONFIG)


def load_whole_card(folder: Path) -> RunCard:
    """Read ``config.json`` and check the files next to it against their hashes.

    Raises:
        ModelError: if a file is missing or damaged.
    """
    card = load_card(folder)
    for name in (WEIGHTS, HISTORY):
        path = folder / name
        try:
            found = file_sha256(path)
        except OSError as error:
            raise RunCard.unusable(path, f"cannot be read: {error.strerror}") from None
        if found != card.sha256.get(name):
            raise RunCard.unusable(path, f"is damaged: its hash does not match {CONFIG}")
    return card


def finished_fingerprint(folder: Path) -> str | None:
    """Return the fingerprint of the run in a folder; None unless it is complete and intact."""
    try:
        return load_whole_card(folder).fingerprint
    except ModelError:
        return None


def is_own_run(folder: Path, name: str) -> bool:
    """Return whether a folder is a complete run as this pipeline names it, and nothing else.

    Args:
        folder: the folder.
        name: its path within the folder of all models.
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    try:
        card = load_whole_card(folder)
    except ModelError:
        return False
    content = {path.name for path in folder.iterdir()}
    return content == set(RUN_FILES) and name in run_names(card.settings)
