"""``config.json`` of a model folder: what the run was, and whether its files are whole.

Free of torch.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pipeline.errors import UserError
from pipeline.schemas.fingerprint import file_sha256
from pipeline.schemas.protocol import Protocol
from pipeline.schemas.record import Part, Record, RecordError, read_record
from pipeline.settings import RunSettings

WEIGHTS, CONFIG, HISTORY = "model.safetensors", "config.json", "history.csv"
FORMAT: Literal[1] = 1  # of config.json; raise it when it changes, and older runs train again

Side = Annotated[int, Field(gt=0)]


class ModelError(RecordError):
    """A model that cannot be built or read."""


class ImageSize(Part):
    """Height and width of the images, in pixels."""

    height: Side
    width: Side


class RunCard(Record):
    """All that is recorded of a finished run.

    Attributes:
        settings: of the run.
        image: size of the images.
        protocol: of the numbers in the history, those of the validation split.
        data_hash: of the prepared file.
        fingerprint: hash of everything that decides the result.
        parameters: number of trained numbers.
        epochs: trained.
        chosen_epoch: whose weights these are.
        stopped_early: whether ``patience`` ended the training.
        train_seconds: validation included.
        device: that trained, ``cpu`` or ``cuda``.
        threads: of its arithmetic.
        versions: of the project and the libraries that decide its numbers.
        commit: of the code; empty outside git.
        run_id: the tracker's name of the run; may be empty.
        sha256: of the other files in the folder.
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
        ModelError: if it is missing or not what it must be.
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
            raise RunCard.unusable(path, f"is damaged: its hash is not the one in {CONFIG}")
    return card
