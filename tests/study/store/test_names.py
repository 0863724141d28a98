"""A search's name is checked wherever one is given, and wherever one is read."""

from pathlib import Path

import optuna
import pytest

from pipeline.errors import UserError
from study.search.plan import PLAN
from study.store.names import require_name
from tests.study.conftest import URL, study

BAD = [
    "../../../PWNED",
    "/tmp/x",
    ".hidden",
    "-rf",
    "a b",
    "a/b",
    "a\\b",
    "é",
    "a\n",
    "",
    "a" * 101,
]


@pytest.mark.parametrize("name", ["a", "mnist-5k-elbo-1a2b3c4d", "A.b_c-9", "_x", "a" * 100])
def test_letters_digits_and_three_signs_make_a_name(name: str) -> None:
    require_name(name)


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UserError, match="is not a search name: use 1 to 100 letters") as caught:
        require_name(name)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--name"],
        ["worker", "--name"],
        ["status", "--name"],
        ["best", "--name"],
        ["show", "0", "--name"],
        ["importance", "--name"],
        ["rerun", "0", "--name"],
        ["export", "--name"],
        ["run", "--from"],
        ["delete", "--yes", "--"],
    ],
)
def test_every_command_refuses_it_and_writes_nothing(searchable: Path, command: list[str]) -> None:
    before = sorted(searchable.rglob("*"))
    result = study(*command, "../x")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: '../x' is not a search name")
    assert result.stderr.count("\n") == 1
    assert sorted(searchable.rglob("*")) == before


def test_a_name_in_the_store_is_checked_too(searched: Path) -> None:
    search = optuna.create_study(study_name="../x", storage=URL)
    search.set_user_attr(PLAN, "{}")
    search.add_trial(optuna.create_trial(value=0.0))
    Path("params.yaml").unlink()  # its search would be meant
    listed = study("list")
    assert "'../x' is not a search name" in listed.stderr
    assert "mnist-5k-elbo-" in listed.stdout
    for command in (["status"], ["rerun", "0"], ["export"]):  # of the most recent search
        refused = study(*command)
        assert refused.exit_code == 2
        assert "'../x' is not a search name" in refused.stderr
    assert not (searched.parent / "x").exists()
