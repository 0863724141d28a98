"""``results/provenance.json``: on which machine and with which code each run was trained.

What tells where numbers came from, and decides nothing of how they compare: that is the protocol.
Free of torch.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import UserError
from pipeline.settings.explain import first_error

FORMAT: Literal[1] = 1  # raise it when an older file would be misread


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RunOrigin(_Part):
    """Of one run's training.

    Attributes:
        device: ``cpu`` or ``cuda``.
        threads: of its arithmetic.
        versions: of the project, Python and libraries, as ``config.json`` has them.
        weights: SHA-256 of the weights' file.
    """

    device: str
    threads: int
    versions: dict[str, str]
    weights: str


class Origins(_Part):
    """Of all runs.

    Attributes:
        runs: by name, such as ``linear-2/seed-0``.
        dates: the day of each commit, by its name in ``metrics.csv``; without those that were
            unknown to git.
    """

    format: Literal[1] = FORMAT
    runs: dict[str, RunOrigin]
    dates: dict[str, str]


def read_origins(path: Path) -> Origins | None:
    """The file's content; None if there is none.

    Raises:
        UserError: if it is not what it must be.
    """
    if not path.exists():
        return None
    try:
        return Origins.model_validate_json(path.read_bytes())
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except ValidationError as error:
        reason = f"does not say where runs came from: {first_error(error)}"
    raise UserError(f"{path}: {reason}; make it anew with `dvc repro collect`")
