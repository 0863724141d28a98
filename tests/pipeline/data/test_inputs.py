"""The inputs of models."""

import pytest
import torch

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import Split
from pipeline.settings import Binarisation


def test_grey_images_are_bytes_divided_by_255(valid_split: Split) -> None:
    inputs = model_inputs(valid_split, "none")
    assert inputs.dtype == torch.float32
    assert torch.equal(inputs, valid_split.images.unsqueeze(1) / 255)


@pytest.mark.parametrize("binarisation", ["dynamic", "static"])
def test_binarised_images_are_the_stored_draw(
    valid_split: Split, binarisation: Binarisation
) -> None:
    inputs = model_inputs(valid_split, binarisation)
    assert set(inputs.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(inputs.byte(), valid_split.binarised.unsqueeze(1))
