"""The grid with the hyperparameters that a search found best."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.jobs.searched import FEWEST, with_searched
from pipeline.schemas.best_card import BestCard, BestOfArchitecture, BestTrial, SearchProtocol
from pipeline.schemas.record import RecordError, write_record
from pipeline.settings import Settings
from tests.conftest import MakeRun


@pytest.fixture
def write_best(tmp_path: Path, tiny_settings: Settings, make_run: MakeRun) -> Any:
    """Write ``best.json`` of a search whose best trials have the given settings."""

    def write(complete: dict[str, int] | None = None, **settings: Any) -> Path:
        path = tmp_path / "best.json"
        best = BestTrial(number=3, metrics={"elbo": -9.0}, params={}, settings=make_run(**settings))
        card = BestCard(
            search="mnist-5k-elbo-12345678",
            objective="elbo",
            data_hash="of the data",
            finished_trials=30,
            complete_trials=12,
            failed=(),
            first_comparison=None,
            protocol=SearchProtocol(
                data="mnist-5k",
                split="valid",
                likelihood="bernoulli",
                binarisation="dynamic",
                checkpoint="last",
                precision="float32",
                nll_samples=None,
            ),
            plan=tiny_settings.search.plan,
            best=best,
            architectures={
                architecture: BestOfArchitecture(
                    **dict(best), finished_trials=15, complete_trials=count
                )
                for architecture, count in (complete or {"linear": FEWEST}).items()
            },
        )
        write_record(path, card)
        return path

    return write


def test_a_run_keeps_its_place_in_the_grid(write_best: Any, make_run: MakeRun) -> None:
    path = write_best(latent_dim=31, beta=0.3, hidden=(77,), learning_rate=0.02, beta_warmup=9)
    runs = {f"linear-{d}/seed-1": make_run(latent_dim=d, seed=1, epochs=5) for d in (2, 3)}
    found = with_searched(runs, path, "of the data")
    assert list(found) == list(runs)
    for name, run in runs.items():
        place = {"latent_dim": run.latent_dim, "beta": 1.0, "seed": 1, "epochs": 5}
        # The warm-up cannot be longer than the training.
        expected = place | {"hidden": (77,), "learning_rate": 0.02, "beta_warmup": 5}
        assert found[name] == run.model_copy(update=expected)


def test_what_cannot_be_used_is_refused(write_best: Any, make_run: MakeRun, tmp_path: Path) -> None:
    runs = {"conv-2/seed-0": make_run(architecture="conv")}
    with pytest.raises(RecordError, match=r"best\.json: cannot be read: .* `dvc repro search`"):
        with_searched(runs, tmp_path / "best.json", "of the data")
    path = write_best()
    with pytest.raises(UserError, match="used other data; run `dvc repro search`"):
        with_searched(runs, path, "of other data")
    few = r"needs an architecture with 5 complete trials, but .* has 0 of conv; increase search"
    with pytest.raises(UserError, match=few):
        with_searched(runs, path, "of the data")


def test_an_architecture_with_too_few_complete_trials_keeps_its_settings(
    write_best: Any, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = {
        f"{architecture}-2/seed-0": make_run(architecture=architecture)
        for architecture in ("linear", "conv")
    }
    path = write_best({"linear": FEWEST - 1, "conv": FEWEST}, learning_rate=0.123)
    found = with_searched(runs, path, "of the data")
    assert found["linear-2/seed-0"] == runs["linear-2/seed-0"]
    assert found["conv-2/seed-0"].learning_rate == 0.123
    shown = capsys.readouterr().out
    assert shown.startswith("linear keeps the settings of section train: 4 complete trials are too")
    assert shown.count("\n") == 1

    path = write_best({"linear": FEWEST - 1, "conv": FEWEST - 2})
    with pytest.raises(UserError, match="has 4 of linear, 3 of conv") as caught:
        with_searched(runs, path, "of the data")
    assert "\n" not in caught.value.message
