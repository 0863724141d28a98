"""Ranked images, on distortions whose order can be seen."""

import numpy as np
import torch

from pipeline.measures.ranked_images import SHOWN, measure, rank_images
from tests.pipeline.evaluation.subjects import evaluated
from tests.pipeline.known import code_as_pixels


def test_rows_are_the_best_the_median_and_the_worst() -> None:
    values = torch.arange(100.0, 0, -1)  # the last image is the best
    ranked = rank_images(values)
    assert ranked.dtype == np.int64
    assert ranked[0].tolist() == [99, 98, 97, 96, 95, 94, 93, 92]
    assert ranked[1].tolist() == [53, 52, 51, 50, 49, 48, 47, 46]  # 47 to 54, median 50.5
    assert ranked[2].tolist() == [7, 6, 5, 4, 3, 2, 1, 0]


def test_equal_images_keep_their_order() -> None:
    assert rank_images(torch.ones(24)).ravel().tolist() == list(range(24))


def test_few_images_come_once() -> None:
    assert rank_images(torch.tensor([3.0, 1.0, 2.0])).tolist() == [[1], [2], [0]]
    for count in range(3 * SHOWN + 2):
        ranked = rank_images(torch.rand(count))
        assert ranked.shape == (3, min(SHOWN, count // 3))
        assert len(np.unique(ranked)) == ranked.size


def test_pictures_are_those_of_the_ranked_images() -> None:
    values = torch.tensor([50.0, 10, 40, 20, 60, 30])
    grey = torch.arange(6 * 2 * 3, dtype=torch.uint8).view(6, 2, 3)
    seen = (grey > 17).float().unsqueeze(1)
    drawn = (grey.float() / 255).unsqueeze(1).flip(-1)
    subject = evaluated(
        code_as_pixels(6),
        torch.zeros(6, 6),
        grey=grey,
        images=seen,
        reconstruction=values,
        reconstructions=drawn,
    )
    numbers, arrays = measure(subject)
    assert numbers == {}
    order = [[1, 3], [5, 2], [0, 4]]
    assert arrays["ranked_indices"].tolist() == order
    assert arrays["ranked_values"].tolist() == [[10, 20], [30, 40], [50, 60]]
    assert arrays["ranked_values"].dtype == np.float32
    pictures = {
        "ranked_originals": grey,
        "ranked_inputs": 255 * (grey > 17).byte(),
        "ranked_reconstructions": grey.flip(-1),
    }
    for name, expected in pictures.items():
        assert arrays[name].dtype == np.uint8
        np.testing.assert_array_equal(arrays[name], expected.numpy()[np.array(order)])
    assert set(arrays) == {"ranked_indices", "ranked_values", *pictures}
