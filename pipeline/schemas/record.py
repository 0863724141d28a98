"""Records that are stored as JSON: their base class, and how they are read and written."""

from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import UserError
from pipeline.files import read_at_most, write_text
from pipeline.settings.explain import first_error


class RecordError(UserError):
    """A file from another stage that cannot be used."""


class Part(BaseModel):
    """Base of records and their parts: frozen, without unknown keys, without type conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Record(Part):
    """The content of one JSON file.

    Attributes:
        what: what the file describes, for messages.
        remedy: what to do if the file cannot be used, for messages.
        error: the class of the error that reading raises.
        most_bytes: largest size of the file.
    """

    what: ClassVar[str]
    remedy: ClassVar[str]
    error: ClassVar[type[UserError]] = RecordError
    most_bytes: ClassVar[int] = 1_000_000

    @classmethod
    def unusable(cls, path: Path, reason: str) -> UserError:
        """Return the error for a file that cannot be used, with its remedy."""
        line = " ".join(reason.split())  # messages of libraries can have several lines
        return cls.error(f"{path}: {line[:300]}; {cls.remedy}")


R = TypeVar("R", bound=Record)


def read_record(record: type[R], path: Path) -> R:
    """Read a JSON file into its record.

    Raises:
        UserError: of the record's own class, if the file is missing or invalid.
    """
    try:
        return record.model_validate_json(read_at_most(path, record.most_bytes))
    except OSError as error:
        raise record.unusable(path, f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        if error.error_count() == 1 and error.errors()[0]["type"] == "json_invalid":
            raise record.unusable(path, "is not valid JSON") from None
        reason = f"does not describe {record.what}: {first_error(error)}"
        raise record.unusable(path, reason) from None


def write_record(path: Path, record: Record) -> None:
    """Write a record as JSON, atomically.

    Raises:
        UserError: if the folder cannot be written to or the disk is full.
    """
    write_text(path, record.model_dump_json(indent=2) + "\n")
