"""Atomic writing of files and folders."""

import os
import stat
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.files import remove_folder, replacing_folder, write_bytes, write_text


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
        (temporary / "a").write_text("first")
        assert not folder.exists()
    assert [path.name for path in folder.iterdir()] == ["a"]
    with replacing_folder(folder) as temporary:
        (temporary / "a").write_text("second")
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert (folder / "a").read_text() == "second"
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


def fill(folder: Path, *names: str) -> None:
    with replacing_folder(folder) as temporary:
        for name in names:
            (temporary / name).write_text("new")


def test_what_was_put_into_a_folder_by_hand_outlives_its_replacement(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    fill(folder, "a", "b")
    (folder / "notes.txt").write_text("mine")
    (folder / "plots").mkdir()
    (folder / "plots" / "a").write_text("mine")
    fill(folder, "a", "b")
    content = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert content == {"a", "b", "notes.txt", "plots", "plots/a"}
    assert (folder / "plots" / "a").read_text() == "mine"
    assert list(tmp_path.iterdir()) == [folder]


def test_what_a_kill_left_is_removed_except_for_what_was_put_there_by_hand(tmp_path: Path) -> None:
    folder, dead = tmp_path / "run", 2**22 + 1
    old = tmp_path / f".partial-run-{dead}-1"
    alive = tmp_path / f".partial-run-{os.getppid()}-1"
    other = tmp_path / f".partial-run-2-{dead}-1"
    for path in (old, alive, other):
        path.mkdir()
        (path / "a").touch()
    (old / "notes.txt").write_text("mine")
    fill(folder, "a")
    assert {path.name for path in tmp_path.iterdir()} == {"run", alive.name, other.name}
    assert {path.name for path in folder.iterdir()} == {"a", "notes.txt"}
    assert (folder / "a").read_text() == "new"


def test_a_link_is_replaced_but_not_what_it_points_to(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "run"
    elsewhere.mkdir()
    (elsewhere / "a").write_text("old")
    folder.symlink_to(elsewhere)
    fill(folder, "a")
    assert (elsewhere / "a").read_text() == "old"
    assert (folder / "a").read_text() == "new"


def test_a_file_in_place_of_a_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(UserError, match="run: is not a folder; move it away"):
        fill(tmp_path / "run", "a")
    assert (tmp_path / "run").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_new_files_and_folders_have_the_mode_that_the_umask_asks_for(tmp_path: Path) -> None:
    tmp_path.chmod(0o2775)  # a group's folder
    before = os.umask(0o002)
    try:
        fill(tmp_path / "cell" / "run", "a")
        write_text(tmp_path / "cell" / "file", "")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"cell": 0o2775, "run": 0o2775, "a": 0o664, "file": 0o664}


def test_only_a_folder_without_other_files_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    fill(folder, "a", "b", "notes.txt")
    assert not remove_folder(folder, {"a", "b"})
    assert len(list(folder.iterdir())) == 3
    (folder / "notes.txt").unlink()
    assert remove_folder(folder, {"a", "b"})
    assert not folder.exists()
