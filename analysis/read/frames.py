"""Exported results -> checked frames.

Everything downstream may rely on what is checked here: columns, types, finite numbers, one row per
run, one protocol. A model's display name (column ``model``) identifies one configuration, which is
architecture, latent size and beta; beta is named if the results contain several.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, get_args

import pandas as pd

from analysis.read.cells import REMEDY, ResultsError, line_of, read_table
from pipeline.schemas.data_card import DATA_CARD, DataCard
from pipeline.schemas.judge_card import JudgeCard
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.protocol import PROTOCOL_FIELDS, Protocol, require_same_protocol
from pipeline.schemas.provenance import PROVENANCE, Provenance
from pipeline.schemas.record import Record, read_record
from pipeline.schemas.tables import GRID_EPOCHS, RUN_METRICS
from pipeline.settings import Architecture, cell_name

R = TypeVar("R", bound=Record)

CONFIGURATION = ["architecture", "latent_dim", "beta"]


@dataclass(frozen=True, slots=True)
class Results:
    """All exported numbers, checked.

    Attributes:
        folder: where they were read, and where the arrays are.
        runs: one row per run, ordered by architecture, latent size, beta and seed; the columns
            of ``metrics.csv`` and ``model``, the configuration's display name.
        history: one row per run, epoch and split, with ``model``; empty if none was exported.
        protocol: the one protocol of all runs.
        data: the data set's card; None if it was not exported.
        judge: the card of the judge behind some of the numbers.
        notes: what is missing, in sentences.
        provenance: where the runs came from; None if it was not exported.
    """

    folder: Path
    runs: pd.DataFrame
    history: pd.DataFrame
    protocol: Protocol
    data: DataCard | None
    judge: JudgeCard
    notes: tuple[str, ...]
    provenance: Provenance | None = None

    @property
    def several_betas(self) -> bool:
        """Whether beta is part of the display names."""
        return int(self.runs["beta"].nunique()) > 1


def load_results(folder: Path, judge: Path) -> Results:
    """Read and check ``metrics.csv``, ``history.csv`` and the two cards of a results folder.

    Args:
        folder: the results folder.
        judge: the file ``judge.json`` of the judge of these results.

    Raises:
        ResultsError: if ``metrics.csv`` is missing, any of the others breaks a rule, or the judge
            is not that of the results.
        ProtocolError: if runs were measured under different protocols.
        JudgeError: if the judge's card cannot be read.
        UserError: if ``provenance.json`` is there and cannot be read.
    """
    runs = read_runs(folder / RUN_METRICS.name)
    protocol = require_same_protocol(
        (Protocol(*row) for row in runs[list(PROTOCOL_FIELDS)].itertuples(index=False)),
        str(folder / RUN_METRICS.name),
    )
    history, notes = read_history(folder / GRID_EPOCHS.name, runs)
    data = _read_if_there(DataCard, folder / DATA_CARD)
    if data is None:
        notes.append(
            f"{folder / DATA_CARD} is missing: the sizes of the splits and the names of the "
            "classes are not shown."
        )
    card = _read_judge(judge, protocol)
    provenance = _read_if_there(Provenance, folder / PROVENANCE)
    return Results(folder, runs, history, protocol, data, card, tuple(notes), provenance)


def _read_if_there(record: type[R], path: Path) -> R | None:
    return read_record(record, path) if path.exists() else None


def _read_judge(path: Path, protocol: Protocol) -> JudgeCard:
    card = read_record(JudgeCard, path)
    if card.sha256 != protocol.judge:
        raise ResultsError(
            f"{path}: describes the judge {card.sha256[:12]}, but the results were judged by "
            f"{protocol.judge[:12]}; run `dvc repro evaluate`"
        )
    return card


def model_name(architecture: str, latent_dim: int, beta: float | None = None) -> str:
    """``linear-2``; with a beta ``linear-2 (β = 4)``."""
    name = cell_name(architecture, latent_dim)
    return name if beta is None else f"{name} ({beta_name(beta)})"


def beta_name(beta: float) -> str:
    """``β = 4``, on one line."""
    return f"β\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{beta:g}"


def plain_beta(frame: pd.DataFrame) -> float:
    """The beta to show where only one can be shown: 1, or else the smallest."""
    betas = set(frame["beta"])
    return 1.0 if 1 in betas else float(min(betas))


def read_runs(path: Path) -> pd.DataFrame:
    """``metrics.csv`` as a frame with typed, checked columns, sorted, with ``model``.

    Raises:
        ResultsError: naming file, line, column, value and rule.
    """
    frame = read_table(path, RUN_METRICS)
    if frame.empty:
        raise ResultsError(f"{path}: has no runs; {REMEDY}")
    for metric in METRICS.values():
        _check_gaps(frame, metric, path)
    _check_bound(frame, path)
    _check_kl_per_dim(frame, path)
    _check_configurations(frame, path)
    return _named(_sorted(frame, ["seed"]), several_betas=frame["beta"].nunique() > 1)


def read_history(path: Path, runs: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """``history.csv`` as a frame with typed columns and ``model``, and notes on what is missing.

    Only the histories of evaluated runs are kept. ``seconds`` count from the start of a run's
    training.

    Raises:
        ResultsError: naming file, line, column, value and rule.
    """
    if not path.exists():
        empty = pd.DataFrame(columns=[*GRID_EPOCHS.columns, "model"])
        return empty, [f"{path} is missing: training curves are not shown."]
    frame = read_table(path, GRID_EPOCHS)
    repeated = frame.duplicated(["run", "epoch", "split"])
    if repeated.any():
        row = frame[repeated].iloc[0]
        raise ResultsError(
            f"{path}: line {line_of(row.name)}, run {row['run']}, epoch {row['epoch']}, "
            f"{row['split']}: is listed twice; {REMEDY}"
        )
    frame = frame[frame["run"].isin(runs["run"])]
    absent = [run for run in runs["run"] if run not in set(frame["run"])]
    notes = [f"{path} contains no history of {', '.join(absent)}."] if absent else []
    frame = _named(frame, several_betas=runs["beta"].nunique() > 1)
    return _sorted(frame, ["seed", "split", "epoch"]), notes


# --- rules --------------------------------------------------------------------------------------


def _check_gaps(frame: pd.DataFrame, metric: Metric, path: Path) -> None:
    """Check that a number is present exactly where its definition allows it."""
    empty = frame[metric.name].isna()
    lacking = pd.Series("", index=frame.index)  # why a run cannot have the number
    if "plane" in metric.needs:
        lacking[frame["latent_dim"] != 2] = "has not two latent dimensions"
    if "likelihood" in metric.needs:
        protocols = (Protocol(*row) for row in frame[list(PROTOCOL_FIELDS)].itertuples(index=False))
        none = [not protocol.is_likelihood for protocol in protocols]
        lacking[none] = "has no likelihood, but a Bernoulli on grey pixels"
    false = ~empty & (lacking != "")
    if false.any():
        row = frame[false].iloc[0]
        raise ResultsError(
            f"{path}: line {line_of(row.name)}, {metric.name} = {row[metric.name]:g} must be "
            f"empty: run {row['run']} {lacking[false].iloc[0]}; {REMEDY}"
        )
    missing = empty & (lacking == "")
    if "plane" in metric.needs:
        missing &= ~frame["collapsed"]  # which may decode every code to one image
    chosen = {"option", "classes"} & set(metric.needs)
    if missing.any() and not (chosen and empty.all()):
        row = frame[missing].iloc[0]
        rule = "must be present for all runs or for none" if chosen else "must be a number"
        raise ResultsError(
            f"{path}: line {line_of(row.name)}, {metric.name} of run {row['run']} is empty and "
            f"{rule}; {REMEDY}"
        )


def _check_bound(frame: pd.DataFrame, path: Path) -> None:
    """``elbo`` is -(reconstruction + kl): a lost sign or beta would rank runs wrongly."""
    gap = (frame["elbo"] + frame["reconstruction"] + frame["kl"]).abs()
    wrong = gap > 0.01 + 1e-4 * frame["elbo"].abs()
    if wrong.any():
        row = frame[wrong].iloc[0]
        raise ResultsError(
            f"{path}: line {line_of(row.name)}, elbo = {row['elbo']:g} must be "
            f"-(reconstruction + kl) = {-row['reconstruction'] - row['kl']:g}; {REMEDY}"
        )


def _check_kl_per_dim(frame: pd.DataFrame, path: Path) -> None:
    for row, (latent_dim, values) in enumerate(
        zip(frame["latent_dim"], frame["kl_per_dim"], strict=True)
    ):
        if len(values) != latent_dim:
            raise ResultsError(
                f"{path}: line {line_of(row)}, kl_per_dim has {len(values)} numbers and must "
                f"have latent_dim = {latent_dim}; {REMEDY}"
            )


def _check_configurations(frame: pd.DataFrame, path: Path) -> None:
    """A configuration has one row per seed, and one size of network."""
    repeated = frame.duplicated([*CONFIGURATION, "seed"])
    if repeated.any():
        row = frame[repeated].iloc[0]
        raise ResultsError(
            f"{path}: line {line_of(row.name)}, run {row['run']}: its configuration and seed are "
            f"listed twice; {REMEDY}"
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
