"""Fingerprints change with what decides a result, and with nothing else."""

import hashlib
from pathlib import Path
from types import ModuleType

import pytest

from pipeline.schemas.fingerprint import file_sha256, fingerprint_of, source_hash

CODE = '''"""What it does."""

RATE = 0.5  # of decay


class Decay:
    """Falls."""

    def at(self, time: int) -> float:
        """Its value."""
        return RATE**time


def nothing() -> None:
    """Do nothing."""
'''


@pytest.fixture
def package(tmp_path: Path) -> ModuleType:
    """A package of two files and a subfolder, as an import would give it."""
    files = {
        "__init__.py": "",
        "decay.py": CODE,
        "rates.py": "FAST = 2\n",
        "below/more.py": "A = 1",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    module = ModuleType("package")
    module.__path__ = [str(tmp_path)]
    return module


def folder_of(package: ModuleType) -> Path:
    return Path(package.__path__[0])


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("decay.py", "0.5", "0.6"),
        ("decay.py", "RATE**time", "RATE* time"),
        ("decay.py", '"""Do nothing."""', '"""Do nothing."""\n    print("x")'),
        ("rates.py", "2", "3"),
        ("__init__.py", "", "from package import rates\n"),
    ],
)
def test_one_byte_of_code_changes_it(package: ModuleType, file: str, old: str, new: str) -> None:
    before = source_hash(package)
    path = folder_of(package) / file
    path.write_text(path.read_text().replace(old, new))
    assert source_hash(package) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("decay.py", "# of decay", "# of what falls, each step"),
        ("decay.py", "  # of decay", ""),
        ("decay.py", '"""What it does."""\n', ""),
        ("decay.py", '"""Falls."""', '"""Falls\n\n    and falls.\n    """'),
        ("decay.py", '"""Its value."""', "'''Its value at a time.'''"),
        ("decay.py", '"""Do nothing."""', "pass"),
        ("decay.py", "RATE**time", "(\n            RATE ** time\n        )"),
        ("rates.py", "FAST = 2\n", "\n\nFAST  =  2"),
        ("below/more.py", "1", "2"),
    ],
)
def test_comments_docstrings_layout_and_subfolders_have_no_part_in_it(
    package: ModuleType, file: str, old: str, new: str
) -> None:
    before = source_hash(package)
    path = folder_of(package) / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert source_hash(package) == before


def test_a_new_file_or_name_changes_it(package: ModuleType) -> None:
    before = source_hash(package)
    (folder_of(package) / "notes.txt").write_text("not code")
    assert source_hash(package) == before
    (folder_of(package) / "new.py").touch()
    assert source_hash(package) != before
    (folder_of(package) / "new.py").unlink()
    (folder_of(package) / "rates.py").rename(folder_of(package) / "speeds.py")
    assert source_hash(package) != before


def test_each_set_of_packages_has_its_own_hash(package: ModuleType) -> None:
    assert source_hash(package) == source_hash(package)
    assert source_hash(package) != source_hash(package, package)


def test_the_order_of_keys_has_no_part_in_it() -> None:
    one = fingerprint_of({"a": 1, "b": {"x": [1, 2], "y": None}})
    assert one == fingerprint_of({"b": {"y": None, "x": [1, 2]}, "a": 1})
    assert one != fingerprint_of({"a": 1, "b": {"x": [2, 1], "y": None}})


def test_a_file_has_the_hash_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_what_editors_and_file_servers_leave_changes_nothing(package: ModuleType) -> None:
    before, folder = source_hash(package), folder_of(package)
    for name in ("._decay.py", ".decay.py.swp", "decay.py~", "decay (copy).py", "decay-backup.py"):
        (folder / name).write_bytes(b"\0no code")
    (folder / ".#decay.py").symlink_to("somebody@somewhere.123:456")  # Emacs's lock
    assert source_hash(package) == before
