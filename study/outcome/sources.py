"""What a word on the command line means: a folder of results, a revision or an experiment."""

from pathlib import Path

from analysis.read.source import Source, load_source
from pipeline.errors import UserError
from pipeline.schemas.tables import RUN_METRICS
from study.outcome.revision import RESULTS, find_commit, results_of


def read_source(word: str) -> Source:
    """Read the results that a word means: those of an existing folder first, then of a revision.

    Raises:
        UserError: if it means nothing or several things, or its results are missing or invalid.
    """
    if word and Path(word).exists():
        return load_source(results_in(Path(word)), word)
    commit = find_commit(word)
    with results_of(word, commit) as folder:
        try:
            return load_source(folder, word)
        except UserError as error:  # not of a temporary folder that is about to go
            raise UserError(error.message.replace(str(folder), f"{word}:{RESULTS}")) from None


def results_in(folder: Path) -> Path:
    """Return the results folder that a folder is or contains.

    Raises:
        UserError: if it is neither.
    """
    for results in (folder, folder / RESULTS):
        if (results / RUN_METRICS.name).is_file():
            return results
    raise UserError(
        f"{folder}: has neither {RUN_METRICS.name} nor {RESULTS}/{RUN_METRICS.name}; name a folder "
        "of results, or run `dvc repro` in it (a revision of that name: refs/heads/"
        f"{folder.name})"
    )
