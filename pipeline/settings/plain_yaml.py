"""YAML that holds plain values, lists and keys only, within limits.

Whatever is accepted has the same meaning for DVC, which reads it with the same library.
"""

import unicodedata
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, Event, ScalarEvent
from ruamel.yaml.nodes import MappingNode, ScalarNode

# The parser takes 50 microseconds per value. The repository's settings are 7 kB with 250 values.
MOST_BYTES = 200_000
MOST_VALUES = 10_000  # where an alias counts as the values that it repeats
MOST_DEPTH = 20
MOST_DIGITS = 30
LONGEST_KEY = 100

PLAIN = ("null", "bool", "int", "float", "str")


class PlainYamlError(ValueError):
    """Text that is not plain YAML; the message says what is wrong, and in which line."""


def parse_yaml(text: str) -> Any:
    """Return the content of a YAML 1.2 text.

    Raises:
        PlainYamlError: if the text is not valid, not plain, or too large.
    """
    if len(text) > MOST_BYTES:
        raise PlainYamlError(f"must have at most {MOST_BYTES:,} characters")
    if any(line.startswith("%") for line in text.splitlines()):
        raise PlainYamlError("must not have directives, which are lines that start with %")
    reader = YAML(typ="safe", pure=True)
    reader.Composer = _PlainComposer
    try:
        return reader.load(text)
    except YAMLError as error:
        raise PlainYamlError(f"is not valid YAML: {_problem_of(error)}") from None
    except PlainYamlError:
        raise
    except (ValueError, OverflowError):  # of 0x_ and "\\UFFFFFFFF"
        raise PlainYamlError("is not valid YAML: a number or character is out of range") from None


class _PlainComposer(Composer):
    """Refuses what is not plain before it is built, and stops at the limits."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self._values = 0
        self._level = 0
        self._sizes: dict[str, int] = {}  # of what can be repeated, by anchor

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        if isinstance(event, AliasEvent):
            if event.anchor in self.anchors and event.anchor not in self._sizes:
                raise _refusal(event, f"*{event.anchor} must not contain itself")
            self._add(self._sizes.get(event.anchor, 0), event)
            return super().compose_node(parent, index)
        self._require_plain(event, is_key=isinstance(parent, MappingNode) and index is None)
        self._sizes.pop(event.anchor, None)
        before = self._values
        self._add(1, event)
        self._level += 1
        if self._level > MOST_DEPTH:
            raise _refusal(event, f"must not be nested more than {MOST_DEPTH} levels deep")
        node = super().compose_node(parent, index)
        self._level -= 1
        if event.anchor is not None:
            self._sizes[event.anchor] = self._values - before
        return node

    def _add(self, values: int, event: Event) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            raise _refusal(event, f"must have at most {MOST_VALUES:,} values")

    def _require_plain(self, event: Any, *, is_key: bool) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise _refusal(event, f"must not have tags such as {tag[:40]}")
        if not isinstance(event, ScalarEvent):
            if is_key:
                raise _refusal(event, "keys must be text")
            return
        value = event.value
        if any(unicodedata.category(one) in ("Cc", "Cs") for one in value):
            raise _refusal(event, f"{value[:40]!r} must not have control characters")
        if is_key and len(value) > LONGEST_KEY:
            raise _refusal(event, f"{value[:40]}... must have at most {LONGEST_KEY} characters")
        kind = str(self.resolver.resolve(ScalarNode, value, event.implicit)).rpartition(":")[2]
        if kind not in PLAIN or (is_key and kind != "str"):
            what = "is not text, as keys must be" if is_key else "is neither text nor a number"
            raise _refusal(event, f"{value[:40]} {what}: write it in quotes")
        if kind in ("int", "float") and len(value) > MOST_DIGITS:
            raise _refusal(event, f"{value[:10]}... must have at most {MOST_DIGITS} digits")


def _refusal(event: Event, rule: str) -> PlainYamlError:
    return PlainYamlError(f"line {event.start_mark.line + 1}: {rule}")


def _problem_of(error: YAMLError) -> str:
    """Return the parser's complaint."""
    problem = str(getattr(error, "problem", None) or str(error).splitlines()[0])
    problem = problem.partition(" with value")[0]  # of a key that appears twice
    mark = getattr(error, "problem_mark", None)
    return f"{problem} in line {mark.line + 1}" if mark else problem
