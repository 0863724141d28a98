"""What is kept as JSON: the base of all records, and the one way to read and write them."""

from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import UserError
from pipeline.files import write_text
from pipeline.settings.explain import first_error


class RecordError(UserError):
    """A file that another stage wrote and that cannot be used."""


class Part(BaseModel):
    """Base of records and of what is nested in them: frozen, every key known, no conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Record(Part):
    """The content of one JSON file.

    Attributes:
        what: that the file describes, for messages.
        remedy: what to do about a file that cannot be used.
        error: the class of error that reading raises.
    """

    what: ClassVar[str]
    remedy: ClassVar[str]
    error: ClassVar[type[UserError]] = RecordError

    @classmethod
    def unusable(cls, path: Path, reason: str) -> UserError:
        """The error for a file of this kind, with its remedy."""
        line = " ".join(reason.split())  # messages of libraries come in several lines
        return cls.error(f"{path}: {line[:300]}; {cls.remedy}")


R = TypeVar("R", bound=Record)


def read_record(record: type[R], path: Path) -> R:
    """Read a JSON file into its record.

    Raises:
        UserError: of the record's own class, if the file is missing or not what it must be.
    """
    try:
        return record.model_validate_json(path.read_bytes())
    except OSError as error:
        raise record.unusable(path, f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] == "json_invalid":
            raise record.unusable(path, "is not valid JSON") from None
        reason = f"does not describe {record.what}: {first_error(error)}"
        raise record.unusable(path, reason) from None


def write_record(path: Path, record: Record) -> None:
    """Write a record as JSON, whole or not at all.

    Raises:
        UserError: if the folder cannot be written to or the disk is full.
    """
    write_text(path, record.model_dump_json(indent=2) + "\n")
