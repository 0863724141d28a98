"""Which code decides what: an edit repeats the runs, evaluations and judges that it can change."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

from pipeline.jobs import evaluation_task, judge_fingerprint, train
from pipeline.schemas.fingerprint import source_hash
from tests.imports import ROOT, closure

JOBS: Mapping[str, ModuleType] = {
    "train": train,
    "evaluate": evaluation_task,
    "judge": judge_fingerprint,
}

# The folders whose code decides a number, and whose numbers those are.
DECIDES = {
    "data": {"train", "evaluate", "judge"},
    "numerics": {"train", "evaluate", "judge"},
    "models": {"train", "evaluate"},
    "training": {"train"},
    "evaluation": {"evaluate"},
    "judge": {"evaluate", "judge"},
    "measures": {"evaluate"},
}

OTHERS = {"data/sources", "schemas", "settings", "runtime", "jobs"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, free to change."""
    folder = tmp_path_factory.mktemp("code")
    for package in ("pipeline", "analysis"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("*.pyc"))
    return folder


def decided_by(job: ModuleType) -> list[str]:
    """The folders that a job names, such as ``pipeline/data``."""
    named = [Path(getattr(one, "__path__", [one])[0]) for one in job.DECIDED_BY]
    return [path.relative_to(ROOT).as_posix() for path in named]


def hashes(copy: Path) -> dict[str, str]:
    """Each job's ``CODE``, had it been imported from the copy."""
    found = {}
    for name, job in JOBS.items():
        found[name] = source_hash(*(copy / folder for folder in decided_by(job)))
    return found


@pytest.fixture(scope="module")
def before(copy: Path) -> dict[str, str]:
    found = hashes(copy)
    assert found == {name: job.CODE for name, job in JOBS.items()}
    return found


@pytest.mark.parametrize("folder", DECIDES)
def test_one_byte_of_code_changes_what_its_folder_decides(
    copy: Path, before: dict[str, str], folder: str
) -> None:
    path = max((copy / "pipeline" / folder).glob("*.py"))
    code = path.read_bytes()
    path.write_bytes(code + b"0")
    after = hashes(copy)
    path.write_bytes(code)
    assert {name for name in JOBS if after[name] != before[name]} == DECIDES[folder]


def test_comments_captions_and_all_other_code_change_nothing(
    copy: Path, before: dict[str, str]
) -> None:
    decide = {copy / "pipeline" / folder for folder in DECIDES}
    files = [path for path in copy.rglob("*.py") if path.parts[-2] != "sources"]
    for path in files:
        code = path.read_text(encoding="utf-8")
        if path.parent in decide:
            path.write_text(f"# A comment.\n{code}\n\n# Another.\n", encoding="utf-8")
        else:
            path.write_text(f"{code}\nCAPTION = 'Other words'\n", encoding="utf-8")
    assert len([path for path in files if path.parent not in decide]) > 50
    assert hashes(copy) == before


@pytest.mark.parametrize("name", JOBS)
def test_no_folder_that_decides_is_forgotten(name: str) -> None:
    """Every deciding folder that a job imports, also through others, is in its fingerprint.

    The sources of the images are not: the hash of the prepared file stands for them.
    """
    named = set(decided_by(JOBS[name]))
    folders = {str(Path(file).parent) for file in closure(ROOT / f"pipeline/jobs/{name}.py")}
    deciding = {f"pipeline/{folder}" for folder in DECIDES}
    assert folders & deciding == named & folders
    assert {f"pipeline/{folder}" for folder, jobs in DECIDES.items() if name in jobs} == named
    others = {f"pipeline/{folder}" for folder in OTHERS} | {"pipeline"}
    assert folders - deciding <= others, "a folder that may decide a number is not classified"
