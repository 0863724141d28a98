"""Atomic writing of files and folders."""

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.files import remove_others, replacing_folder, write_bytes, write_text


def test_a_written_file_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_text(path, "first")
    write_text(path, "sécond")
    assert path.read_text(encoding="utf-8") == "sécond"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file_and_leaves_no_temporary_one(tmp_path: Path) -> None:
    goal = tmp_path / "goal"
    (goal / "kept").mkdir(parents=True)
    with pytest.raises(UserError, match="goal: cannot be written"):
        write_bytes(goal, b"new")
    assert list(tmp_path.iterdir()) == [goal]
    assert (goal / "kept").is_dir()


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_bytes(tmp_path / "file" / "goal", b"")


def test_a_folder_appears_when_its_block_succeeds(tmp_path: Path) -> None:
    folder = tmp_path / "cell" / "run"
    with replacing_folder(folder) as temporary:
        (temporary / "a").touch()
        assert not folder.exists()
    assert [path.name for path in folder.iterdir()] == ["a"]
    with replacing_folder(folder) as temporary:
        (temporary / "b").touch()
    assert [path.name for path in folder.iterdir()] == ["b"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_failed_block_keeps_the_old_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with replacing_folder(folder) as temporary:
        (temporary / "old").touch()

    def fail() -> None:
        with replacing_folder(folder) as temporary:
            (temporary / "new").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [folder]


def test_runs_outside_the_grid_are_removed(tmp_path: Path) -> None:
    for name in ("linear-2/seed-0", "linear-2/.partial-seed-1-x", "conv-2/seed-0"):
        (tmp_path / name).mkdir(parents=True)
    removed = remove_others(tmp_path, keep={"linear-2/seed-0"})
    assert removed == ["conv-2/seed-0", "linear-2/.partial-seed-1-x"]
    assert [path.name for path in tmp_path.glob("*/*")] == ["seed-0"]
    assert [path.name for path in tmp_path.iterdir()] == ["linear-2"]


def test_there_is_nothing_to_remove_without_a_folder(tmp_path: Path) -> None:
    assert remove_others(tmp_path / "models", keep=set()) == []
