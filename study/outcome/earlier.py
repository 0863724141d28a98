"""The best trials of an earlier search, which another one tries first."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from pipeline.errors import UserError
from pipeline.schemas.cells import Reader, count, number
from pipeline.schemas.tables import TRIALS
from pipeline.settings import RunSettings, Settings
from pipeline.settings.explain import explain_error
from pipeline.settings.space import Name, from_text
from study.outcome.ranking import ranked
from study.search.first import base_of
from study.search.plan import plan_of
from study.search.space import identity_of, to_run
from study.store.quiet import quiet_optuna
from study.store.searches import all_trials, find_search

REMEDY = "write it again with `study export`"


def best_runs(source: str, most: int, url: str, settings: Settings) -> dict[str, RunSettings]:
    """Return the best trials of a search as runs, by what to call them.

    Args:
        source: name of a search in the store, or a ``trials.csv``.
        most: how many trials of different settings.
        url: the store's address.
        settings: section ``train`` has what a ``trials.csv`` does not say.

    Raises:
        UserError: if there is no such search or file, or it has no complete trial.
    """
    quiet_optuna()
    path = Path(source)
    runs = _of_file(path, settings) if _is_file(path) else _of_search(source, url)
    best: dict[str, RunSettings] = {}
    seen: set[str] = set()
    for name, run in runs:
        if identity_of(run) not in seen and len(best) < most:
            seen.add(identity_of(run))
            best[name] = run
    if not best:
        raise UserError(f"--from {source}: it has no complete trial")
    return best


def _is_file(path: Path) -> bool:
    try:
        return path.suffix == ".csv" or path.is_file()
    except OSError:  # of a name that is too long
        return False


def _of_search(name: str, url: str) -> Iterable[tuple[str, RunSettings]]:
    """The trials of a search, best first; of two objectives, those on the Pareto front."""
    search = find_search(url, name)
    plan = plan_of(search)
    for trial in ranked(all_trials(search), plan):
        run = to_run(trial.params, plan.base, plan.search.seed, plan.search.epochs)
        yield f"trial {trial.number} of {name}", run


def _of_file(path: Path, settings: Settings) -> Iterable[tuple[str, RunSettings]]:
    """The trials of an exported table, best ELBO first."""
    rows = [row for row in TRIALS.read(path, REMEDY) if row["state"] == "complete"]
    base, epochs = base_of(settings), settings.search.epochs
    for row in sorted(rows, key=lambda row: -_read(path, row, "elbo", number)):
        place = _read(path, row, "number", count)
        try:
            values = {name: from_text(name, row[name]) for name in get_args(Name) if row.get(name)}
            run = to_run(values, base, base.seed, epochs)
        except ValidationError as error:
            raise _damaged(path, row, explain_error(error, RunSettings)) from None
        except ValueError as error:
            raise _damaged(path, row, str(error)) from None
        yield f"trial {place} of {path}", run


def _damaged(path: Path, row: Mapping[str, str], reason: str) -> UserError:
    return UserError(f"{path}: trial {row['number']} is not valid: {reason}; {REMEDY}")


def _read(path: Path, row: Mapping[str, str], column: str, reader: Reader) -> Any:
    try:
        return reader(row[column])
    except ValueError as error:
        raise _damaged(path, row, f"{column} = {row[column]!r} {error}") from None
