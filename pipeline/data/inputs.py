"""The images as a model sees them: grey, or binarised."""

from torch import Tensor

from pipeline.data.prepared import Split
from pipeline.settings import Binarisation


def model_inputs(split: Split, binarisation: Binarisation) -> Tensor:
    """Return the images of a split as a model sees them: (N, 1, H, W) float32 in [0, 1].

    These are grey images without binarisation. Otherwise they are the fixed binarised draw that is
    stored with the data, so that a metric can be recomputed.
    """
    if binarisation == "none":
        return split.images.unsqueeze(1).float() / 255
    return split.binarised.unsqueeze(1).float()
