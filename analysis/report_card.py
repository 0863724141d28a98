"""``reports/report.json``: the fingerprint of a report, to check that it is up to date."""

import importlib.metadata
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from pipeline.errors import UserError
from pipeline.schemas.arrays import ARRAYS
from pipeline.schemas.best_card import BEST
from pipeline.schemas.data_card import DATA_CARD
from pipeline.schemas.fingerprint import file_sha256, fingerprint_of, source_hash
from pipeline.schemas.provenance import PROVENANCE
from pipeline.schemas.record import Record, read_record
from pipeline.schemas.tables import CONFIRMED, GRID_EPOCHS, IMPORTANCE, RUN_METRICS, TRIALS
from pipeline.settings import Settings

REPORT_CARD = "report.json"
ANALYSIS = Path(__file__).parent
TEMPLATES = ANALYSIS / "templates"
# The code that decides the report. It is not imported here: it takes seconds to load.
FOLDERS = (
    ANALYSIS,
    *sorted(path for path in ANALYSIS.iterdir() if path.is_dir()),
    ANALYSIS.parent / "pipeline" / "schemas",
    ANALYSIS.parent / "pipeline" / "settings",
)
INPUTS = (
    *(table.name for table in (RUN_METRICS, GRID_EPOCHS, TRIALS, IMPORTANCE, CONFIRMED)),
    DATA_CARD,
    PROVENANCE,
    BEST,
)
DECIDING = ("vae-study", "matplotlib", "seaborn", "pandas", "numpy", "scipy", "jinja2")


class ReportCard(Record):
    """A report's fingerprint and files.

    Attributes:
        fingerprint: hash of everything that decides the report; empty until it is complete.
        sha256: hash of every file, by its path within the report's folder.
    """

    what: ClassVar[str] = "a report"
    remedy: ClassVar[str] = "make the report again with `study report`"

    fingerprint: str
    sha256: dict[str, str]


def report_fingerprint(settings: Settings, results: Path, judge: Path) -> str:
    """Return a hash of everything that decides the report: numbers, settings, code and libraries.

    Args:
        settings: of which section ``analyze`` and ``train.hyperparameters`` are used.
        results: the results folder, which contains ``metrics.csv``.
        judge: the file ``judge.json``.
    """
    files = [results / name for name in INPUTS] + [*results.glob(f"runs/*/*/{ARRAYS}")]
    return fingerprint_of(
        {
            "code": source_hash(*FOLDERS),
            "templates": _hashes(TEMPLATES, _templates()),
            "settings": settings.analyze.model_dump(mode="json"),
            "hyperparameters": settings.train.hyperparameters,
            "results": _hashes(results, files),
            "judge": file_sha256(judge) if judge.is_file() else "",
            "python": platform.python_version(),
            "versions": [importlib.metadata.version(name) for name in DECIDING],
        }
    )


def _templates() -> Iterator[Path]:
    """Find the templates, without what editors and file servers leave next to them."""
    for path in TEMPLATES.iterdir():
        if path.suffix in (".css", ".j2", ".js") and not path.name.startswith("."):
            yield path


def finished_report(folder: Path) -> str | None:
    """Return the fingerprint of a folder's report; None unless it is complete and intact."""
    try:
        card = read_record(ReportCard, folder / REPORT_CARD)
        whole = all(file_sha256(folder / name) == found for name, found in card.sha256.items())
    except (OSError, UserError):
        return None
    return card.fingerprint if whole else None


def last_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of the last report in a folder; empty if there is none."""
    try:
        return read_record(ReportCard, folder / REPORT_CARD).sha256
    except UserError:
        return {}


def require_own(folder: Path, names: Iterable[str]) -> None:
    """Refuse to write a report over files in a folder that has no report.

    Args:
        folder: the report's folder.
        names: paths of the report's files.

    Raises:
        UserError: if there is one.
    """
    if (folder / REPORT_CARD).exists():
        return
    for name in names:
        if (folder / name).exists():
            raise UserError(
                f"{folder / name}: already exists and is not part of a report; move it away, or "
                "choose another folder with --out"
            )


def remove_outdated(folder: Path, before: Mapping[str, str], now: Iterable[str]) -> None:
    """Remove files of the last report that are not part of this one, unless they were edited.

    Args:
        folder: the report's folder.
        before: SHA-256 of the last report's files, by path.
        now: paths of this report's files.
    """
    for name in before.keys() - set(now):
        path = folder / name
        inside = path.resolve().is_relative_to(folder.resolve())  # the card could be edited
        if inside and path.is_file() and file_sha256(path) == before[name]:
            path.unlink()


def _hashes(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 of those files that exist, by their path within a folder."""
    return {
        path.relative_to(root).as_posix(): file_sha256(path)
        for path in sorted(paths)
        if path.is_file()
    }
