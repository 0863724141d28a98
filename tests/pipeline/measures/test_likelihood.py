"""The likelihood estimate as a measure, on weights and models whose answers are known."""

import math

import pytest
import torch

from pipeline.evaluation.evaluated_model import LogWeights, prepare_model
from pipeline.evaluation.iwae import BLOCK
from pipeline.measures.likelihood import measure
from tests.pipeline.evaluation.subjects import evaluate_settings, evaluated, run_settings, split_of
from tests.pipeline.known import code_as_pixels, exact_log_likelihood, linear_gaussian


def test_each_bound_is_of_its_images_and_its_draws() -> None:
    """All draws of an image have one weight: -log p(x) is 100 for image 0, 200 and 300."""
    logs = -torch.tensor([100.0, 200.0, 300.0]).double()
    sums = (logs + math.log(BLOCK)).unsqueeze(1)
    subset = torch.tensor([2, 0])
    weights = LogWeights(sums.expand(3, 10), subset, sums[subset].expand(2, 100))
    numbers, arrays = measure(evaluated(code_as_pixels(2), torch.zeros(3, 2), weights=weights))
    for name in ("nll_50", "nll_500", "nll_50_subset", "nll_500_subset", "nll_5000"):
        assert numbers[name] == pytest.approx(200)
    assert numbers["nll_500_mc_error"] == pytest.approx(0, abs=1e-9)
    assert numbers["nll_5000_images"] == 2
    assert arrays["nll_500"].tolist() == pytest.approx([100, 200, 300])
    assert arrays["nll_5000"].tolist() == pytest.approx([300, 100])
    assert arrays["nll_5000_indices"].tolist() == [2, 0]


def test_what_is_not_a_likelihood_has_none() -> None:
    assert measure(evaluated(code_as_pixels(2), torch.zeros(3, 2))) == ({}, {})


def test_with_the_exact_posterior_all_bounds_are_exact() -> None:
    grey = torch.randint(0, 256, (6, 2, 2), generator=torch.Generator().manual_seed(0)).byte()
    subject = prepare_model(
        linear_gaussian(),
        run_settings(binarisation="none"),
        split_of(grey),
        split_of(grey),
        evaluate_settings(nll_images=2),
        has_likelihood=True,
    )
    numbers, arrays = measure(subject)
    exact = -exact_log_likelihood(grey.unsqueeze(1) / 255)
    assert arrays["nll_500"] == pytest.approx(exact.numpy(), abs=1e-4)
    shown = arrays["nll_5000_indices"]
    assert arrays["nll_5000"] == pytest.approx(exact[shown].numpy(), abs=1e-4)
    assert numbers["nll_50"] == pytest.approx(exact.mean().item(), abs=1e-4)
    assert subject.samples.shape == (200, 1, 2, 2)
