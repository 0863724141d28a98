"""The registry of measures: all that is declared is measured, in the declared order."""

from pathlib import Path

import pytest
import torch

from pipeline.evaluation.evaluated_model import LogWeights
from pipeline.judge.context import JudgedModel
from pipeline.measures import judged_plane, paths, registry, samples
from pipeline.measures.registry import MEASURES, measure_all
from pipeline.schemas.arrays import read_checked_arrays, write_arrays
from pipeline.schemas.judged_metrics import JUDGED, PATHS, PLANE
from pipeline.schemas.metrics import METRICS
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.judge.known_judge import judged
from tests.pipeline.known import affine_posterior

IMAGES = 9


def subject(dims: int, *, likelihood: bool = True, **settings: int) -> JudgedModel:
    """A model of images with 1 x 2 pixels whose code is of no use."""
    random = torch.Generator().manual_seed(0)
    model = affine_posterior(torch.zeros(2 * dims, 2), shape=(1, 2))
    model.decoder[0].weight.data.normal_(generator=random)  # type: ignore[index, operator]
    grey = torch.randint(0, 256, (IMAGES, 1, 2), generator=random).byte()
    sums = torch.randn(IMAGES, 100, generator=random, dtype=torch.float64)
    weights = LogWeights(sums[:, :10], torch.tensor([1, 2]), sums[[1, 2]])
    mu = torch.randn(IMAGES, dims, generator=random)
    return judged(
        evaluated(
            model,
            mu,
            torch.arange(IMAGES) % 3,
            grey=grey,
            images=(grey > 127).float().unsqueeze(1),
            samples=torch.rand(20, 1, 1, 2, generator=random),
            weights=weights if likelihood else None,
            **settings,
        )
    )


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("likelihood", [True, False])
def test_everything_declared_is_measured_in_its_order(
    tmp_path: Path, dims: int, likelihood: bool
) -> None:
    settings = {"ais_images": 2, "ais_chains": 2, "ais_steps": 2}
    numbers, arrays = measure_all(subject(dims, likelihood=likelihood, **settings))
    assert list(numbers) == [*METRICS, "kl_per_dim", "collapsed"]
    absent = set() if likelihood else {n for n, m in METRICS.items() if m.group == "likelihood"}
    absent |= set() if dims == 2 else {n for n, m in METRICS.items() if "plane" in m.needs}
    absent.add("elbo_mc_error")  # of one draw
    assert {name for name, value in numbers.items() if value is None} == absent
    write_arrays(tmp_path / "arrays.npz", arrays, dims, has_likelihood=likelihood)
    found = read_checked_arrays(tmp_path / "arrays.npz", dims)
    assert set(found) == set(arrays), "a measure draws what is not declared"


def test_the_judges_measures_give_the_numbers_that_are_declared_as_its_own() -> None:
    by_the_judge = (samples.measure, paths.measure, judged_plane.measure)
    found = [name for measure in by_the_judge for name in measure(subject(2))[0]]
    assert found == [metric.name for metric in (*JUDGED, *PATHS, *PLANE)]


def test_two_measures_have_no_name_in_common() -> None:
    found = [measure(subject(2)) for measure in MEASURES]
    for names in ([n for numbers, _ in found for n in numbers], [n for _, a in found for n in a]):
        assert len(set(names)) == len(names)


def test_a_value_that_is_not_finite_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    wild = {"elbo": float("nan"), "kl": float("-inf"), "active_units": 0, "collapsed": False}
    monkeypatch.setattr(registry, "MEASURES", (lambda _: (wild, {}),))
    numbers, arrays = measure_all(subject(2))
    assert arrays == {}
    assert (numbers["elbo"], numbers["kl"], numbers["reconstruction"]) == (None, None, None)
    assert (numbers["active_units"], numbers["collapsed"]) == (0, False)
