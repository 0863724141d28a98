"""One trial: train what was chosen, report on the way, end it on record."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import optuna
import torch

from pipeline.data import PreparedData, observed
from pipeline.hardware import Hardware, resolve_hardware, seeded_generator
from pipeline.importance import importance_weighted_nll
from pipeline.models import VAE, ImageShape, build_model, initialise
from pipeline.settings import RunSettings
from pipeline.tracking import MlflowRecord, Tracker
from pipeline.training import EpochReport, epoch_metrics, train_epochs
from study.candidates import Chosen, to_run
from study.plan import Plan

REASON, RUN_ID = "reason", "run_id"  # attributes of a trial
NLL_SAMPLES, NLL_BATCH = 64, 500


@dataclass(slots=True)
class TrialRunner:
    """Runs trials of one search in one process; the data are read once, not once a trial."""

    plan: Plan
    prepared: PreparedData
    tracker: Tracker
    parent: str
    _mean_image: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        self._mean_image = self.prepared.splits["train"].images.float().mean(0) / 255

    def run(self, trial: optuna.Trial, chosen: Chosen) -> float | tuple[float, float]:
        """The trial's value, or its two values for rate-distortion.

        Raises:
            TrialPruned: if it does worse than the others did by then.
            DivergenceError: if the training diverges.
        """
        record = self.tracker.start(f"trial {trial.number}", chosen, self.parent)
        trial.set_user_attr(RUN_ID, record.run_id)
        try:
            value = self._evaluate(trial, chosen, record)
        except optuna.TrialPruned as pruned:
            record.finish("KILLED", str(pruned))
            raise
        except KeyboardInterrupt:
            record.finish("KILLED", "interrupted by the user")
            raise
        except Exception as error:
            reason = getattr(error, "message", f"{type(error).__name__}: {error}")
            trial.set_user_attr(REASON, reason)
            record.finish("FAILED", reason)
            raise
        record.finish()
        return value

    def _evaluate(
        self, trial: optuna.Trial, chosen: Chosen, record: MlflowRecord
    ) -> float | tuple[float, float]:
        search = self.plan.search
        start = time.perf_counter()
        replicates: list[dict[str, float]] = []
        for replicate in range(search.replicates):
            run = to_run(chosen, self.plan.base, search.seed + replicate, search.epochs)
            model = self._build(run)
            machine = resolve_hardware(run.device, run.precision)
            last: EpochReport | None = None
            for last in self._train(model, run, machine):
                if replicate == 0:
                    record.log_metrics(epoch_metrics(last), last.epoch)
                    if self.plan.prunes and last.epoch in self.plan.check_epochs():
                        self._compare(trial, self._sign * last.valid.elbo, last.epoch)
            assert last is not None
            replicates.append(self._measure(model, run, last))
            if self.plan.prunes and replicate + 1 < search.replicates:
                value = statistics.mean(one[self._metric] for one in replicates)
                self._compare(trial, value, search.epochs + replicate)
        means = {name: statistics.mean(one[name] for one in replicates) for name in replicates[0]}
        for name, value in means.items():
            trial.set_user_attr(name, value)
        if len(replicates) > 1:
            spread = statistics.stdev(one[self._metric] for one in replicates)
            trial.set_user_attr("spread", spread)
        trial.set_user_attr("seconds", round(time.perf_counter() - start, 3))
        if search.objective == "rate-distortion":
            return means["reconstruction"], means["kl"]
        return means[self._metric]

    @property
    def _metric(self) -> str:
        return "nll" if self.plan.search.objective == "nll" else "elbo"

    @property
    def _sign(self) -> int:
        """On the way, nll is compared by its bound, the negative ELBO."""
        return -1 if self.plan.search.objective == "nll" else 1

    def _compare(self, trial: optuna.Trial, value: float, step: int) -> None:
        trial.report(value, step)
        if trial.should_prune():
            raise optuna.TrialPruned(f"pruned at step {step} with {value:.2f} nats")

    def _build(self, run: RunSettings) -> VAE:
        model = build_model(run, ImageShape(*self.prepared.image_shape))
        initialise(model, self._mean_image, seeded_generator(run.seed, "initialisation"))
        return model

    def _train(self, model: VAE, run: RunSettings, machine: Hardware) -> Iterator[EpochReport]:
        splits = self.prepared.splits
        return train_epochs(model, run, splits["train"], splits["valid"], machine)

    def _measure(self, model: VAE, run: RunSettings, last: EpochReport) -> dict[str, float]:
        """The validation split's terms after the last epoch; a trained beta never enters them."""
        measured = {
            "elbo": last.valid.elbo,
            "reconstruction": last.valid.reconstruction,
            "kl": last.valid.kl,
        }
        if self.plan.search.objective == "nll":
            model.cpu().eval()
            images = observed(self.prepared.splits["valid"], run.binarisation)
            generator = seeded_generator(run.seed, "evaluation")
            nll = importance_weighted_nll(model, images, NLL_SAMPLES, generator, NLL_BATCH)
            measured["nll"] = nll.double().mean().item()
        return measured
