"""What YAML is accepted: it means the same to DVC. Anything else is refused in one line."""

import math
from typing import Any

import pytest
from dvc.utils.serialize import parse_yaml as parse_as_dvc

from pipeline.settings.plain_yaml import PlainYamlError, parse_yaml

ACCEPTED: list[tuple[str, Any]] = [
    ("a: 1\n", {"a": 1}),
    ("\ufeffa: 1\r\nb: [2, 3.5]\r\n", {"a": 1, "b": [2, 3.5]}),
    ("[yes, on, true, True, ~, ]", ["yes", "on", True, True, None]),
    ("a: [0x1f, 0o17, 017, 1_000, -0, 1:30, 1e-3]", {"a": [31, 15, 17, 1000, 0, "1:30", 0.001]}),
    ("a: [1e999, -.inf]", {"a": [math.inf, -math.inf]}),
    ("yes: 1\non: 2\n", {"yes": 1, "on": 2}),
    ("a: &x [1, 2]\nb: *x\n", {"a": [1, 2], "b": [1, 2]}),
    ("a: >-\n  one\n  line\n", {"a": "one line"}),
    ("---\na: 1\n...\n", {"a": 1}),
    ("{a: 1, b: {c: 'd'}}", {"a": 1, "b": {"c": "d"}}),
    ("a: '2001-01-01'", {"a": "2001-01-01"}),
    ("a: Größe", {"a": "Größe"}),
]


@pytest.mark.parametrize(("text", "content"), ACCEPTED)
def test_accepted_text_means_the_same_to_dvc(text: str, content: Any) -> None:
    assert parse_yaml(text) == content
    assert parse_as_dvc(text, "params.yaml") == content


REFUSED = [
    # tags
    ('a: !!int "abc"', "line 1: must not have tags such as !!int"),
    ("a: !!binary abc", "must not have tags such as !!binary"),
    ("a: 1\nb: !!set {c, d}", "line 2: must not have tags such as !!set"),
    ("a: !mine 1", "must not have tags such as !mine"),
    ("%YAML 1.1\n---\na: yes", "must not have directives"),
    # what is neither text, number, list nor section
    ("a: 2001-01-01", "line 1: 2001-01-01 is neither text nor a number: write it in quotes"),
    ("a: =", "= is neither text nor a number"),
    ("<<: {a: 1}", "<< is not text, as keys must be"),
    # keys
    ("1: 2", "line 1: 1 is not text, as keys must be: write it in quotes"),
    ("a:\n  null: 2", "line 2: null is not text, as keys must be"),
    ("? [a]\n: 1", "line 1: keys must be text"),
    ("a: 1\na: 2", 'is not valid YAML: found duplicate key "a" in line 2'),
    (f"{'k' * 101}: 1", "kkk... must have at most 100 characters"),
    # characters
    ('a: "\\uD800"', "line 1: '\\ud800' must not have control characters"),
    ('a: "\\0"', "'\\x00' must not have control characters"),
    ('"a\\nb": 1', "line 1: 'a\\nb' must not have control characters"),
    ("a: \x1b[31m", "is not valid YAML: unacceptable character"),
    ('a: "\\UFFFFFFFF"', "a number or character is out of range"),
    # limits
    (f"a: {'9' * 5000}", "line 1: 9999999999... must have at most 30 digits"),
    ("a: 0x_", "a number or character is out of range"),
    (f"a: {'[' * 500}{']' * 500}", "must not be nested more than 20 levels deep"),
    ("- " * 500, "must not be nested more than 20 levels deep"),
    (f"a: [{'1,' * 10_000}]", "must have at most 10,000 values"),
    ("#" * 200_001, "must have at most 200,000 characters"),
    # aliases
    ("a: *b", "is not valid YAML: found undefined alias 'b' in line 1"),
    ("a: &a [*a]", "line 1: *a must not contain itself"),
    ("a: &a [1]\nb: &a [*a]", "line 2: *a must not contain itself"),
    (
        "\n".join(["a0: &a0 1", *(f"a{i}: &a{i} [{f'*a{i - 1},' * 10}]" for i in range(1, 9))]),
        "line 5: must have at most 10,000 values",
    ),
    # structure
    ("a: 1\n---\nb: 2", "is not valid YAML: but found another document in line 2"),
    ("a: [1, 2", "is not valid YAML: expected ',' or ']'"),
    ("\ta: 1", "is not valid YAML"),
]


@pytest.mark.parametrize(("text", "problem"), REFUSED, ids=[problem for _, problem in REFUSED])
def test_anything_else_is_refused(text: str, problem: str) -> None:
    with pytest.raises(PlainYamlError) as caught:
        parse_yaml(text)
    assert problem in str(caught.value)
