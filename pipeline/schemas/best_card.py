"""``results/best.json``: what a search was, how it was measured, and its best settings."""

from typing import ClassVar

from pipeline.schemas.protocol import is_likelihood
from pipeline.schemas.record import Part, Record
from pipeline.settings import (
    Architecture,
    Binarisation,
    Checkpoint,
    Likelihood,
    Objective,
    Precision,
    RunSettings,
    SearchPlan,
)
from pipeline.settings.base import TupleOf
from pipeline.settings.space import Value

BEST = "best.json"


class SearchProtocol(Part):
    """What makes a search's numbers comparable with others.

    Attributes:
        split: the split that trials are measured on.
        nll_samples: K of the objective ``nll``; None for the others.
    """

    data: str
    split: str
    likelihood: Likelihood
    binarisation: Binarisation
    checkpoint: Checkpoint
    precision: Precision
    nll_samples: int | None

    @property
    def is_likelihood(self) -> bool:
        """Whether the ELBO bounds a log-likelihood."""
        return is_likelihood(self.likelihood, self.binarisation)


class FailedTrial(Part):
    """A trial without a result."""

    number: int
    reason: str


class BestTrial(Part):
    """A trial with the settings that train it again.

    Attributes:
        number: of the trial.
        metrics: on the validation split.
        params: what the search chose, by dimension.
        settings: the whole run.
    """

    number: int
    metrics: dict[str, float]
    params: dict[str, Value]
    settings: RunSettings


class BestCard(Record):
    """A search and its best trials.

    Attributes:
        search: its name.
        objective: what it optimised.
        data_hash: of the prepared file.
        finished_trials: how many are exported.
        failed: trials that were given up.
        first_comparison: epoch after which trials are first compared; None if they never are.
        protocol: how its numbers were measured.
        plan: what it was set to do.
        best: by the objective; None where there are two.
        front: the Pareto front of two objectives; empty where there is one.
        architectures: the best trial by ELBO of each architecture, which
            ``train.hyperparameters: searched`` takes its settings from.
    """

    what: ClassVar[str] = "a search"
    remedy: ClassVar[str] = "write it again with `dvc repro search` or `study export`"

    search: str
    objective: Objective
    data_hash: str
    finished_trials: int
    failed: TupleOf[FailedTrial]
    first_comparison: int | None
    protocol: SearchProtocol
    plan: SearchPlan
    best: BestTrial | None = None
    front: TupleOf[BestTrial] = ()
    architectures: dict[Architecture, BestTrial]
