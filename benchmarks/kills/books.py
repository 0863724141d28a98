"""Whether Optuna's and MLflow's books of a search are exact, and equal to those of another one."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import optuna

from pipeline.files import PARTIAL
from pipeline.runtime.tracking import Tracker
from pipeline.schemas.where import SEARCH_EXPERIMENT
from study.search.plan import PARENT
from study.search.schedule import Trial
from study.store.reconcile import ATTEMPT_TAG, disagreements
from study.store.searches import all_trials


def load(place: Path) -> optuna.Study:
    """Load the only search in a folder."""
    url = f"sqlite:///{place}/study.db"
    (name,) = optuna.get_all_study_names(url)
    return optuna.load_study(study_name=name, storage=url)


def trials_in(place: Path) -> list[Trial]:
    """The trials of the only search in a folder."""
    return all_trials(load(place))


def differences(trials: int, expected: list[Trial], found: list[Trial]) -> list[str]:
    """What is lost, doubled, open, or other than in an undisturbed search."""
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
    return problems


def wrong_records(place: Path, server: str = "") -> list[str]:
    """Where MLflow does not say the same as Optuna, one run for one attempt."""
    search = load(place)
    with _tracker(place, server) as tracker:
        parent = search.user_attrs[PARENT]
        problems = [
            f"MLflow disagrees on attempt {wrong.attempt.number}"
            for wrong in disagreements(search, tracker, parent)
        ]
        recorded = [run.tags.get(ATTEMPT_TAG) for run in tracker.children(parent)]
        attempts = len(search.get_trials(deepcopy=False))
        # Confirmations are nested under the search as well, and are no attempts.
        recorded = [one for one in recorded if one is not None]
        if len(recorded) != len(set(recorded)) or len(recorded) != attempts:
            problems.append(f"{attempts} attempts, but {len(recorded)} records")
        return problems + [f"record {run.run_id} is open" for run in tracker.dead_runs()]


@contextlib.contextmanager
def _tracker(place: Path, server: str) -> Iterator[Tracker]:
    """The tracker of a folder's searches, which looks for its database in the current folder."""
    before = os.environ.pop("MLFLOW_TRACKING_URI", None)
    try:
        with contextlib.chdir(place):
            if server:
                os.environ["MLFLOW_TRACKING_URI"] = server
            yield Tracker.open(SEARCH_EXPERIMENT, repair=False)
    finally:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def leftovers(place: Path) -> list[str]:
    """Files that were begun under a temporary name and never finished."""
    found = (path for path in place.rglob(f"{PARTIAL}*") if ".git" not in path.parts)
    return [f"{path.relative_to(place)} was left" for path in found]


def tracebacks(log: Path) -> list[str]:
    """Tracebacks among what the processes printed; a killed process prints none."""
    text = log.read_text(errors="replace") if log.exists() else ""
    count = text.count("Traceback (most recent call last)")
    return [f"{count} tracebacks in {log}"] if count else []
