"""Line g: waiting times, from a worker's first step to an idle `dvc repro` and the report."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna

from benchmarks.cases.search import PARAMS
from benchmarks.context import DIGITS, Context, alone, run_settings
from benchmarks.ours import Training, train
from benchmarks.rows import OURS, Row
from study.search.plan import TARGET

ROOT = PARAMS.parent
BIN = Path(sys.executable).parent


def measure(context: Context) -> list[Row]:
    """Measure each a few times; the last two need the results of `make repro`."""
    waits = {
        "training worker, start to first step": (first_step, 4),
        "search worker, start to first trial": (first_trial, 4),
        "study --help": (showing_help, 0.3),
    }
    if nothing_to_do():
        waits |= {"dvc repro, nothing to do": (repro, 1.5), "study report": (report, 25)}
    else:
        print("skipped: dvc repro and study report; run `make repro` first")
    return [
        Row("g", name, "s", {OURS: [wait(context) for _ in range(context.rounds)]}, "smaller", most)
        for name, (wait, most) in waits.items()
    ]


def first_step(context: Context) -> float:
    """Return the seconds from starting a process to the end of an epoch with one step."""
    run = run_settings("linear", epochs=1)
    task = Training(run, context.prepared(DIGITS), threads=1, images=run.batch_size)
    start = time.time()
    return alone(train, task).epoch_ends[0] - start


def first_trial(context: Context) -> float:
    """Return the seconds from starting `study worker` until it claims a trial.

    It joins a search with one trial, so that creating the stores is not included.
    """
    data = str(context.prepared(DIGITS).resolve())
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{name}/study.db"
        words = [str(BIN / "study"), "run", "--trials", "1", "--workers", "1", "--epochs", "1"]
        words += ["--params", str(PARAMS), "--data", data, "--name", "bench"]
        subprocess.run(words, cwd=name, check=True, stdout=subprocess.DEVNULL)
        search = optuna.load_study(study_name="bench", storage=url)
        search.set_user_attr(TARGET, 2)
        start = time.time()
        words = [str(BIN / "study"), "worker", "--storage", url, "--name", "bench", "--data", data]
        subprocess.run(words, cwd=name, check=True, stdout=subprocess.DEVNULL)
        begun = search.trials[1].datetime_start
    assert begun is not None
    return begun.timestamp() - start


def showing_help(context: Context) -> float:
    return _seconds([str(BIN / "study"), "--help"])


def repro(context: Context) -> float:
    return _seconds([str(BIN / "dvc"), "repro"])


def report(context: Context) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return _seconds([str(BIN / "study"), "report", "--out", folder])


def nothing_to_do() -> bool:
    """Return whether the results of the project exist and are up to date."""
    asked = subprocess.run([str(BIN / "dvc"), "status", "--quiet"], cwd=ROOT, check=False)
    return (ROOT / "results" / "metrics.csv").exists() and asked.returncode == 0


def _seconds(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
