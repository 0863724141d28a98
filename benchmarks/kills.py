"""Kill workers and whole searches at random times, then check the records: `make kills`.

One worker first runs a search undisturbed. The same search is then killed repeatedly, either a
single worker or all of them with their supervisor, and finished by two workers. Nothing may be
lost, duplicated or left open, and every trial must be the same as in the undisturbed search.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import optuna
import psutil
from ruamel.yaml import YAML

from pipeline.runtime.tracking import Tracker
from pipeline.schemas.where import SEARCH_EXPERIMENT
from study.search.plan import PARENT
from study.search.schedule import Trial
from study.store.reconcile import ATTEMPT_TAG, disagreements
from study.store.searches import all_trials
from study.store.storage import quiet_optuna

SPACE: list[dict[str, Any]] = [
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 16},
    {"name": "learning_rate", "kind": "float", "low": 0.001, "high": 0.01, "log": True},
    {"name": "width", "kind": "int", "low": 64, "high": 256, "when": {"architecture": "linear"}},
    {"name": "channels", "kind": "categorical", "choices": [4], "when": {"architecture": "conv"}},
]


@click.command()
@click.option("--kills", default=30, show_default=True, type=click.IntRange(min=1))
@click.option("--trials", default=24, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=0, show_default=True)
def main(kills: int, trials: int, seed: int) -> None:
    """Kill a search repeatedly, finish it, and compare it with an undisturbed one."""
    quiet_optuna()
    root = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="vae-study-kills-") as folder:
        alone, killed = Path(folder) / "alone", Path(folder) / "killed"
        for place in (alone, killed):
            prepare(root, place)
        search(alone, trials, workers=1).wait()
        expected = trials_in(alone)
        done, whole = disturb(killed, trials, kills, random.Random(seed))
        last = search(killed, trials, workers=2).wait()
        found = trials_in(killed)
        problems = check(killed, trials, expected, found)
    again = sum(len(trial.attempts) - 1 for trial in found)
    print(
        f"{done} kills, {whole} of them of the whole search; {again} attempts were lost and "
        f"retried; last exit status {last}"
    )
    sys.exit(bool(problems))


def prepare(root: Path, place: Path) -> None:
    """Create a separate project whose search space has quick trials."""
    place.mkdir()
    (place / "data").symlink_to(root / "data")
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(root / "params.yaml")
    content["search"] |= {"space": SPACE, "epochs": 6}
    yaml.dump(content, place / "params.yaml")


def search(place: Path, trials: int, workers: int) -> subprocess.Popen[bytes]:
    """Start `study run` in a folder, with its output in a file."""
    words = ["run", "--trials", str(trials), "--workers", str(workers)]
    log = (place / "log").open("a")
    return subprocess.Popen(
        [sys.executable, "-m", "study", *words], cwd=place, stdout=log, stderr=log
    )


def disturb(place: Path, trials: int, kills: int, chance: random.Random) -> tuple[int, int]:
    """Kill until the limit or the search's end; return all kills, and those of the whole search."""
    done = whole = 0
    process = search(place, trials, workers=2)
    while done < kills:
        time.sleep(chance.uniform(0.5, 12.0))
        if process.poll() is not None:
            if process.returncode == 0:
                break
            process = search(place, trials, workers=2)
            continue
        workers = psutil.Process(process.pid).children()
        if chance.random() < 0.4 or not workers:
            victims = [psutil.Process(process.pid), *workers]
            whole += 1
        else:
            victims = [chance.choice(workers)]
        for victim in victims:
            victim.kill()
        done += 1
        if len(victims) > 1 or victims[0].pid == process.pid:
            process.wait()
            process = search(place, trials, workers=2)
    if process.poll() is None:
        for victim in [*psutil.Process(process.pid).children(), psutil.Process(process.pid)]:
            victim.kill()
        process.wait()
    return done, whole


def trials_in(place: Path) -> list[Trial]:
    """The trials of the one search in a folder."""
    return all_trials(load(place))


def load(place: Path) -> optuna.Study:
    """Load the only search in a folder."""
    url = f"sqlite:///{place}/study.db"
    (name,) = optuna.get_all_study_names(url)
    return optuna.load_study(study_name=name, storage=url)


def check(place: Path, trials: int, expected: list[Trial], found: list[Trial]) -> list[str]:
    """What is wrong with the books."""
    problems = []
    finished = sum(trial.is_finished for trial in found)
    if finished != trials:
        problems.append(f"{finished} finished trials instead of {trials}")
    states = [one.state.name for trial in found for one in trial.attempts]
    problems += [f"an attempt is {state}" for state in states if state in ("RUNNING", "WAITING")]
    for trial in found:
        if any(one.params != trial.params for one in trial.attempts):
            problems.append(f"trial {trial.number} was tried with other parameters")
        if sum(one.state.name in ("COMPLETE", "PRUNED") for one in trial.attempts) > 1:
            problems.append(f"trial {trial.number} finished twice")
    for one, other in zip(expected, found, strict=False):
        if (one.params, one.attempt.values) != (other.params, other.attempt.values):
            ends = one.attempt.state.name, other.attempt.state.name, other.reason
            problems.append(f"trial {one.number} differs from the undisturbed one: {ends}")
    os.chdir(place)
    one = load(place)
    tracker = Tracker.open(SEARCH_EXPERIMENT, repair=False)
    parent = one.user_attrs[PARENT]
    problems += [
        f"MLflow disagrees on attempt {wrong.attempt.number}"
        for wrong in disagreements(one, tracker, parent)
    ]
    recorded = [run.tags.get(ATTEMPT_TAG) for run in tracker.children(parent)]
    if len(recorded) != len(set(recorded)) or len(recorded) != len(states):
        problems.append(f"{len(states)} attempts, but {len(recorded)} records")
    problems += [f"record {run.run_id} is open" for run in tracker.dead_runs()]
    return problems


if __name__ == "__main__":
    main()
