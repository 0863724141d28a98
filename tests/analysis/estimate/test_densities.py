"""Densities of the aggregate posterior: exact, and integrating to one."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.estimate.densities import marginal_densities, normal_density, reach


def test_a_mixture_by_hand() -> None:
    mu, log_var = np.array([[0.0, 1.0], [2.0, -1.0]]), np.log([[1.0, 0.25], [4.0, 0.01]])
    z = np.linspace(-3, 3, 7)
    expected = np.stack(
        [
            (norm.pdf(z, 0, 1) + norm.pdf(z, 2, 2)) / 2,
            (norm.pdf(z, 1, 0.5) + norm.pdf(z, -1, 0.1)) / 2,
        ],
        axis=1,
    )
    np.testing.assert_allclose(marginal_densities(mu, log_var, z), expected)
    np.testing.assert_allclose(normal_density(z), norm.pdf(z))


def test_a_density_integrates_to_one() -> None:
    random = np.random.default_rng(0)
    mu = random.normal(size=(30, 3)).astype(np.float32)
    z = np.linspace(-8, 8, 1601)
    found = marginal_densities(mu, np.full((30, 3), -4, np.float32), z)
    np.testing.assert_allclose(found.sum(0) * (z[1] - z[0]), 1, rtol=1e-6)


@pytest.mark.parametrize(("largest", "ends"), [(0.5, 4.0), (4.6, 5.0), (50.0, 6.0)])
def test_the_axis_shows_nearly_all_codes(largest: float, ends: float) -> None:
    assert reach([np.zeros((10, 2)), np.full((10, 1), -largest)]) == ends
