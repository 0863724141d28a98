"""What a model sees of an image."""

import pytest
import torch

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import Split
from pipeline.settings import Binarisation


def test_grey_images_are_their_bytes_over_255(valid_split: Split) -> None:
    seen = model_inputs(valid_split, "none")
    assert seen.dtype == torch.float32
    assert torch.equal((seen * 255).round().byte(), valid_split.images.unsqueeze(1))


@pytest.mark.parametrize("binarisation", ["dynamic", "static"])
def test_binarised_images_are_the_stored_draw(
    valid_split: Split, binarisation: Binarisation
) -> None:
    seen = model_inputs(valid_split, binarisation)
    assert set(seen.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(seen.byte(), valid_split.binarised.unsqueeze(1))
