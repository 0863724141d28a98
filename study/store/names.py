"""Names of searches, which are parts of paths: of locks, and of folders of models."""

import re

from pipeline.errors import UserError, cut

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_MOST_SHOWN = 100  # characters


def require_name(name: str) -> None:
    """Refuse a name that could lead out of a folder, or that a file system could not hold.

    Raises:
        UserError: if it is not the name of a search.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{cut(ascii(name), _MOST_SHOWN)} is not a search name: use 1 to 100 letters (A to Z), "
            "digits, and . _ - (the first not . or -); `study list` shows the names"
        )
