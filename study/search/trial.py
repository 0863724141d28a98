"""One trial without its surroundings: train the chosen values, and decide what they are worth.

Nothing here knows a store or a tracker. The caller sees each step of a trial as it happens, and
ends the trial by raising an exception from there.
"""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import PreparedData
from pipeline.errors import UserError, brief
from pipeline.evaluation.iwae import importance_weighted_nll
from pipeline.models import VAE
from pipeline.numerics.hardware import Hardware, resolve_hardware, seeded_generator
from pipeline.settings import RunSettings
from pipeline.training.loop import EpochReport, Fit, fit, train_epochs
from pipeline.training.run import new_model
from study.search.plan import NLL_BATCH, NLL_SAMPLES, Plan
from study.search.space import Chosen, to_run


class TrialError(Exception):
    """A trial that failed by itself: it diverged, cannot be built, or ran out of memory.

    Anything else that goes wrong, such as a full disk or a silent store, is not the trial's fault.
    """


@dataclass(frozen=True, slots=True)
class Check:
    """A value by which a trial is compared with the others before it ends.

    Attributes:
        step: the epoch; after a whole training, the trial's epochs plus the number of the training.
        value: in the direction of the objective; for ``nll`` the negative ELBO, its bound.
    """

    step: int
    value: float


@dataclass(frozen=True, slots=True)
class Step:
    """What the caller sees of a trial.

    Attributes:
        replicate: number of the training, from 0.
        report: on the epoch that ended; None after a whole training.
        check: the comparison that is due now, if any.
    """

    replicate: int
    report: EpochReport | None
    check: Check | None


@dataclass(frozen=True, slots=True)
class TrialScore:
    """What one training reached on the validation split, at beta = 1 whatever it trained with.

    Attributes:
        elbo, reconstruction, kl: in nats per image.
        nll: the importance-weighted estimate in nats per image; None for other objectives.
    """

    elbo: float
    reconstruction: float
    kl: float
    nll: float | None

    @property
    def objective(self) -> float:
        """The value of a single objective."""
        return self.elbo if self.nll is None else self.nll


@dataclass(frozen=True, slots=True)
class Training:
    """A finished training of a trial.

    Attributes:
        model: with the chosen weights.
        run: its settings.
        fit: its history.
        hardware: on which it ran.
    """

    model: VAE
    run: RunSettings
    fit: Fit
    hardware: Hardware


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a trial is worth.

    Attributes:
        values: one per objective.
        metrics: means over the replicates by name; with several, ``spread``, the standard deviation
            of the objective.
        first: the training of the first replicate.
    """

    values: tuple[float, ...]
    metrics: dict[str, float]
    first: Training


def train_trial(
    plan: Plan, data: PreparedData, chosen: Chosen, observe: Callable[[Step], None]
) -> TrialResult:
    """Train all replicates of a trial and return what it is worth.

    Args:
        plan: the search's plan.
        data: with the splits ``train`` and ``valid``.
        chosen: the values to try.
        observe: called after each epoch, and after each replicate but the last where trials are
            pruned; what it raises ends the trial.

    Raises:
        TrialError: if the trial is at fault.
    """
    search = plan.search
    scores: list[TrialScore] = []
    first: Training | None = None
    for replicate in range(search.replicates):
        with blame_trial():
            run = to_run(chosen, plan.base, search.seed + replicate, search.epochs)
            hardware = resolve_hardware(run.device, run.precision)
            model = new_model(run, data)

        def observe_epoch(report: EpochReport, replicate: int = replicate) -> None:
            observe(Step(replicate, report, _check(plan, replicate, report)))

        fitted = fit(model, _epochs(model, run, data, hardware), run, observe_epoch)
        training = Training(model, run, fitted, hardware)
        with blame_trial():
            scores.append(_score(plan, data, training))
        first = first or training
        if plan.prunes and replicate + 1 < search.replicates:
            mean = statistics.mean(score.objective for score in scores)
            observe(Step(replicate, None, Check(search.epochs + replicate, mean)))
    assert first is not None, "a trial has at least one replicate"
    return summarise(plan, scores, first)


def summarise(plan: Plan, scores: list[TrialScore], first: Training) -> TrialResult:
    """Combine the replicates' scores into a trial's result."""
    metrics = {
        name: statistics.mean(getattr(score, name) for score in scores)
        for name in ("elbo", "reconstruction", "kl", "nll")
        if getattr(scores[0], name) is not None
    }
    if len(scores) > 1:
        metrics["spread"] = statistics.stdev(score.objective for score in scores)
    if plan.search.objective == "rate-distortion":
        values: tuple[float, ...] = (metrics["reconstruction"], metrics["kl"])
    else:
        values = (statistics.mean(score.objective for score in scores),)
    return TrialResult(values, metrics, first)


def _check(plan: Plan, replicate: int, report: EpochReport) -> Check | None:
    """The comparison that is due after an epoch, if any; only the first replicate has some."""
    if replicate > 0 or not plan.prunes or report.epoch not in plan.check_epochs():
        return None
    sign = -1 if plan.search.objective == "nll" else 1
    return Check(report.epoch, sign * report.valid.elbo)


def _epochs(
    model: VAE, run: RunSettings, data: PreparedData, hardware: Hardware
) -> Iterator[EpochReport]:
    """Yield the reports of training; only what fails within it is the trial's fault."""
    reports = train_epochs(model, run, data.splits["train"], data.splits["valid"], hardware)
    while True:
        with blame_trial():
            report = next(reports, None)
        if report is None:
            return
        yield report


def _score(plan: Plan, data: PreparedData, training: Training) -> TrialScore:
    valid = training.fit.chosen.valid
    nll = None
    if plan.search.objective == "nll":
        model, run = training.model.cpu().eval(), training.run
        images = model_inputs(data.splits["valid"], run.binarisation)
        generator = seeded_generator(run.seed, "evaluation")
        estimate = importance_weighted_nll(model, images, NLL_SAMPLES, generator, NLL_BATCH)
        nll = estimate.double().mean().item()
    return TrialScore(valid.elbo, valid.reconstruction, valid.kl, nll)


@contextmanager
def blame_trial() -> Iterator[None]:
    """Turn what fails in the block into a ``TrialError``."""
    try:
        yield
    except UserError as error:
        raise TrialError(error.message) from error
    except Exception as error:
        reason = brief(f"{type(error).__name__}: {error}", 500)
        raise TrialError(reason) from error
