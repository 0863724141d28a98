"""One trial: train what was chosen, report on the way, end it on record."""

import statistics
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import PreparedData, Split
from pipeline.errors import UserError
from pipeline.evaluation.bound import estimate_bound
from pipeline.evaluation.iwae import importance_weighted_nll
from pipeline.evaluation.pictures import as_bytes, decode, images_to_show, write_sheets
from pipeline.jobs.train import TrainingTask, fingerprint, save_run
from pipeline.models import VAE
from pipeline.numerics.hardware import Hardware, resolve_hardware, seeded_generator
from pipeline.runtime.background import in_background
from pipeline.settings import RunSettings
from pipeline.training.loop import EpochReport, Fit, fit, train_epochs
from pipeline.training.start import new_model
from study.search.plan import NLL_BATCH, NLL_SAMPLES, Plan
from study.search.replay import Replica
from study.search.schedule import FAULT, REASON, RESULT, TRACEBACK, TURN, Turn
from study.search.space import Chosen, to_run
from study.store.reconcile import TRIAL_TAG
from study.workers.trial_record import TrialRecord

if TYPE_CHECKING:
    from pipeline.runtime.tracking import MlflowRecord, Status, Tracker

SHOWN, DRAWN = 10, 64  # validation images and samples in the pictures of a best trial


class TrialError(Exception):
    """A trial that failed by itself: it diverged, cannot be built, or found no memory.

    Whatever else goes wrong, such as a full disk or a silent store, is no fault of the trial.
    """


@dataclass(frozen=True, slots=True)
class Measured:
    """What one training came to on the validation split, with beta = 1 whatever it trained with."""

    elbo: float
    reconstruction: float
    kl: float
    nll: float | None


