"""What a model sees of an image: grey pixels, or their fixed binarised draw."""

from torch import Tensor

from pipeline.data.prepared import Split
from pipeline.settings import Binarisation


def observed(split: Split, binarisation: Binarisation) -> Tensor:
    """What a model sees of a split that is measured: (N, 1, H, W) float32 in [0, 1].

    Grey pixels without binarisation, else the fixed draw that is stored with the data, so that
    a number can be computed again.
    """
    if binarisation == "none":
        return split.images.unsqueeze(1).float() / 255
    return split.binarised.unsqueeze(1).float()
