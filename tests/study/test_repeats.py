"""Known settings are not trained twice, and a space that is exhausted ends the search."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.search.plan import plan_of
from study.search.schedule import result_of
from study.store.storage import StoreLock
from study.workers import worker
from tests.study.conftest import URL, attempts, change_search, records, study, the_search, trials
from tests.study.test_survival import require_agreeing_records

pytestmark = pytest.mark.usefixtures("one_process")

TINY: list[dict[str, Any]] = [
    {"name": "latent_dim", "kind": "categorical", "choices": [2, 3]},
]


@pytest.fixture
def tiny(searchable: Path) -> Path:
    """A search of two points, of which the second is tried a few trials after the first."""
    # The seed is one with which the first point is proposed again before the second.
    change_search(searchable, space=TINY, first=[], sampler="random", seed=SEED, epochs=2)
    return searchable


SEED = 0


def test_a_space_that_is_exhausted_ends_the_search(tiny: Path) -> None:
    begun = study("run", "--trials", "6", "--workers", "1")
    assert begun.exit_code == 0, begun.output
    assert "the space has only 2 points: the search will end once all" in begun.output
    ended = f"each of its 2 points has been tried, so the search ends with {len(trials())} trials"
    assert ended in begun.output

    by_point: dict[Any, list[Any]] = {}
    for trial in trials():
        by_point.setdefault(trial.params["latent_dim"], []).append(trial)
    assert sorted(by_point) == [2, 3]
    assert 2 < len(trials()) < 6, "this seed repeats the first point before the second"
    runs = {run.info.run_id: run for run in records(tiny)}
    for first, *others in by_point.values():
        assert first.twin is None
        for other in others:
            assert other.twin == first.number
            assert other.attempt.values == first.attempt.values
            assert other.attempt.intermediate_values == first.attempt.intermediate_values
            own = result_of(other.attempt)
            assert own == result_of(first.attempt) | {"epochs": 0, "seconds": 0.0}, (
                "it cost nothing"
            )
            run = runs[other.attempt.user_attrs["run_id"]]
            assert run.data.tags["vae.same_as"] == f"trial {first.number}"
            assert run.data.metrics["valid/elbo"] == own["elbo"]
    require_agreeing_records(tiny)
    assert study("doctor").exit_code == 0, study("doctor").output
    best = study("best").output
    assert [best.count(f"dim={size}") for size in (2, 3)] == [1, 1]

    before = len(attempts())
    again = study("run", "--trials", "9", "--workers", "1")
    assert again.exit_code == 0
    assert f"nothing to do: the search has {before} finished trials" in again.output
    assert "the space is exhausted" in again.output
    assert len(attempts()) == before


def test_a_trial_that_waits_for_a_result_looks_for_dead_processes(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process may have died on another machine, where only its heartbeat tells."""
    study("run", "--trials", "1", "--workers", "1")
    search, looked = the_search(), list[object]()
    monkeypatch.setattr(worker, "_enqueue", lambda *words: False)
    monkeypatch.setattr(worker, "fail_dead_attempts", looked.append)
    monkeypatch.setattr(worker, "POLL", 0)
    runner: Any = SimpleNamespace(plan=plan_of(search))
    assert worker.claim_and_train(search, StoreLock(URL, "ask-test"), runner, 2), (
        "there is more to do"
    )
    assert looked == [search]


def test_an_attempt_that_was_killed_while_it_took_a_result_is_repeated(tiny: Path) -> None:
    study("run", "--trials", "2", "--workers", "1")
    search = the_search()
    _, second = attempts()
    assert second.user_attrs["same_as"] == 0
    # As a kill leaves it: the attempt is known as a repetition, but has no value.
    storage = search._storage
    lost = search.ask(fixed_distributions=second.distributions)
    for key, value in (second.user_attrs | {"trial": 2}).items():
        lost.set_user_attr(key, value)
    storage.set_trial_state_values(lost._trial_id, state=second.state.FAIL)
    done = study("run", "--trials", "3", "--workers", "1")
    assert done.exit_code == 0, done.output
    assert [trial.is_finished for trial in trials()] == [True] * 3
    assert len(trials()[2].attempts) == 2
    require_agreeing_records(tiny)


def test_repetitions_with_two_objectives_and_replicates(searchable: Path) -> None:
    space = [{"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"]}, *TINY]
    change_search(searchable, space=space, epochs=1, ahead=1, replicates=2, first=["linear-2"])
    changes = ["--objective", "rate-distortion", "--sampler", "random", "--workers", "1"]
    done = study("run", "--trials", "20", *changes)
    assert done.exit_code == 0, done.output
    found = trials()
    assert {trial.twin for trial in found} > {None}
    assert sum(trial.twin is None for trial in found) == 4
    for trial in found:
        if trial.twin is not None:
            assert trial.attempt.values == found[trial.twin].attempt.values
            assert "spread" in result_of(trial.attempt)
    counts = [trial.params["architecture"] for trial in found]
    assert abs(counts.count("linear") - counts.count("conv")) <= 1
    assert the_search().metric_names == ["reconstruction", "kl"]
    require_agreeing_records(searchable)


def test_first_points_beyond_the_number_of_trials_wait_for_more(searchable: Path) -> None:
    first = ["linear-2", "conv-3", "linear-4", "conv-99"]
    change_search(searchable, first=first, epochs=1)
    begun = study("run", "--trials", "2", "--workers", "1").output
    assert "not tried first: conv-99 does not fit the space: latent_dim = 99 is not 2 to 8" in begun
    study("run", "--trials", "4", "--workers", "1")
    tried = [(one.params["architecture"], one.params["latent_dim"]) for one in attempts()]
    assert tried[:3] == [("linear", 2), ("conv", 3), ("linear", 4)]
    assert len(tried) == 4
