"""Records are read as written, and what is wrong with one is reported in one line."""

from pathlib import Path
from typing import ClassVar

import pytest

from pipeline.errors import UserError
from pipeline.schemas.record import Part, Record, RecordError, read_record, write_record


class RecipeError(RecordError):
    """A recipe that cannot be used."""


class Step(Part):
    minutes: int


class Recipe(Record):
    what: ClassVar[str] = "a recipe"
    remedy: ClassVar[str] = "write it again with `cook`"
    error: ClassVar[type[UserError]] = RecipeError

    name: str
    steps: dict[str, Step]


RECIPE = Recipe(name="soup", steps={"boil": Step(minutes=3)})


def test_a_record_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "recipe.json"
    write_record(path, RECIPE)
    assert read_record(Recipe, path) == RECIPE
    assert path.read_text().startswith('{\n  "name": "soup"')
    assert path.read_text().endswith("}\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is not valid JSON"),
        (b'{"name": "so', "is not valid JSON"),
        (b"\xff\xfe", "is not valid JSON"),
        (b"{}", "does not describe a recipe: name: Field required"),
        (b"[]", "does not describe a recipe: the file: Input should be an object"),
        (
            b'{"name": "soup", "steps": {}, "more": 1}',
            "does not describe a recipe: more: Extra inputs are not permitted",
        ),
        (
            b'{"name": "soup", "steps": {"boil": {"minutes": "3"}}}',
            "does not describe a recipe: steps.boil.minutes: Input should be a valid integer",
        ),
    ],
    ids=["missing", "empty", "cut off", "binary", "no field", "list", "unknown field", "text"],
)
def test_a_fault_is_one_line_with_path_reason_and_remedy(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "recipe.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        read_record(Recipe, path)
    assert caught.value.message == f"{path}: {reason}; write it again with `cook`"
    assert caught.value.exit_code == 2


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_bytes(b" " * 1_000_001)
    with pytest.raises(RecipeError, match="cannot be read: it has more than 1,000,000 bytes; "):
        read_record(Recipe, path)


def test_long_reasons_are_cut_and_lines_joined() -> None:
    error = Recipe.unusable(Path("a.json"), "one\n  two " + 500 * "x")
    assert isinstance(error, RecipeError)
    assert error.message.startswith("a.json: one two xxx")
    assert len(error.message) < 400
