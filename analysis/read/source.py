"""One side of a comparison: the numbers of a results folder, without models and without a judge."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.read.arrays import load_per_image
from analysis.read.frames import read_runs
from analysis.words import join_and
from pipeline.schemas.data_card import DATA_CARD, DataCard
from pipeline.schemas.metrics import ELBO, KL, RECONSTRUCTION
from pipeline.schemas.protocol import PROTOCOL_FIELDS, Protocol, require_same_protocol
from pipeline.schemas.provenance import PROVENANCE, Provenance
from pipeline.schemas.record import read_record
from pipeline.schemas.tables import RUN_METRICS

BOUND = (ELBO, RECONSTRUCTION, KL)  # what is compared


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The results of one grid.

    Attributes:
        name: what the user calls it.
        runs: one row per run; see ``read_runs``.
        protocol: the one protocol of all runs.
        data: the data set's card; None if it was not exported.
        provenance: where the runs came from; None if it was not exported.
        per_image: values (N,) of each metric of ``BOUND`` on all test images, by run.
        notes: what is missing, in sentences.
    """

    name: str
    runs: pd.DataFrame
    protocol: Protocol
    data: DataCard | None
    provenance: Provenance | None
    per_image: Mapping[str, Mapping[str, NDArray[np.float64]]]
    notes: tuple[str, ...]


def load_source(folder: Path, name: str) -> Source:
    """Read and check what a comparison needs of a results folder.

    Args:
        folder: the results folder.
        name: what the user calls it.

    Raises:
        ResultsError: if ``metrics.csv`` is missing, or a file breaks a rule.
        ProtocolError: if the runs were measured under different protocols.
        RecordError: if ``data.json`` or ``provenance.json`` is there and cannot be read.
    """
    runs = read_runs(folder / RUN_METRICS.name)
    protocol = require_same_protocol(
        (Protocol(*row) for row in runs[list(PROTOCOL_FIELDS)].itertuples(index=False)), name
    )
    data, provenance = folder / DATA_CARD, folder / PROVENANCE
    per_image = {metric.name: load_per_image(folder, runs, metric)[0] for metric in BOUND}
    lacking = [run for run in runs["run"] if any(run not in of for of in per_image.values())]
    which = "all runs" if len(lacking) == len(runs) else join_and(lacking)
    return Source(
        name=name,
        runs=runs,
        protocol=protocol,
        data=read_record(DataCard, data) if data.exists() else None,
        provenance=read_record(Provenance, provenance) if provenance.exists() else None,
        per_image=per_image,
        notes=(
            f"{name} lacks the values per image of {which}, so they have no interval over images.",
        )
        if lacking
        else (),
    )
