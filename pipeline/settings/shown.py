"""Values as params.yaml writes them, for messages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

LONGEST = 60  # characters of a value in a message


def show(value: object) -> str:
    """Return a value as one writes it: ``null``, ``linear``, ``[400, 200]``, ``2``."""
    return _write(value, str, lambda number: f"{number:g}")


def show_exactly(value: object) -> str:
    """Return a value, cut to a line, so that its type can be seen: ``'2'``, ``2.0``."""
    shown = _write(value, repr, repr)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."


def _write(value: Any, text: Callable[[str], str], number: Callable[[float], str]) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return text(value)
        case float():
            return number(value)
        case Mapping():
            pairs = (f"{key}: {_write(one, text, number)}" for key, one in value.items())
            return f"{{{', '.join(pairs)}}}"
        case Sequence():
            return f"[{', '.join(_write(one, text, number) for one in value)}]"
        case _:
            return str(value)
