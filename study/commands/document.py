"""What is known, as the one JSON document that a command prints."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime

import click


def print_json(content: object) -> None:
    """Print dataclasses, mappings and sequences of them as JSON.

    Keys keep their order. Times are in ISO 8601. JSON has no NaN or infinity, so they are null.
    """
    click.echo(json.dumps(_plain(content), indent=2, allow_nan=False))


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
