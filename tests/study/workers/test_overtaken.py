"""A worker that was stopped for so long that its attempt was failed, and then continues."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from study.search import trial
from study.search.schedule import TRIAL
from tests.study.conftest import (
    TRIALS,
    URL,
    attempts,
    change_search,
    records,
    study,
    trials,
)

NAME = "overtaken"


def fail_the_running() -> None:
    """What another process does with an attempt that has no heartbeat."""
    search = optuna.load_study(study_name=NAME, storage=URL)
    (running,) = search.get_trials(states=(TrialState.RUNNING,))
    search.tell(running.number, state=TrialState.FAIL)


@pytest.fixture
def overtake(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the first attempt be failed before the given epoch, or before its outcome is stored."""

    def arrange(epoch: int) -> None:
        train_epochs = trial.train_epochs
        done = False

        def overtaken(*words: Any, **more: Any) -> Any:
            nonlocal done
            for number, report in enumerate(train_epochs(*words, **more)):
                if number == epoch and not done:
                    done = True
                    fail_the_running()
                yield report

        monkeypatch.setattr(trial, "train_epochs", overtaken)

    return arrange


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize(("epochs", "epoch"), [(3, 0), (3, 2), (60, 20)])
def test_the_worker_goes_on_with_one_line(
    searched: Path,
    overtake: Callable[[int], None],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    epochs: int,
    epoch: int,
) -> None:
    change_search(searched, epochs=epochs, pruner="none")
    overtake(epoch)
    said: list[str] = []
    say = SimpleNamespace(echo=lambda line, err: said.append(line))
    monkeypatch.setattr("study.workers.worker.click", say)
    result = study("run", "--trials", "2", "--workers", "1", "--name", NAME)
    assert result.exit_code == 0, result.output
    (line,) = said
    assert line.startswith("trial 0: this worker was stopped or cut off for more than")
    assert "Traceback" not in result.output + "".join(capfd.readouterr())

    search = optuna.load_study(study_name=NAME, storage=URL)
    states = [(one.user_attrs[TRIAL], one.state.name) for one in search.trials]
    assert states == [(0, "FAIL"), (0, "COMPLETE"), (1, "COMPLETE")]
    assert search.trials[0].params == search.trials[1].params
    lost, *others = sorted(
        (run for run in records(searched) if run.data.params.get("latent_dim")),
        key=lambda run: run.info.start_time,
    )[-3:]
    assert lost.info.status == "KILLED"
    assert "stopped or cut off for too long" in lost.data.tags["vae.reason"]
    assert [run.info.status for run in others] == ["FINISHED", "FINISHED"]
    assert "RUNNING" not in {run.info.status for run in records(searched)}


@pytest.mark.usefixtures("one_process")
def test_other_errors_of_a_trial_are_not_hidden(
    searched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: Any, **more: Any) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr("study.workers.runner.train_trial", fail)
    with pytest.raises(MemoryError, match="no room"):
        study("run", "--trials", str(TRIALS + 1), "--workers", "1")
    assert trials()[-1].attempt.state == TrialState.FAIL
    assert attempts()[-1].state == TrialState.FAIL
