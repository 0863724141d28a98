"""Results of git revisions and DVC experiments, read from DVC's cache."""

import shutil
import subprocess
from contextlib import chdir
from pathlib import Path

import pytest

from pipeline.errors import UserError
from study.outcome.sources import read_source
from tests.analysis.conftest import write_results

STAGE = """stages:
  collect:
    cmd: "true"
    outs:
      - results/runs: {persist: true}
      - results/metrics.csv
      - results/data.json
      - results/provenance.json
"""


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two commits of results, the first tagged ``long``, and an experiment."""
    from dvc.repo import Repo

    root = tmp_path_factory.mktemp("project")
    run(root, "git", "init", "--quiet", "--initial-branch=main")
    run(root, "git", "config", "user.email", "someone@example.org")
    run(root, "git", "config", "user.name", "Someone")
    config = {"core": {"site_cache_dir": str(tmp_path_factory.mktemp("site"))}}
    Repo.init(str(root)).close()
    (root / "dvc.yaml").write_text(STAGE)
    for tag, epochs in (("long", 20), ("short", 5)):
        shutil.rmtree(root / "results", ignore_errors=True)
        (root / "results").mkdir()
        write_results(root / "results", architectures=["linear"], latent_dims=[2], epochs=epochs)
        with chdir(root), Repo(config=config) as repo:
            repo.commit("collect", force=True)
        run(root, "git", "add", ".dvc", "dvc.yaml", "dvc.lock")
        run(root, "git", "commit", "--quiet", "-m", tag)
        run(root, "git", "tag", tag)
    long = run(root, "git", "rev-parse", "long")
    run(root, "git", "update-ref", f"refs/exps/{long[:2]}/{long[2:]}/brisk-toad", "short")
    shutil.rmtree(root / "results")
    return root


@pytest.fixture
def project(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project, which is the current folder."""
    root = tmp_path / "project"
    shutil.copytree(built, root)
    monkeypatch.chdir(root)
    return root


def epochs_of(word: str) -> set[int]:
    return set(read_source(word).runs["epochs"])


def test_revisions_and_experiments_are_read_without_a_checkout(project: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    assert epochs_of("long") == epochs_of("HEAD~1") == {20}
    assert epochs_of("main") == epochs_of("brisk-toad") == {5}
    source = read_source(run(project, "git", "rev-parse", "--short", "long"))
    assert source.per_image["elbo"].keys() == {"linear-2/seed-0", "linear-2/seed-1"}
    assert source.data is not None
    assert source.provenance is not None
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before


def test_a_folder_comes_before_a_revision_of_its_name(project: Path) -> None:
    (project / "long").mkdir()
    with pytest.raises(UserError, match=r"long: has neither metrics\.csv .* refs/heads/long"):
        read_source("long")
    write_results(project / "long", architectures=["linear"], latent_dims=[2], epochs=3)
    assert epochs_of("long") == {3}
    assert epochs_of("refs/tags/long") == {20}


@pytest.mark.parametrize(
    "word", ["unknown", "HEAD~9", "HEAD:dvc.yaml", "long..short", "^long", "--all", "", "exec"]
)
def test_an_unknown_word_is_refused(project: Path, word: str) -> None:
    with pytest.raises(UserError, match="no such folder, revision or experiment"):
        read_source(word)


def test_an_ambiguous_word_is_refused(project: Path) -> None:
    run(project, "git", "branch", "both", "long")
    run(project, "git", "tag", "both", "short")
    with pytest.raises(UserError, match="both: is ambiguous"):
        read_source("both")
    run(project, "git", "branch", "brisk-toad", "long")
    with pytest.raises(UserError, match="brisk-toad: is ambiguous"):
        read_source("brisk-toad")


def test_outside_git_only_folders_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="known only in a git repository"):
        read_source("main")


def test_what_the_cache_lacks_is_not_fetched(project: Path, tmp_path: Path) -> None:
    cache, far = project / ".dvc" / "cache", tmp_path / "far"
    shutil.copytree(cache, far)
    remote = f"[core]\n    remote = far\n['remote \"far\"']\n    url = {far}\n"
    (project / ".dvc" / "config.local").write_text(remote)
    for listing in cache.rglob("*.dir"):
        listing.unlink()
    source = read_source("long")
    assert source.per_image["elbo"] == {}
    assert source.notes == (
        "long lacks the values per image of all runs, so they have no interval over images.",
    )
    shutil.rmtree(cache)
    with pytest.raises(UserError, match=r"metrics\.csv is not in DVC's cache; fetch it with `dvc"):
        read_source("long")


def test_a_commit_without_results_says_what_to_commit(project: Path) -> None:
    run(project, "git", "rm", "--quiet", "dvc.lock")
    run(project, "git", "commit", "--quiet", "-m", "without")
    with pytest.raises(UserError, match=r"has no results/metrics\.csv; commit dvc\.lock"):
        read_source("HEAD")


def test_faults_name_the_revision_and_not_a_temporary_folder(project: Path) -> None:
    for path in (project / ".dvc" / "cache" / "files" / "md5").rglob("*"):
        if path.is_file() and path.read_bytes().startswith(b"run,architecture"):
            path.chmod(0o644)
            path.write_text("run\nlinear-2/seed-0\n")
    with pytest.raises(UserError, match=r"^long:results/metrics\.csv: must have the columns"):
        read_source("long")
