"""Annealed importance sampling as a measure, on a model whose likelihood is known."""

import pytest
import torch

from pipeline.evaluation.evaluated_model import LogWeights
from pipeline.evaluation.simulation import simulate
from pipeline.measures.annealing import measure
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.known import blind_encoder, exact_nll

HAS_LIKELIHOOD = LogWeights(torch.zeros(6, 10), torch.arange(1), torch.zeros(1, 100))


def test_the_first_images_are_measured_where_it_is_asked_for() -> None:
    model = blind_encoder()
    x, z = simulate(model, 6, torch.Generator().manual_seed(0))
    asked = {"ais_images": 4, "ais_chains": 300, "ais_steps": 10}
    found, arrays = measure(evaluated(model, z, images=x, weights=HAS_LIKELIHOOD, **asked))
    assert arrays == {}
    assert found["ais_images"] == 4
    assert found["ais_nll"] == pytest.approx(exact_nll(model, x[:4]).mean().item(), abs=0.2)
    assert abs(found["ais_gap"]) < 0.3

    assert measure(evaluated(model, z, images=x, weights=HAS_LIKELIHOOD)) == ({}, {})
    assert measure(evaluated(model, z, images=x, **asked)) == ({}, {}), "not a likelihood"
