"""Explain in one line what pydantic found wrong with a file."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from pipeline.settings.shown import show_exactly

UNKNOWN_KEY = ("extra_forbidden", "invalid_key")
TYPE_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a string",
    "string_unicode": "text",
    "none_required": "null",
    "tuple": "a list",
    "dict": "values by name",
    "model": "a section with keys",
}


def explain_error(error: ValidationError, root: type[BaseModel]) -> str:
    """Explain the first mistake in one line, and count the others.

    Args:
        error: raised when validating against ``root``.
        root: the outermost section; its fields may be sections themselves.
    """
    # Unknown keys first: a misspelt key is also a missing one, and its name is the better clue.
    mistakes = sorted(
        error.errors(include_url=False),
        key=lambda mistake: mistake["type"] not in UNKNOWN_KEY,
    )
    # A union reports one error per branch, but for the reader one key is one mistake.
    keys = list(dict.fromkeys(_key(mistake, root) for mistake in mistakes))
    # The branch that got furthest is the one that was meant.
    above = {key[: end.start()] for key in keys for end in re.finditer(r"[.\[]", key)}
    keys = [key for key in keys if key not in above]
    first = [mistake for mistake in mistakes if _key(mistake, root) == keys[0]]
    others = f" (and {len(keys) - 1} more)" if len(keys) > 1 else ""
    return _explain_key(keys[0], first, root) + others


def first_error(error: ValidationError) -> str:
    """Return the first error as ``key: message``, for files that this project wrote itself."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    key = ".".join(map(str, first["loc"])) or "the file"
    return f"{key}: {first['msg'].removeprefix('Value error, ')}"


def _explain_key(key: str, mistakes: Sequence[Any], root: type[BaseModel]) -> str:
    kind, value = mistakes[0]["type"], mistakes[0]["input"]
    if kind == "missing":
        return f"{key} is missing; add it, as in the repository's params.yaml"
    if kind == "invalid_key":
        section, _, index = key.rpartition("[")
        return f"{section}.{index.removesuffix(']')} must be a string: write the key in quotes"
    if kind == "extra_forbidden":
        return f"{key} = {show_exactly(value)} is not a known key{_nearest(key, root)}"
    if kind == "value_error":
        return f"{key}: {mistakes[0]['ctx']['error']}"
    rules = list(dict.fromkeys(_rule(mistake) for mistake in mistakes))
    return f"{key} = {show_exactly(value)} {' or '.join(rules)}"


def rules_of(error: ValidationError) -> str:
    """Return the rules that a single value breaks: ``must be at least 1``."""
    return " or ".join(dict.fromkeys(_rule(one) for one in error.errors(include_url=False)))


def _rule(mistake: Any) -> str:
    context = mistake.get("ctx", {})
    match mistake["type"]:
        case "literal_error":
            names = context["expected"].replace("'", "")
            return f"must be {names}" + _nearest_value(mistake["input"], names)
        case "greater_than":
            return f"must be greater than {_limit(context['gt'])}"
        case "greater_than_equal":
            return f"must be at least {_limit(context['ge'])}"
        case "less_than":
            return f"must be less than {_limit(context['lt'])}"
        case "less_than_equal":
            return f"must be at most {_limit(context['le'])}"
        case "finite_number":
            return "must be finite"
        case "too_short":
            return "must hold at least one value"
        case "too_long":
            return f"must hold at most {context['max_length']:,} values"
        case "union_tag_invalid" | "union_tag_not_found":
            return "must have a kind: int, float or categorical"
        case kind:
            name = kind.removesuffix("_type").removesuffix("_parsing")
            return f"must be {TYPE_NAMES.get(name, name)}"


def _limit(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def _key(mistake: Any, root: type[BaseModel]) -> str:
    """Return ``train.grid.seeds[1]``, without the names that pydantic adds for union branches."""
    key, fields = "", dict(root.model_fields)
    location = mistake["loc"]
    for part in location:
        if isinstance(part, int):
            key += f"[{part}]"
            continue
        unknown = mistake["type"] == "extra_forbidden" and part == location[-1]
        if key and part not in fields and not unknown:
            continue
        key += f".{part}" if key else part
        fields = _fields_below(fields[part].annotation) if part in fields else {}
    return key


def _fields_below(annotation: Any) -> dict[str, FieldInfo]:
    """Return the fields of all sections within an annotation, such as a list of sections."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return dict(annotation.model_fields)
    below: dict[str, FieldInfo] = {}
    for inner in get_args(annotation):
        below |= _fields_below(inner)
    return below


def _nearest(key: str, root: type[BaseModel]) -> str:
    """Suggest the most similar known key of any section, or list those of this section."""
    known = dict(_all_keys(root.model_fields))
    section, _, wrong = key.rpartition(".")
    section = section.partition("[")[0]
    here = [key for key in known if key.rpartition(".")[0] == section]
    names = {key.rpartition(".")[2]: key for key in (*known, *here)}
    close = difflib.get_close_matches(wrong, [key.rpartition(".")[2] for key in here], 1, 0.5)
    close = close or difflib.get_close_matches(wrong, names, 1, 0.6)
    if close:
        return f"; did you mean {names[close[0]]}?"
    return f"; known keys: {', '.join(key.rpartition('.')[2] for key in here)}"


def _all_keys(fields: Mapping[str, FieldInfo], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in fields.items():
        yield prefix + name, field
        yield from _all_keys(_fields_below(field.annotation), f"{prefix}{name}.")


def _nearest_value(value: object, names: str) -> str:
    if not isinstance(value, str):
        return ""
    close = difflib.get_close_matches(value, names.replace(" or ", ", ").split(", "), 1, 0.6)
    return f" (did you mean {close[0]}?)" if close else ""
