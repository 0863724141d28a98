"""Results of a git revision or a DVC experiment, read from DVC's cache.

The only module that uses DVC's Python API. An experiment is a git reference, so both are read
alike. Nothing is checked out, no remote is contacted, and the files go to a temporary folder.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UserError
from pipeline.schemas.arrays import ARRAYS
from pipeline.schemas.data_card import DATA_CARD
from pipeline.schemas.provenance import PROVENANCE
from pipeline.schemas.tables import RUN_METRICS

if TYPE_CHECKING:
    from dvc.api import DVCFileSystem

RESULTS = "results"
SHORT = 10  # digits of a commit in messages
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_EXPERIMENT = re.compile(r"^refs/exps/[0-9a-f]{2}/[0-9a-f]{38,62}/")  # before its name


def find_commit(word: str) -> str:
    """Return the commit that a git revision or the name of a DVC experiment means.

    Raises:
        UserError: if it means none or several, or the current folder is not in a git repository.
    """
    known = _git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
    if known.returncode:
        raise UserError(
            f"{word}: no such folder; revisions and experiments are known only in a git "
            "repository, so run `study compare` in the project's folder"
        )
    references = [line.split(" ", 1) for line in known.stdout.splitlines()]
    found = {commit for commit, name in references if _EXPERIMENT.sub("", name) == word}
    revision = _git("rev-parse", "--verify", "--end-of-options", f"{word}^{{commit}}")
    if _COMMIT.fullmatch(revision.stdout.strip()):
        found.add(revision.stdout.strip())
    if len(found) > 1 or "ambiguous" in revision.stderr:
        raise UserError(
            f"{word}: is ambiguous; write the commit, or a whole reference such as "
            f"refs/heads/{word} (`git show-ref` lists them)"
        )
    if not found:
        raise UserError(
            f"{word}: no such folder, revision or experiment; `git log` and `dvc exp show` list "
            "the last two"
        )
    return found.pop()


@contextmanager
def results_of(word: str, commit: str) -> Iterator[Path]:
    """Yield a temporary folder with the results of a commit, as far as a comparison needs them.

    Args:
        word: what the user calls the commit.
        commit: from ``find_commit``.

    Raises:
        UserError: if the commit has no results, DVC's cache does not hold them, or DVC cannot
            read the project at that commit.
    """
    from dvc.api import DVCFileSystem  # takes a second
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.repo.data import DataIndexDirError  # the cache lacks the list of a folder's files

    name = f"{word} (commit {commit[:SHORT]})"
    metrics = f"{RESULTS}/{RUN_METRICS.name}"
    with tempfile.TemporaryDirectory(prefix="vae-study-") as temporary:
        # Without a remote, what the cache lacks is missing; DVC would look for it on the network.
        config = {"core": {"remote": "", "site_cache_dir": temporary}}
        folder = Path(temporary, RESULTS)
        try:
            # Given only its path, DVC would open the project as well, and write into it.
            files = DVCFileSystem(Repo(rev=commit, config=config, uninitialized=True))
            if not files.exists(metrics) or not _is_known(files, metrics):
                raise UserError(
                    f"{name}: has no {metrics}; commit dvc.lock after `dvc repro`, so that DVC "
                    "knows the results of a commit"
                )
            try:
                _copy(files, metrics, folder / RUN_METRICS.name)
            except FileNotFoundError:
                raise UserError(
                    f"{name}: {metrics} is not in DVC's cache; fetch it with `dvc fetch "
                    "--all-commits`, or check the commit out and run `dvc repro`"
                ) from None
        except DvcException as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"{name}: DVC cannot read it: {reason}; check `dvc status`") from None
        # What else is missing limits the comparison, and its notes say so.
        for file in (DATA_CARD, PROVENANCE):
            if files.exists(f"{RESULTS}/{file}"):
                with suppress(FileNotFoundError):
                    _copy(files, f"{RESULTS}/{file}", folder / file)
        with suppress(FileNotFoundError, DataIndexDirError):
            for path in files.find(f"{RESULTS}/runs"):
                if path.endswith(f"/{ARRAYS}"):
                    _copy(files, path, folder / Path(path).relative_to(RESULTS))
        yield folder


def _is_known(files: "DVCFileSystem", path: str) -> bool:
    """Return whether git or dvc.lock knows the content of a file that exists."""
    tracked = files.info(path).get("dvc_info")
    return tracked is None or bool(tracked.get("md5"))


def _copy(files: "DVCFileSystem", path: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    files.get_file(path, str(target))


def _git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"LC_ALL": "C"}  # messages are read
    try:
        return subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=False, env=environment
        )
    except FileNotFoundError:
        raise UserError("git: is not installed; install it, or name folders of results") from None
