"""Line g: what a user waits for: a worker's first step, the help, nothing to do, the report."""

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
    """Each a few times; the last two need the project's results, of `make repro`."""
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
    """From the start of the process to the end of an epoch of one step, one thread."""
    run = run_settings("linear", epochs=1)
    task = Training(run, context.prepared(DIGITS), threads=1, images=run.batch_size)
    start = time.time()
    return alone(train, task).epoch_ends[0] - start


def first_trial(context: Context) -> float:
    """From the start of a `study worker` to the moment at which it takes a trial.

    It joins a search that has one trial; making the stores is the search's own first start.
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
    """Whether the project's results are there and up to date."""
    asked = subprocess.run([str(BIN / "dvc"), "status", "--quiet"], cwd=ROOT, check=False)
    return (ROOT / "results" / "metrics.csv").exists() and asked.returncode == 0


def _seconds(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
