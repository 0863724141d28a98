"""Line e: a 50-trial search, until it reaches the final value of a plain Optuna script."""

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import optuna

from benchmarks.context import DIGITS, Context, alone
from benchmarks.rows import OURS, Row
from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import load_prepared
from pipeline.settings import load_settings

TRIALS, QUICK_TRIALS = 50, 4
TARGET = 6.0
PARAMS = Path(__file__).parents[2] / "params.yaml"

Course = list[tuple[float, float]]  # seconds since the start and best value so far, per trial


@dataclass(frozen=True, slots=True)
class Script:
    """One run of the plain script."""

    data: Path
    trials: int
    epochs: int
    seed: int


def plain_optuna(task: Script, tell: Callable[[object], None]) -> Course:
    """Run the plain script on binarised digits, as ours."""
    from benchmarks.peers import plain_optuna as peer

    splits = load_prepared(task.data, splits=("train", "valid")).splits
    data = peer.Data(
        model_inputs(splits["train"], "none"), model_inputs(splits["valid"], "dynamic")
    )
    course: Course = []
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/plain.db"
        peer.search(data, task.trials, task.epochs, task.seed, url, lambda *now: course.append(now))
    return course


def ours(context: Context, trials: int, seed: int) -> Course:
    """Run `study run` in an empty folder; the time starts with the command."""
    data = context.prepared(DIGITS)
    with tempfile.TemporaryDirectory() as name:
        words = [sys.executable, "-m", "study", "run", "--trials", str(trials)]
        words += ["--params", str(PARAMS), "--data", str(data.resolve()), "--seed", str(seed)]
        words += ["--name", "bench", "-S", "train.device=cpu"]  # where the peer trains
        start = time.time()
        subprocess.run(words, cwd=name, check=True, stdout=subprocess.DEVNULL)
        search = optuna.load_study(study_name="bench", storage=f"sqlite:///{name}/study.db")
        done = search.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    course: Course = []
    best = -math.inf
    for trial in sorted(done, key=lambda one: str(one.datetime_complete)):
        assert trial.datetime_complete is not None
        assert trial.value is not None
        best = max(best, trial.value)
        course.append((trial.datetime_complete.timestamp() - start, best))
    return course


def until(course: Course, value: float) -> float:
    """Return the seconds until the best value reached ``value``; infinite if it never did."""
    return next((seconds for seconds, best in course if best >= value), math.inf)


def measure(context: Context) -> list[Row]:
    """Run one search each per round; a round takes 15 minutes."""
    epochs = load_settings(PARAMS).search.epochs
    trials = QUICK_TRIALS if context.quick else TRIALS
    rounds = 1 if context.quick else min(context.rounds, 2)
    values: dict[str, list[float]] = {OURS: [], "plain Optuna": []}
    courses: dict[str, list[Course]] = {name: [] for name in values}
    for seed in range(rounds):
        found = ours(context, trials, seed)
        script = Script(context.prepared(DIGITS), trials, epochs, seed)
        theirs = alone(plain_optuna, script)
        seconds, best = theirs[-1]
        values["plain Optuna"].append(seconds)
        values[OURS].append(until(found, best))
        courses[OURS].append(found)
        courses["plain Optuna"].append(theirs)
    details = {"trials": trials, "epochs": epochs, "seconds and best validation ELBO": courses}
    name = f"time to the plain script's best of {trials} trials, mnist-5k"
    return [Row("e", name, "s", values, "smaller", TARGET, details)]
