"""One input: a command, and what it finds."""

from dataclasses import dataclass, field

# Part of each password. It may be shown and written nowhere.
SECRET = "s3cr3t"  # noqa: S105


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        kind: what is wrong, or may be; inputs are counted by it.
        command: the words after `study`; the words of the stage `prepare` if that is the first.
        files: what is put into a small project before, by path; a file of the project is replaced.
        environment: further variables.
        valid: whether the input must be accepted, or must be refused; None if either is right.
    """

    kind: str
    command: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    valid: bool | None = None
