"""What pydantic found wrong with a file of settings, as one line for a person."""

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

UNKNOWN = ("extra_forbidden", "invalid_key")


def describe(error: ValidationError, root: type[BaseModel]) -> str:
    """The first fault as one line, with the number of others.

    Args:
        error: of validating against ``root``.
        root: the outermost section; its fields may be sections in turn.
    """
    # Unknown keys first: a misspelt key is also a missing one, and its name is the better clue.
    faults = sorted(
        error.errors(include_url=False),
        key=lambda fault: fault["type"] not in ("extra_forbidden", "invalid_key"),
    )
    # A union reports one fault a branch; the same key is one fault to a reader.
    keys = list(dict.fromkeys(_key(fault, root) for fault in faults))
    first = [fault for fault in faults if _key(fault, root) == keys[0]]
    others = f" (and {len(keys) - 1} more)" if len(keys) > 1 else ""
    return _describe_fault(keys[0], first, root) + others


def first_error(error: ValidationError) -> str:
    """What is wrong with a file that this project wrote: the place and the validator's word."""
    fault = error.errors(include_url=False)[0]
    key = ".".join(map(str, fault["loc"])) or "the file"
    return f"{key}: {fault['msg']}"


def _describe_fault(key: str, faults: Sequence[Any], root: type[BaseModel]) -> str:
    kind, value = faults[0]["type"], faults[0]["input"]
    if kind == "missing":
        return f"{key} is missing; add it, or see the params.yaml of the repository"
    if kind == "invalid_key":
        section, _, index = key.rpartition("[")
        return f"{section}.{index.removesuffix(']')} must be a text: write the key in quotes"
    if kind == "extra_forbidden":
        return f"{key} = {_show(value)} is not a known key{_nearest(key, root)}"
    if kind == "value_error":
        return f"{key}: {faults[0]['ctx']['error']}"
    rules = list(dict.fromkeys(_rule(fault) for fault in faults))
    return f"{key} = {_show(value)} {' or '.join(rules)}"


def _rule(fault: Any) -> str:
    context = fault.get("ctx", {})
    match fault["type"]:
        case "literal_error":
            names = context["expected"].replace("'", "")
            return f"must be {names}" + _nearest_value(fault["input"], names)
        case "greater_than":
            return f"must be greater than {context['gt']:g}"
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}"
        case "less_than":
            return f"must be less than {context['lt']:g}"
        case "less_than_equal":
            return f"must be at most {context['le']:g}"
        case "finite_number":
            return "must be finite"
        case "too_short":
            return "must hold at least one value"
        case "union_tag_invalid" | "union_tag_not_found":
            return "must have a kind: int, float or categorical"
        case kind:
            name = kind.removesuffix("_type").removesuffix("_parsing")
            article = {"int": "a whole number", "float": "a number", "bool": "true or false"}
            spoken = {"string": "a text", "tuple": "a list", "model": "a section with keys"}
            return f"must be {(article | spoken).get(name, name)}"


def _key(fault: Any, root: type[BaseModel]) -> str:
    """``train.grid.seeds[1]``; the names that pydantic adds for a union's branches are dropped."""
    key, fields = "", dict(root.model_fields)
    location = fault["loc"]
    for part in location:
        if isinstance(part, int):
            key += f"[{part}]"
            continue
        unknown = fault["type"] == "extra_forbidden" and part == location[-1]
        if key and part not in fields and not unknown:
            continue
        key += f".{part}" if key else part
        fields = _fields_below(fields[part].annotation) if part in fields else {}
    return key


def _fields_below(annotation: Any) -> dict[str, FieldInfo]:
    """The fields of all sections that stand in an annotation, such as a list of sections."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return dict(annotation.model_fields)
    below: dict[str, FieldInfo] = {}
    for inner in get_args(annotation):
        below |= _fields_below(inner)
    return below


def _nearest(key: str, root: type[BaseModel]) -> str:
    """The known key that a wrong one most resembles, in any section."""
    known = dict(_all_keys(root.model_fields))
    section, _, wrong = key.rpartition(".")
    section = section.partition("[")[0]
    here = [key for key in known if key.rpartition(".")[0] == section]
    names = {key.rpartition(".")[2]: key for key in (*known, *here)}
    close = difflib.get_close_matches(wrong, [key.rpartition(".")[2] for key in here], 1, 0.5)
    close = close or difflib.get_close_matches(wrong, names, 1, 0.6)
    if close:
        return f"; did you mean {names[close[0]]}?"
    return f"; known there: {', '.join(key.rpartition('.')[2] for key in here)}"


def _all_keys(fields: Mapping[str, FieldInfo], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in fields.items():
        yield prefix + name, field
        yield from _all_keys(_fields_below(field.annotation), f"{prefix}{name}.")


def _nearest_value(value: object, names: str) -> str:
    if not isinstance(value, str):
        return ""
    close = difflib.get_close_matches(value, names.replace(" or ", ", ").split(", "), 1, 0.6)
    return f" (did you mean {close[0]}?)" if close else ""


def _show(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
