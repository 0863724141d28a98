"""``config.json`` of a model folder: what the run was, and whether its files are whole.

Free of torch.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import UserError
from pipeline.schemas.protocol import Protocol
from pipeline.settings import RunSettings
from pipeline.settings.explain import first_error

WEIGHTS, CONFIG, HISTORY = "model.safetensors", "config.json", "history.csv"
FORMAT: Literal[1] = 1  # of config.json; raise it when it changes, and older runs train again

Side = Annotated[int, Field(gt=0)]


class ModelError(UserError):
    """A model that cannot be built or read."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ImageSize(_Part):
    """Height and width of the images, in pixels."""

    height: Side
    width: Side


class RunCard(_Part):
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


def save_card(folder: Path, card: RunCard) -> None:
    """Write ``config.json`` into an existing folder, last of all files."""
    (folder / CONFIG).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_card(folder: Path) -> RunCard:
    """Read ``config.json``.

    Raises:
        ModelError: if it is missing or not what it must be.
    """
    path = folder / CONFIG
    try:
        return RunCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise unusable(path, f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise unusable(path, f"does not describe a run: {first_error(error)}") from None


def load_whole_card(folder: Path) -> RunCard:
    """Read ``config.json`` and check the files beside it against their hashes.

    Raises:
        ModelError: if a file is missing or damaged.
    """
    card = load_card(folder)
    for name in (WEIGHTS, HISTORY):
        path = folder / name
        try:
            found = file_sha256(path)
        except OSError as error:
            raise unusable(path, f"cannot be read: {error.strerror}") from None
        if found != card.sha256.get(name):
            raise unusable(path, "is damaged: its hash is not the one in config.json")
    return card


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unusable(path: Path, what: str) -> ModelError:
    """The error for a file of a model folder, with its remedy."""
    reason = " ".join(what.split())  # messages of libraries come in several lines
    return ModelError(f"{path}: {reason[:300]}; train it again with `dvc repro train`")
