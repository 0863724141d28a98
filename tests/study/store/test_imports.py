"""Commands load only what they need, so that they answer at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from study.outcome import fanova
from study.outcome.importance import remember_importance
from study.store.joining import load_search
from study.store.searches import all_trials
from tests.conftest import ROOT
from tests.study.conftest import URL
from tests.study.store.conftest import NAME

NEVER = {"torch", "mlflow", "sklearn", "pandas", "scipy", "matplotlib", "seaborn", "torchvision"}
STORES = NEVER | {"sqlalchemy", "alembic"}
SETTINGS = STORES | {"optuna", "numpy", "rich"}
NOTHING = SETTINGS | {"pydantic", "ruamel"}

HEAVY = {
    "list": STORES,
    "list --json": STORES,
    "status": STORES,
    "status --name made-up": STORES,
    "best": STORES,
    "show 3": STORES,
    "importance": STORES,
    "export --out exported": STORES,
    "check": SETTINGS,
    "where": NOTHING,
    "--help": NOTHING,
    "--version": NOTHING,
    "status --help": NOTHING,
    "run --help": NOTHING,
    "doctor --help": NOTHING,
}
CODE = """
import sys
from study.cli import main
status = 0
try:
    main(prog_name="study")
except SystemExit as end:
    status = end.code
print("loaded", *{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
sys.exit(status)
"""


@pytest.fixture
def remembered(search: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store as `study run` leaves it, beside the repository's settings."""
    monkeypatch.setattr(fanova, "RESAMPLES", 1)
    loaded = load_search(URL, NAME)
    remember_importance(loaded, all_trials(loaded))
    (search / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    return search


def test_a_command_loads_nothing_that_it_does_not_need(remembered: Path) -> None:
    found = {}
    for command in HEAVY:
        result = subprocess.run(
            [sys.executable, "-c", CODE, *command.split()], capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        loaded = set(result.stderr.splitlines()[-1].split()[1:])
        found[command] = loaded & HEAVY[command]
    assert {command: loaded for command, loaded in found.items() if loaded} == {}
