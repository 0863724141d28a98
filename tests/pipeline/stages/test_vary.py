"""`study vary` writes beside the baseline, never over it, and trains only what is new."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.schemas.run_card import load_card
from study.cli import main
from tests.imports import ROOT


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stages, which are processes in another folder, import this code."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def vary(*words: str) -> Result:
    return CliRunner().invoke(main, ["vary", *words])


def content(folder: Path) -> dict[Path, bytes]:
    names = ("params.yaml", "data", "judge", "models", "results")
    paths = [path for name in names for path in (folder / name, *(folder / name).rglob("*"))]
    return {path: path.read_bytes() for path in paths if path.is_file()}


@pytest.mark.slow
def test_a_variation_has_a_folder_of_its_own(
    evaluated: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = content(evaluated)
    result = vary("train.epochs=1", "train.grid.architectures=[linear]", "--workers", "1")
    assert result.exit_code == 0, result.output + capfd.readouterr().err
    folder = evaluated / "experiments" / "epochs=1-architectures=linear"
    assert f"report   {folder.relative_to(evaluated)}/reports/index.html" in result.output
    assert load_card(folder / "models" / "linear-2" / "seed-0").epochs == 1
    for name in ("results/metrics.csv", "reports/index.html", "params.yaml"):
        assert (folder / name).is_file()
    assert not (folder / "judge").exists()
    assert content(evaluated) == before
    assert "trained 2 runs" in capfd.readouterr().out

    again = vary("train.epochs=1", "train.grid.architectures=[linear]")
    assert again.exit_code == 0
    assert "trained" not in capfd.readouterr().out

    shared = vary("train.grid.latent_dims=[3]", "--into", "mine")
    assert shared.exit_code == 0
    assert "trained" not in capfd.readouterr().out
    assert load_card(evaluated / "mine" / "models" / "conv-3" / "seed-0").epochs == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train.epochs=2"], "params.yaml has these settings already"),
        (["search.trials=2"], "`study vary` varies the grid"),
        (["train.epochs=x"], "train.epochs"),
        (["train.epochs=1", "--workers", "many"], "--workers"),
        (["epochs"], "must be section.key=value"),
        (["train.epochs=1", "--into", "models"], "models already exists"),
        (["train.epochs=1", "--into", "."], "already has other settings"),
    ],
)
def test_what_cannot_be_varied_is_refused_in_one_line(
    trained: Path, words: list[str], message: str
) -> None:
    before = sorted(trained.rglob("*"))
    result = vary(*words)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert message in result.stderr
    assert sorted(trained.rglob("*")) == before
