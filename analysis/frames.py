"""Exported results -> checked frames. The only module that reads the CSV files of ``results/``.

Everything downstream may rely on what is checked here: columns, types, finite numbers, one row a
run, one protocol. A model's display name (column ``model``) stands for one configuration, which is
architecture, latent size and beta; beta is named where the results hold several.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from pipeline.errors import UserError
from pipeline.metrics import METRICS
from pipeline.protocol import PROTOCOL_FIELDS, Protocol, require_same_protocol
from pipeline.settings import Architecture, cell_name

CONFIGURATION = ["architecture", "latent_dim", "beta"]
REMEDY = "make it anew with `dvc repro`"


class ResultsError(UserError):
    """Exported results that cannot be used: names file, place, rule and remedy."""


@dataclass(frozen=True, slots=True)
class DataCard:
    """What ``results/data.json`` says of the data set.

    Attributes:
        name: of the data set.
        classes: one name a label.
        sizes: images a split.
        hash: content hash of the prepared data.
    """

    name: str
    classes: tuple[str, ...]
    sizes: dict[str, int]
    hash: str


@dataclass(frozen=True, slots=True)
class Results:
    """All exported numbers, checked.

    Attributes:
        folder: where they were read, and where the arrays lie.
        runs: one row a run, in the order architecture, latent size, beta, seed; the columns of
            ``metrics.csv`` and ``model``, the configuration's display name.
        history: one row a run, epoch and split, with ``model``; empty if none was exported.
        protocol: the one protocol of all runs.
        data: the data set's card; None if it was not exported.
        notes: what is missing, in sentences.
    """

    folder: Path
    runs: pd.DataFrame
    history: pd.DataFrame
    protocol: Protocol
    data: DataCard | None
    notes: tuple[str, ...]

    @property
    def several_betas(self) -> bool:
        """Whether beta is part of the display names."""
        return int(self.runs["beta"].nunique()) > 1


def load_results(folder: Path) -> Results:
    """Read and check ``metrics.csv``, ``history.csv`` and ``data.json`` of a results folder.

    Raises:
        ResultsError: if ``metrics.csv`` is missing, or any of the three breaks a rule.
        ProtocolError: if runs were measured under different protocols.
    """
    runs = read_runs(folder / "metrics.csv")
    protocol = require_same_protocol(
        (Protocol(*row) for row in runs[list(PROTOCOL_FIELDS)].itertuples(index=False)),
        str(folder / "metrics.csv"),
    )
    history, notes = read_history(folder / "history.csv", runs)
    data = read_data_card(folder / "data.json")
    if data is None:
        notes.append(
            f"{folder / 'data.json'} is missing: the sizes of the splits and the names of the "
            "classes are not shown."
        )
    return Results(folder, runs, history, protocol, data, tuple(notes))


def model_name(architecture: str, latent_dim: int, beta: float | None = None) -> str:
    """``linear-2``; with a beta ``linear-2 (β = 4)``."""
    name = cell_name(architecture, latent_dim)
    return name if beta is None else f"{name} ({beta_name(beta)})"


def beta_name(beta: float) -> str:
    """``β = 4``, on one line."""
    return f"β\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{beta:g}"


def plain_beta(frame: pd.DataFrame) -> float:
    """The beta that stands for the rest where only one can be shown: 1, or else the smallest."""
    betas = set(frame["beta"])
    return 1.0 if 1 in betas else float(min(betas))


def read_runs(path: Path) -> pd.DataFrame:
    """``metrics.csv`` as a frame with typed, checked columns, sorted, with ``model``.

    Raises:
        ResultsError: naming file, line, column, value and rule.
    """
    frame = _read_csv(path, [*_RUN_COLUMNS, *PROTOCOL_FIELDS])
    if frame.empty:
        raise ResultsError(f"{path}: holds no run; {REMEDY}")
    # Metrics that later stages add are numbers too.
    extra = {name: _number for name in METRICS if name in frame and name not in _RUN_COLUMNS}
    frame = _convert(frame, {**_RUN_COLUMNS, **extra}, path)
    for column in ("commit", "data_hash", "run_id"):
        if column not in frame:
            frame[column] = ""
    _check_bound(frame, path)
    _check_kl_per_dim(frame, path)
    _check_configurations(frame, path)
    return _named(_sorted(frame, ["seed"]), several_betas=frame["beta"].nunique() > 1)


def read_history(path: Path, runs: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """``history.csv`` as a frame with typed columns and ``model``, and notes on what is missing.

    Only the histories of evaluated runs are kept.

    Raises:
        ResultsError: naming file, line, column, value and rule.
    """
    if not path.exists():
        empty = pd.DataFrame(columns=[*_HISTORY_COLUMNS, "model"])
        return empty, [f"{path} is missing: training curves are not shown."]
    frame = _convert(_read_csv(path, _HISTORY_COLUMNS), _HISTORY_COLUMNS, path)
    repeated = frame.duplicated(["run", "epoch", "split"])
    if repeated.any():
        row = frame[repeated].iloc[0]
        raise ResultsError(
            f"{path}: line {_line(row.name)}, run {row['run']}, epoch {row['epoch']}, "
            f"{row['split']}: stands there twice, and must once; {REMEDY}"
        )
    frame = frame[frame["run"].isin(runs["run"])]
    absent = [run for run in runs["run"] if run not in set(frame["run"])]
    notes = [f"{path} holds no history of {', '.join(absent)}."] if absent else []
    frame = _named(frame, several_betas=runs["beta"].nunique() > 1)
    return _sorted(frame, ["seed", "split", "epoch"]), notes


def read_data_card(path: Path) -> DataCard | None:
    """``data.json``; None if there is none.

    Raises:
        ResultsError: if it is not a JSON object with name, classes, sizes and hash.
    """
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return DataCard(
            name=str(content["name"]),
            classes=tuple(str(name) for name in content["classes"]),
            sizes={str(split): int(size) for split, size in content["sizes"].items()},
            hash=str(content["hash"]),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ResultsError(
            f"{path}: must be a JSON object with name, classes, sizes and hash "
            f"({type(error).__name__}: {error}); {REMEDY}"
        ) from None


# --- cells --------------------------------------------------------------------------------------


def _text(cell: str) -> str:
    if not cell:
        raise ValueError("must not be empty")
    return cell


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(value):
        raise ValueError("must be finite")
    return value


def _count(cell: str) -> int:
    value = _number(cell)
    if value < 0 or value != int(value):
        raise ValueError("must be a whole number of at least 0")
    return int(value)


def _truth(cell: str) -> bool:
    if cell not in ("True", "False"):
        raise ValueError("must be True or False")
    return cell == "True"


def _split(cell: str) -> str:
    if cell not in ("train", "valid"):
        raise ValueError("must be train or valid")
    return cell


def _numbers(cell: str) -> tuple[float, ...]:
    try:
        values = json.loads(cell)
    except ValueError:
        values = None
    if not isinstance(values, list):
        raise ValueError("must be a JSON list of numbers")
    return tuple(_number(str(value)) for value in values)


_Reader = Callable[[str], Any]
_RUN_COLUMNS: dict[str, _Reader] = {
    "run": _text,
    "architecture": _text,
    "latent_dim": _count,
    "beta": _number,
    "seed": _count,
    "parameters": _count,
    "train_seconds": _number,
    "epochs": _count,
    "elbo": _number,
    "reconstruction": _number,
    "kl": _number,
    "active_units": _count,
    "collapsed": _truth,
    "kl_per_dim": _numbers,
}
_HISTORY_COLUMNS: dict[str, _Reader] = {
    "run": _text,
    "architecture": _text,
    "latent_dim": _count,
    "beta": _number,
    "seed": _count,
    "epoch": _count,
    "split": _split,
    "elbo": _number,
    "reconstruction": _number,
    "kl": _number,
}


# --- files --------------------------------------------------------------------------------------


def _read_csv(path: Path, required: Iterable[str]) -> pd.DataFrame:
    """All cells as text, so that each can be checked and quoted as it stands in the file."""
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise ResultsError(f"{path}: no such file; {REMEDY}") from None
    except (OSError, ValueError) as error:  # a parser's and a decoder's errors are ValueErrors
        problem = str(error).strip().splitlines()[0]
        raise ResultsError(f"{path}: is not a CSV file ({problem}); {REMEDY}") from None
    missing = [name for name in required if name not in frame]
    if missing:
        raise ResultsError(f"{path}: must have the columns {', '.join(missing)}; {REMEDY}")
    return frame


def _convert(frame: pd.DataFrame, readers: dict[str, _Reader], path: Path) -> pd.DataFrame:
    converted = frame.copy()
    for column, reader in readers.items():
        values = []
        for row, cell in enumerate(frame[column]):
            try:
                # A short line leaves its last cells without text.
                values.append(reader(cell if isinstance(cell, str) else ""))
            except ValueError as error:
                raise ResultsError(
                    f"{path}: line {_line(row)}, {column} = {cell!r} {error}; {REMEDY}"
                ) from None
        converted[column] = pd.Series(values, index=frame.index)
    return converted


def _line(row: Any) -> int:
    """The line of the file: the heading is line 1."""
    return int(row) + 2


def _check_bound(frame: pd.DataFrame, path: Path) -> None:
    """``elbo`` is -(reconstruction + kl): a lost sign or beta would rank runs wrongly."""
    gap = (frame["elbo"] + frame["reconstruction"] + frame["kl"]).abs()
    wrong = gap > 0.01 + 1e-4 * frame["elbo"].abs()
    if wrong.any():
        row = frame[wrong].iloc[0]
        raise ResultsError(
            f"{path}: line {_line(row.name)}, elbo = {row['elbo']:g} must be "
            f"-(reconstruction + kl) = {-row['reconstruction'] - row['kl']:g}; {REMEDY}"
        )


def _check_kl_per_dim(frame: pd.DataFrame, path: Path) -> None:
    for row, (latent_dim, values) in enumerate(
        zip(frame["latent_dim"], frame["kl_per_dim"], strict=True)
    ):
        if len(values) != latent_dim:
            raise ResultsError(
                f"{path}: line {_line(row)}, kl_per_dim holds {len(values)} numbers and must hold "
                f"latent_dim = {latent_dim}; {REMEDY}"
            )


def _check_configurations(frame: pd.DataFrame, path: Path) -> None:
    """A configuration has one row a seed, and one size of network."""
    repeated = frame.duplicated([*CONFIGURATION, "seed"])
    if repeated.any():
        row = frame[repeated].iloc[0]
        raise ResultsError(
            f"{path}: line {_line(row.name)}, run {row['run']}: its configuration and seed stand "
            f"there twice, and must once; {REMEDY}"
        )
    for _, runs in frame.groupby(CONFIGURATION):
        counts = sorted(set(runs["parameters"]))
        if len(counts) > 1:
            raise ResultsError(
                f"{path}: runs {', '.join(runs['run'])} must have one number of parameters, but "
                f"have {' / '.join(map(str, counts))}; {REMEDY}"
            )


def _named(frame: pd.DataFrame, *, several_betas: bool) -> pd.DataFrame:
    names = [
        model_name(architecture, latent_dim, beta if several_betas else None)
        for architecture, latent_dim, beta in frame[CONFIGURATION].itertuples(index=False)
    ]
    return frame.assign(model=pd.Series(names, index=frame.index, dtype=object))


def _sorted(frame: pd.DataFrame, within: list[str]) -> pd.DataFrame:
    """In the order architecture (as settings list them), latent size, beta, then ``within``."""
    known = get_args(Architecture)
    names = sorted(set(frame["architecture"]) - set(known))
    rank = {name: place for place, name in enumerate((*known, *names))}
    ordered = frame.assign(_rank=frame["architecture"].map(rank)).sort_values(
        ["_rank", "architecture", "latent_dim", "beta", *within], kind="stable"
    )
    return ordered.drop(columns="_rank").reset_index(drop=True)
