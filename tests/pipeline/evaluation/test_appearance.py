"""Sharpness, contrast and continuity of images whose answer is known."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pipeline.evaluation.appearance import contrast, gradient_magnitude, grid_continuity, sharpness

IMAGES = torch.rand(6, 1, 8, 10, generator=torch.Generator().manual_seed(0))


def test_the_gradient_is_scipys() -> None:
    found = gradient_magnitude(IMAGES)
    for image, magnitude in zip(IMAGES[:, 0].double().numpy(), found[:, 0], strict=True):
        across, down = (ndimage.sobel(image, axis, mode="nearest") for axis in (0, 1))
        expected = torch.from_numpy((across**2 + down**2) ** 0.5).float()
        torch.testing.assert_close(magnitude, expected)


def test_a_ramp_has_a_known_gradient() -> None:
    ramp = (torch.arange(10.0) / 10).expand(1, 1, 8, 10)
    torch.testing.assert_close(
        gradient_magnitude(ramp)[..., 1:-1], torch.full((1, 1, 8, 8), 8 * 0.1)
    )


def test_the_data_are_as_sharp_as_themselves() -> None:
    assert sharpness(IMAGES, IMAGES) == 1


@settings(max_examples=25)
@given(st.floats(0.01, 1.0), st.floats(0.0, 1.0))
def test_sharpness_scales_with_the_range_of_the_images(share: float, shift: float) -> None:
    changed = share * IMAGES + (1 - share) * shift
    assert sharpness(changed, IMAGES) == pytest.approx(share, rel=1e-3)


def test_blurred_images_are_less_sharp() -> None:
    blurred = torch.nn.functional.avg_pool2d(IMAGES, 3, stride=1, padding=1)
    assert sharpness(blurred, IMAGES) < 0.6
    assert sharpness(torch.full_like(IMAGES, 0.3), IMAGES) == 0


def test_contrast_is_the_share_of_black_and_white_pixels() -> None:
    assert contrast((IMAGES > 0.5).float()) == 1
    assert contrast(torch.full_like(IMAGES, 0.5)) == 0
    four = torch.tensor([0.05, 0.1, 0.9, 0.95]).view(1, 1, 2, 2)
    assert contrast(four) == 0.5, "the thresholds themselves do not count"


def brute_force(cells: torch.Tensor) -> float:
    size = len(cells)
    places = [(i, j) for i in range(size) for j in range(size)]
    near, far = [], []
    for a in places:
        for b in places:
            if a == b:
                continue
            distance = float((cells[a] - cells[b]).norm())
            far.append(distance)
            if abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1:
                near.append(distance)
    return (sum(near) / len(near)) / (sum(far) / len(far))


@settings(max_examples=10)
@given(st.integers(0, 1000), st.integers(2, 4))
def test_continuity_is_its_definition(seed: int, size: int) -> None:
    cells = torch.rand(size, size, 3, 3, generator=torch.Generator().manual_seed(seed))
    assert grid_continuity(cells) == pytest.approx(brute_force(cells), rel=1e-4)


def test_a_linear_decoder_of_one_direction_has_a_known_continuity() -> None:
    """x = z1 v: columns are h apart, rows 0; a pair's mean column distance is known."""
    size = 5
    column = torch.arange(float(size)).expand(size, size)
    cells = column[..., None, None] * torch.ones(2, 2)
    pairs = [abs(i - j) for i in range(size) for j in range(size)]
    any_two = sum(pairs) * size**2 / (size**2 * (size**2 - 1))
    assert grid_continuity(cells) == pytest.approx(0.5 / any_two, rel=1e-5)


def test_noise_is_not_smooth_and_a_plane_of_one_image_has_no_answer() -> None:
    noise = torch.rand(9, 9, 6, 6, generator=torch.Generator().manual_seed(0))
    assert grid_continuity(noise) == pytest.approx(1, abs=0.05)
    assert math.isnan(grid_continuity(torch.ones(3, 3, 2, 2)))


def test_chunks_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = torch.rand(6, 6, 3, 3, generator=torch.Generator().manual_seed(0))
    whole = grid_continuity(cells)
    monkeypatch.setattr("pipeline.evaluation.appearance.PAIRS_AT_ONCE", 50)
    assert grid_continuity(cells) == pytest.approx(whole, rel=1e-6)