@dataclass(slots=True)
class TrialRunner:
    """Runs trials of one search in one process; the data are read once, not once a trial.

    Attributes:
        plan: of the search.
        prepared: with the splits ``train`` and ``valid``.
        tracker: opens the search's experiment; beside the first trial, as its import takes long.
        parent: run id of the search.
        replica: decides what is pruned.
        commit: of the code, for the record.
        cancelled: asked after each epoch whether the trial is to end without a result.
    """

    plan: Plan
    prepared: PreparedData
    tracker: "Callable[[], Tracker]"
    parent: str
    replica: Replica
    commit: str
    cancelled: Callable[[], bool] = lambda: False
    _ending: Future[None] | None = field(default=None, init=False)

    def run(
        self, trial: optuna.Trial, chosen: Chosen, turns: Sequence[Turn]
    ) -> float | tuple[float, float]:
        """The trial's value, or its two values for rate-distortion.

        Args:
            trial: under way.
            chosen: what it tries.
            turns: all that there were when it began.

        Raises:
            TrialPruned: if it does worse than the others did by then.
            TrialError: if the trial is at fault.
        """
        self.close()
        name, tags = f"trial {trial.user_attrs[TURN]}", {TRIAL_TAG: str(trial.number)}
        begun = in_background(
            lambda: self.tracker().start(name, chosen, self.parent, self.commit, tags)
        )
        record = TrialRecord(trial, begun)
        ended: tuple[Status, str] = "FINISHED", ""
        try:
            return self._evaluate(trial, chosen, turns, record)
        except optuna.TrialPruned as pruned:
            ended = "KILLED", str(pruned)
            trial.set_user_attr(REASON, str(pruned))
            raise
        except KeyboardInterrupt:
            ended = "KILLED", "interrupted by the user"
            raise
        except TrialError as error:
            ended = "FAILED", str(error)
            trial.set_user_attr(FAULT, str(error))
            if not isinstance(error.__cause__, UserError):
                told = "".join(traceback.format_exception(error.__cause__))
                trial.set_user_attr(TRACEBACK, told)
            raise
        except BaseException as error:
            ended = "KILLED", f"{type(error).__name__}: {error}"
            raise
        finally:
            self._ending = record.finish(*ended)

    def close(self) -> None:
        """Wait until the last trial's record is ended.

        Raises:
            MlflowException: if the tracker could not write it.
        """
        if self._ending is not None:
            self._ending.result()
            self._ending = None

    def _evaluate(
        self, trial: optuna.Trial, chosen: Chosen, turns: Sequence[Turn], record: TrialRecord
    ) -> float | tuple[float, float]:
        search = self.plan.search
        start = time.perf_counter()
        measured: list[Measured] = []
        for replicate in range(search.replicates):
            with _trial_at_fault():
                run = to_run(chosen, self.plan.base, search.seed + replicate, search.epochs)
                machine = resolve_hardware(run.device, run.precision)
                model = new_model(run, self.prepared)

            def observe(report: EpochReport, first: bool = replicate == 0) -> None:
                if self.cancelled():
                    raise KeyboardInterrupt
                if first:
                    record.add(report)
                    if self.plan.prunes and report.epoch in self.plan.check_epochs():
                        self._compare(record, self._sign * report.valid.elbo, report.epoch)

            result = fit(model, self._train(model, run, machine), run, observe)
            with _trial_at_fault():
                measured.append(self._measure(model, run, result))
            if replicate == 0:
                first_model, first_run, first_result = model, run, result
            if self.plan.prunes and replicate + 1 < search.replicates:
                value = statistics.mean(self._value(one) for one in measured)
                self._compare(record, value, search.epochs + replicate)
        seconds = round(time.perf_counter() - start, 3)
        values = self._conclude(trial, measured, len(first_result.history), seconds)
        if self._is_best(trial.study, turns, values):
            self._keep(record.run, first_model, first_run, first_result, machine)
        return values[0] if len(values) == 1 else (values[0], values[1])

    def _train(self, model: VAE, run: RunSettings, machine: Hardware) -> Iterator[EpochReport]:
        """Training's reports; only what fails within it is the trial's own fault."""
        splits = self.prepared.splits
        reports = train_epochs(model, run, splits["train"], splits["valid"], machine)
        while True:
            with _trial_at_fault():
                report = next(reports, None)
            if report is None:
                return
            yield report

    def _measure(self, model: VAE, run: RunSettings, result: Fit) -> Measured:
        valid = result.chosen.valid
        nll = None
        if self.plan.search.objective == "nll":
            model.cpu().eval()
            images = model_inputs(self.prepared.splits["valid"], run.binarisation)
            generator = seeded_generator(run.seed, "evaluation")
            estimate = importance_weighted_nll(model, images, NLL_SAMPLES, generator, NLL_BATCH)
            nll = estimate.double().mean().item()
        return Measured(valid.elbo, valid.reconstruction, valid.kl, nll)

    def _conclude(
        self, trial: optuna.Trial, measured: list[Measured], epochs: int, seconds: float
    ) -> tuple[float, ...]:
        """Note the means over the seeds with the trial; the objective's values among them."""
        means = {
            name: statistics.mean(getattr(one, name) for one in measured)
            for name in ("elbo", "reconstruction", "kl", "nll")
            if getattr(measured[0], name) is not None
        }
        spread = {}
        if len(measured) > 1:
            spread = {"spread": statistics.stdev(self._value(one) for one in measured)}
        trial.set_user_attr(RESULT, means | spread | {"epochs": epochs, "seconds": seconds})
        if self.plan.search.objective == "rate-distortion":
            return means["reconstruction"], means["kl"]
        return (statistics.mean(self._value(one) for one in measured),)

    def _value(self, measured: Measured) -> float:
        return measured.elbo if measured.nll is None else measured.nll

    @property
    def _sign(self) -> int:
        """On the way, nll is compared by its bound, the negative ELBO."""
        return -1 if self.plan.search.objective == "nll" else 1

    def _compare(self, record: TrialRecord, value: float, step: int) -> None:
        record.report(value, step)
        if self.replica.should_prune(value, step):
            raise optuna.TrialPruned(f"pruned after epoch {step} with {value:.2f} nats")

    def _is_best(
        self, search: optuna.Study, turns: Sequence[Turn], values: tuple[float, ...]
    ) -> bool:
        """Whether no complete trial is better; of two objectives each on the front is."""
        # What was there when the trial began answers most of the times, and needs no store.
        return not self._is_beaten(values, [turn.trial for turn in turns]) and not self._is_beaten(
            values, search.get_trials(deepcopy=False)
        )

    def _is_beaten(self, values: tuple[float, ...], trials: Sequence[FrozenTrial]) -> bool:
        """Whether one of the trials that are complete is as good or better in all objectives."""
        signs = [-1 if way == "maximize" else 1 for way in self.plan.directions]
        costs = [sign * value for sign, value in zip(signs, values, strict=True)]
        return any(
            all(s * v <= c for s, v, c in zip(signs, one.values, costs, strict=True))
            for one in trials
            if one.state == TrialState.COMPLETE
        )

    def _keep(
        self, record: "MlflowRecord", model: VAE, run: RunSettings, result: Fit, machine: Hardware
    ) -> None:
        """Record weights, history and pictures of a trial that is the best so far."""
        model.cpu().eval()
        wanted = fingerprint(run, self.prepared.hash, machine, 1)
        with tempfile.TemporaryDirectory(prefix="vae-study-") as name:
            folder = Path(name)
            task = TrainingTask(name, run, folder, wanted, 1, self.commit, record.run_id)
            save_run(folder, task, model, result, self.prepared, machine)
            record.log_files(folder, "model")
        with tempfile.TemporaryDirectory(prefix="vae-study-") as name:
            write_sheets(Path(name), _pictures(model, run, self.prepared.splits["valid"]))
            record.log_files(Path(name), "valid")


def _pictures(model: VAE, run: RunSettings, valid: Split) -> dict[str, np.ndarray]:
    """Validation images with their reconstructions, and samples; the test split stays unseen."""
    shown = images_to_show(valid.labels.numpy(), SHOWN, seed=0)
    images = model_inputs(valid, run.binarisation)[shown]
    measured = estimate_bound(model, images, 1, seeded_generator(0, "evaluation"), SHOWN)
    return {
        "originals": valid.images[shown].numpy(),
        "inputs": as_bytes(images),
        "reconstructions": decode(model, measured.mu),
        "samples": as_bytes(model.sample(DRAWN, seeded_generator(0, "pictures"))),
    }


@contextmanager
def _trial_at_fault() -> Iterator[None]:
    """Blame the trial for what fails in the block."""
    try:
        yield
    except UserError as error:
        raise TrialError(error.message) from error
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise TrialError(reason[:500]) from error
