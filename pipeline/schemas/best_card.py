"""``results/best.json``: describes a search, its protocol and its best trials."""

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
        checkpoint: which epoch counts; None if that was searched.
        nll_samples: K for the objective ``nll``; None for other objectives.
    """

    data: str
    split: str
    likelihood: Likelihood
    binarisation: Binarisation
    checkpoint: Checkpoint | None
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
    """A trial with the settings to train it again.

    Attributes:
        number: the trial's number.
        metrics: metrics on the validation split.
        params: the values that the search chose, by dimension.
        settings: all settings of the run.
    """

    number: int
    metrics: dict[str, float]
    params: dict[str, Value]
    settings: RunSettings


class ConfirmedRun(Part):
    """A trial's settings trained with a new seed.

    Attributes:
        seed: the run's seed, which neither the search nor the grid used.
        elbo, reconstruction, kl: on the validation split, in nats per image.
    """

    seed: int
    elbo: float
    reconstruction: float
    kl: float


class BestOfArchitecture(BestTrial):
    """The best trial of an architecture, with the evidence behind it.

    Attributes:
        finished_trials: how many trials of the architecture there are.
        complete_trials: how many of them ran to the end, without those that repeated another.
        confirmed: the trial's settings with new seeds; empty if they were not confirmed.
        confirmed_epochs: the epochs of these runs.
    """

    finished_trials: int
    complete_trials: int
    confirmed: TupleOf[ConfirmedRun] = ()
    confirmed_epochs: int | None = None


class BestCard(Record):
    """A search and its best trials.

    Attributes:
        search: the search's name.
        objective: what it optimised.
        data_hash: hash of the prepared file.
        finished_trials: number of exported trials.
        complete_trials: how many of them ran to the end, without those that repeated another.
        failed: trials that were abandoned.
        first_comparison: epoch after which trials are first compared; None if they never are.
        protocol: how its numbers were measured.
        plan: its settings.
        best: the best trial by the objective; None if there are two objectives.
        front: the Pareto front of two objectives; empty if there is one.
        architectures: the best trial of each architecture (by ELBO, of two objectives), whose
            settings ``train.hyperparameters: searched`` uses.
    """

    what: ClassVar[str] = "a search"
    remedy: ClassVar[str] = "write it again with `dvc repro search` or `study export`"
    most_bytes: ClassVar[int] = 4_000_000  # a trial on the Pareto front takes 1,500

    search: str
    objective: Objective
    data_hash: str
    finished_trials: int
    complete_trials: int
    failed: TupleOf[FailedTrial]
    first_comparison: int | None
    protocol: SearchProtocol
    plan: SearchPlan
    best: BestTrial | None = None
    front: TupleOf[BestTrial] = ()
    architectures: dict[Architecture, BestOfArchitecture]
