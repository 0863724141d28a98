"""What trials reached with new seeds, and the table of it. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.files import write_text
from pipeline.schemas.best_card import ConfirmedRun
from pipeline.schemas.tables import CONFIRMED, Row

REMEDY = "move it away, then run `study rerun` again"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The result of a trial with new seeds.

    Attributes:
        search: the search's name.
        number: the trial's number.
        runs: one per seed.
        epochs: of each run.
        searched: the ELBO in the search.
        folder: contains the model folders.
    """

    search: str
    number: int
    runs: tuple[ConfirmedRun, ...]
    epochs: int
    searched: float
    folder: Path

    @property
    def elbos(self) -> list[float]:
        """The validation ELBOs, by seed."""
        return [run.elbo for run in self.runs]


def record_confirmations(path: Path, found: Sequence[Confirmation]) -> None:
    """Add confirmations to the table, replacing rows of the same trials and epochs.

    Several processes may do so at once.

    Raises:
        UserError: if the table cannot be read or written.
    """
    # Imported here, because it imports SQLAlchemy, for which an export does not wait.
    from pipeline.runtime.lock import sole_writer

    rows: list[Row] = [
        {
            "search": one.search,
            "number": one.number,
            "epochs": one.epochs,
            **run.model_dump(),
            "searched_elbo": one.searched,
        }
        for one in found
        for run in one.runs
    ]
    key = ("search", "number", "epochs")
    replaced = {tuple(str(row[name]) for name in key) for row in rows}
    with sole_writer(path, "confirmation"):
        before = CONFIRMED.read(path, REMEDY) if path.exists() else []
        kept = [row for row in before if tuple(row[name] for name in key) not in replaced]
        write_text(path, CONFIRMED.to_csv([*kept, *rows]))
