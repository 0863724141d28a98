"""An edit to code that decides a search's trials changes the search's name; no other edit does.

A search is resumed by its name. If such an edit left the name alone, values of old and new code
would be mixed, and the export would show settings of the new code next to values of the old.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# What is edited: the file, a piece of its code, and the code in its place.
DECISIVE = {
    "mapping from values to a run": ("study/search/space.py", "2**block", "3**block"),
    "epochs before pruning": ("study/search/plan.py", "SHARE = 1 / 3", "SHARE = 1 / 4"),
    "number of comparisons": ("study/search/plan.py", "PARTS = 4", "PARTS = 5"),
    "complete trials before pruning": ("study/search/plan.py", "= 5, 0.5", "= 4, 0.5"),
    "share of complete trials": ("study/search/plan.py", "= 5, 0.5", "= 5, 0.4"),
    "share that is not pruned": ("study/search/plan.py", "BEST_SHARE = 75.0", "BEST_SHARE = 74.0"),
    "trials before sampling": ("study/search/plan.py", "STARTUP = 8", "STARTUP = 9"),
    "first points": ("study/search/first.py", '"beta": 1.0', '"beta": 2.0'),
    "draws of the objective nll": ("study/search/plan.py", "= 64, 500", "= 65, 500"),
    "fixed designs": ("study/search/fixed_designs.py", "- 0.5", "- 0.4"),
    "replay": ("study/search/replay.py", "self._settled = 0", "self._settled = 1"),
    "results a trial may know": (
        "study/search/schedule.py",
        "number - ahead + 1",
        "number - ahead",
    ),
    "sign of a trial's value": ("study/search/trial.py", "sign = -1", "sign = -2"),
}
# Folders in which any edit of code counts.
FOLDERS = ("pipeline/data", "pipeline/numerics", "pipeline/models", "pipeline/training")
OF_NLL = "pipeline/evaluation"  # decides only what is searched by nll
# Code that only records, ranks or shows.
HARMLESS = ("analysis", "study/outcome", "study/workers", "study/store", "study/commands")

# One process for all edits, because loading torch takes longest. It reads an edit as a new process
# would: the hash is taken from the files when study.search.code is loaded.
SCRIPT = """
import importlib, json, sys
from pathlib import Path
import study.search.code as code
import study.search.plan as plan
from pipeline.settings import load_settings, override, parse_settings

settings = load_settings("params.yaml")
by_nll = parse_settings(override(settings.model_dump(mode="json"), ["search.objective=nll"]), "")

def names():
    importlib.reload(code)
    return [plan.Plan.of(one, "0" * 64).name for one in (settings, by_nll)]

found = {"": names()}
for label, (file, text) in json.load(sys.stdin).items():
    path = Path(file)
    before = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    found[label] = names()
    path.write_text(before, encoding="utf-8")
found["restored"] = names()
print(json.dumps(found))
"""

Names = dict[str, list[str]]


def any_module(folder: str) -> str:
    """The first module of a folder."""
    files = sorted((ROOT / folder).glob("[a-z]*.py"))
    return files[0].relative_to(ROOT).as_posix()


def edits() -> dict[str, tuple[str, str]]:
    """By label, the file that is edited and its text afterwards."""
    found = {}
    for label, (file, old, new) in DECISIVE.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r} any more; give this test another edit"
        found[label] = (file, text.replace(old, new))
    for folder in (*FOLDERS, OF_NLL, *HARMLESS):
        file = any_module(folder)
        found[folder] = (file, (ROOT / file).read_text(encoding="utf-8") + "\nEDITED = True\n")
    for file in ("study/search/space.py", "pipeline/training/loop.py"):
        text = (ROOT / file).read_text(encoding="utf-8")
        found[f"comment in {file}"] = (file, f"# A comment.\n\n{text}")
        found[f"docstring in {file}"] = (file, text.replace('"""', '"""Reworded. ', 1))
    return found


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Names:
    """The names of a search by ELBO and one by nll, before and after each edit of a copy."""
    copy = tmp_path_factory.mktemp("copy")
    for package in ("analysis", "pipeline", "study"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, copy / package, ignore=ignore)
    shutil.copy(ROOT / "params.yaml", copy)
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(edits()),
        capture_output=True,
        text=True,
        cwd=copy,
        env={"PYTHONPATH": str(copy), "PATH": ""},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    found: Names = json.loads(result.stdout)
    assert found["restored"] == found[""]
    return found


@pytest.mark.parametrize("edit", [*DECISIVE, *FOLDERS])
def test_code_that_decides_trials_decides_the_name(names: Names, edit: str) -> None:
    assert names[edit][0] != names[""][0]
    assert names[edit][1] != names[""][1]


def test_code_that_estimates_nll_decides_only_names_of_searches_by_nll(names: Names) -> None:
    assert names[OF_NLL][0] == names[""][0]
    assert names[OF_NLL][1] != names[""][1]


def test_other_edits_keep_the_name(names: Names) -> None:
    others = [label for label in names if label not in (*DECISIVE, *FOLDERS, OF_NLL)]
    assert len(others) > len(HARMLESS)
    assert {label for label in others if names[label] != names[""]} == set()


def test_the_copy_is_what_is_measured(names: Names) -> None:
    """Without this, an editable installation could answer in place of the copy."""
    assert len({tuple(pair) for pair in names.values()}) == 2 + len(DECISIVE) + len(FOLDERS)


def test_deciding_folders_exist() -> None:
    assert all(Path(ROOT, folder).is_dir() for folder in (*FOLDERS, OF_NLL, *HARMLESS))
