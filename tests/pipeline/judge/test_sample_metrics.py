"""Distances, overlaps and class statistics against cases with known exact values."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pipeline.judge.sample_metrics import (
    class_entropy,
    confidence,
    coverage,
    density,
    frechet_distance,
    kernel_distance,
    low_confidence,
    mean_over_blocks,
    precision,
    recall,
)

SEEDS = st.integers(0, 2**32 - 1)


def draw(seed: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def with_moments(mean: Tensor, covariance: Tensor, count: int = 50, seed: int = 0) -> Tensor:
    """Return points with exactly this sample mean and unbiased sample covariance."""
    points = draw(seed, count, len(mean))
    points -= points.mean(0)
    whitened = torch.linalg.solve_triangular(
        torch.linalg.cholesky(points.T @ points / (count - 1)), points.T, upper=False
    )
    values, vectors = torch.linalg.eigh(covariance.double())
    return mean + whitened.T @ (vectors * values.clamp(min=0).sqrt() @ vectors.T)


def rotation(seed: int, size: int) -> Tensor:
    return torch.linalg.qr(draw(seed, size, size))[0]


# --- Frechet distance -------------------------------------------------------------------------


def test_frechet_of_normals_with_commuting_covariances() -> None:
    """|m|^2 + sum (s_r - s_g)^2 = 25 + (1 - 2)^2 + (3 - 1)^2."""
    first = with_moments(torch.tensor([0.0, 0.0]).double(), torch.diag(torch.tensor([1.0, 9.0])))
    second = with_moments(torch.tensor([3.0, 4.0]).double(), torch.diag(torch.tensor([4.0, 1.0])))
    assert frechet_distance(first, second) == pytest.approx(25 + 1 + 4)


def test_frechet_of_normals_with_non_commuting_covariances() -> None:
    """In two dimensions Tr (S)^(1/2) = sqrt(Tr S + 2 sqrt(det S)), here with S = S_r S_g."""
    one = torch.tensor([[2.0, 1.0], [1.0, 2.0]]).double()
    other = torch.tensor([[3.0, 0.0], [0.0, 1.0]]).double()
    product = one @ other
    trace = math.sqrt(product.trace() + 2 * math.sqrt(torch.det(product)))
    zero = torch.zeros(2).double()
    found = frechet_distance(with_moments(zero, one), with_moments(zero, other, seed=1))
    assert found == pytest.approx(4 + 4 - 2 * trace)


def test_frechet_of_singular_covariances() -> None:
    """A line against a plane: they share only the direction of the line."""
    zero = torch.zeros(2).double()
    line = with_moments(zero, torch.diag(torch.tensor([4.0, 0.0])))
    flat = with_moments(zero, torch.diag(torch.tensor([1.0, 9.0])))
    assert frechet_distance(line, flat) == pytest.approx(1 + 9)
    point = torch.zeros(9, 2).double()
    assert frechet_distance(line, point) == pytest.approx(4)


def test_frechet_of_one_feature() -> None:
    mean = torch.zeros(1).double()
    first, second = (with_moments(mean + v, torch.eye(1) * (1 + v) ** 2) for v in (0, 2))
    assert frechet_distance(first, second) == pytest.approx(4 + 4)


@given(SEEDS)
@settings(max_examples=20)
def test_frechet_is_symmetric_and_invariant_to_rotations(seed: int) -> None:
    first, second = draw(seed, 20, 4), 2 * draw(seed + 1, 30, 4) + 1
    distance = frechet_distance(first, second)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(second, first) == pytest.approx(distance)
    assert frechet_distance(first[torch.randperm(20)], second) == pytest.approx(distance)
    turn = rotation(seed, 4)
    assert frechet_distance(first @ turn, second @ turn) == pytest.approx(distance)
    assert frechet_distance(first + 7, second + 7) == pytest.approx(distance)
    assert frechet_distance(3 * first, 3 * second) == pytest.approx(9 * distance)


# --- kernel distance --------------------------------------------------------------------------


def test_kernel_distance_of_two_points() -> None:
    """k(x, x) + k(y, y) - 2 k(x, y) with x.x / F = 1, y.y / F = 4 and x.y / F = 0."""
    x = torch.tensor([1.0, 1.0]).expand(4, 2)
    y = torch.tensor([2.0, -2.0]).expand(5, 2)
    value, error = kernel_distance(x, y)
    assert value == pytest.approx(2**3 + 5**3 - 2 * 1**3)
    assert error == pytest.approx(0, abs=1e-9)


def test_kernel_distance_is_a_mean_over_pairs() -> None:
    real, generated = draw(0, 4, 3), draw(1, 5, 3) + 1

    def mean_kernel(first: Tensor, second: Tensor, distinct: bool) -> float:
        values = [
            (float(x @ y) / 3 + 1) ** 3
            for i, x in enumerate(first)
            for j, y in enumerate(second)
            if not (distinct and i == j)
        ]
        return sum(values) / len(values)

    expected = (
        mean_kernel(real, real, True)
        + mean_kernel(generated, generated, True)
        - 2 * mean_kernel(real, generated, False)
    )
    assert kernel_distance(real, generated).value == pytest.approx(expected)


def test_kernel_distance_error_is_the_jackknife() -> None:
    real, generated = draw(0, 5, 3), draw(1, 6, 3) + 1

    def without(rows: Tensor, index: int) -> Tensor:
        return torch.cat([rows[:index], rows[index + 1 :]])

    parts = [
        torch.tensor([kernel_distance(without(real, i), generated).value for i in range(5)]),
        torch.tensor([kernel_distance(real, without(generated, j)).value for j in range(6)]),
    ]
    variance = sum((len(part) - 1) * part.double().var(correction=0) for part in parts)
    assert kernel_distance(real, generated).error == pytest.approx(float(variance) ** 0.5)


def test_kernel_distance_is_unbiased_and_estimates_its_error() -> None:
    """Over repeats, the mean is zero for equal distributions and the error is the deviation."""
    same = torch.tensor(
        [kernel_distance(draw(2 * k, 30, 4), draw(2 * k + 1, 50, 4)) for k in range(300)]
    )
    deviation = same[:, 0].std()
    assert abs(same[:, 0].mean()) < 3 * deviation / math.sqrt(300)
    assert same[:, 1].mean() > deviation  # conservative
    apart = torch.tensor(
        [kernel_distance(draw(2 * k, 60, 4), draw(2 * k + 1, 90, 4) + 1) for k in range(300)]
    )
    assert apart[:, 1].mean() == pytest.approx(apart[:, 0].std().item(), rel=0.15)


@given(SEEDS)
@settings(max_examples=20)
def test_kernel_distance_is_symmetric_and_invariant_to_order_and_rotations(seed: int) -> None:
    first, second = draw(seed, 10, 4), draw(seed + 1, 8, 4) + 1
    found = kernel_distance(first, second)
    turn = rotation(seed, 4)
    for same in (
        kernel_distance(second, first),
        kernel_distance(first[torch.randperm(10)], second),
        kernel_distance(first @ turn, second @ turn),
    ):
        assert same.value == pytest.approx(found.value, abs=1e-8)
        assert same.error == pytest.approx(found.error, abs=1e-8)


# --- overlap ----------------------------------------------------------------------------------


def test_identical_sets_overlap_completely() -> None:
    points = draw(0, 40, 3)
    assert precision(points, points) == 1
    assert recall(points, points) == 1
    assert coverage(points, points) == 1
    # Each ball contains its centre and k neighbours.
    assert density(points, points) == pytest.approx(6 / 5)


def test_disjoint_sets_do_not_overlap() -> None:
    real, generated = draw(0, 40, 3), draw(1, 50, 3) + 1000
    for metric in (precision, recall, density, coverage):
        assert metric(real, generated) == 0


def line(*positions: float) -> Tensor:
    return torch.tensor(positions).unsqueeze(1)


def test_overlap_of_balls_on_a_line() -> None:
    """Real 0, 1, 3, 7 with k = 1: radii 1, 1, 2, 4, so the balls are [-1, 1] [0, 2] [1, 5] [3, 11].

    Generated 0.5, 2, 20 with k = 1: radii 1.5, 1.5, 18, so [-1, 2] [0.5, 3.5] [2, 38].
    """
    real, generated = line(0, 1, 3, 7), line(0.5, 2, 20)
    assert precision(real, generated, k=1) == pytest.approx(2 / 3)
    assert recall(real, generated, k=1) == 1
    assert density(real, generated, k=1) == pytest.approx((2 + 2 + 0) / 3)
    assert coverage(real, generated, k=1) == pytest.approx(3 / 4)


def test_a_generator_of_a_single_image_is_precise_but_has_no_coverage() -> None:
    real = draw(0, 100, 2)
    generated = real[:1].expand(100, 2)
    assert precision(real, generated) == 1
    assert recall(real, generated) == 0.01
    assert coverage(real, generated) < 0.3


def test_too_few_images_for_a_neighbour_are_refused() -> None:
    with pytest.raises(ValueError, match="3 images have no 3-th neighbour each"):
        precision(draw(0, 3, 2), draw(1, 9, 2))


@given(SEEDS)
@settings(max_examples=20)
def test_overlaps_are_bounded_and_invariant_to_order_and_rotations(seed: int) -> None:
    real, generated = draw(seed, 12, 3), 2 * draw(seed + 1, 15, 3)
    turn = rotation(seed, 3)
    for metric in (precision, recall, coverage, density):
        found = metric(real, generated)
        assert found >= 0
        assert metric is density or found <= 1
        assert metric(real[torch.randperm(12)], generated[torch.randperm(15)]) == found
        assert metric(2.5 * real @ turn, 2.5 * generated @ turn) == pytest.approx(found)


def test_blocks_are_as_large_as_the_real_set() -> None:
    seen: list[tuple[int, int]] = []

    def metric(real: Tensor, generated: Tensor) -> float:
        seen.append((len(real), len(generated)))
        return float(generated.mean())

    assert mean_over_blocks(metric, draw(0, 4, 1), torch.arange(10.0)) == pytest.approx(3.5)
    assert seen == [(4, 4), (4, 4)]
    assert mean_over_blocks(metric, draw(0, 4, 1), torch.arange(3.0)) == pytest.approx(1)
    assert seen[-1] == (3, 3)


# --- classes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 4, 10])
def test_entropy_of_equal_classes_is_the_logarithm_of_their_number(classes: int) -> None:
    certain = torch.eye(classes).repeat(3, 1)
    unsure = torch.full((5, classes), 1 / classes)
    for probabilities in (certain, unsure):
        assert class_entropy(probabilities) == pytest.approx(math.log(classes))
    assert class_entropy(torch.eye(classes)[:1]) == 0


def test_confidence_is_the_mean_of_the_largest_probability() -> None:
    assert confidence(torch.tensor([[0.5, 0.3, 0.2], [0.0, 0.1, 0.9]])) == pytest.approx(0.7)


def test_low_confidence_is_the_share_below_the_threshold() -> None:
    """The largest probabilities are 0.5, 0.75 and 0.9; one that equals the threshold is not low."""
    probabilities = torch.tensor([[0.5, 0.3, 0.2], [0.25, 0.0, 0.75], [0.0, 0.1, 0.9]])
    shares = [low_confidence(probabilities, threshold) for threshold in (0.5, 0.75, 0.8, 1.0)]
    assert shares == pytest.approx([0, 1 / 3, 2 / 3, 1])


@given(st.integers(1, 30), st.integers(2, 8), SEEDS)
@settings(max_examples=20)
def test_class_statistics_are_bounded(count: int, classes: int, seed: int) -> None:
    probabilities = (5 * draw(seed, count, classes)).softmax(1)
    assert 0 <= class_entropy(probabilities) <= math.log(classes) + 1e-12
    assert 1 / classes <= confidence(probabilities) <= 1
