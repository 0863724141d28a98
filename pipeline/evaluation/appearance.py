"""The appearance of images: sharpness, contrast, and how smoothly a decoded plane changes.

Images are (N, 1, H, W) in [0, 1]: mean images of a model, or grey images of the data.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

DARK, BRIGHT = 0.1, 0.9
PAIRS_AT_ONCE = 1_000_000  # distances in memory: 8 MB

_SOBEL = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])


def gradient_magnitude(images: Tensor) -> Tensor:
    """Return the magnitude of the Sobel gradient at each pixel (N, 1, H, W), borders repeated."""
    kernels = torch.stack([_SOBEL, _SOBEL.T]).unsqueeze(1)  # (2, 1, 3, 3): across, down
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    across, down = F.conv2d(padded, kernels).split(1, dim=1)
    return torch.hypot(across, down)


def sharpness(images: Tensor, reference: Tensor) -> float:
    """Return the mean Sobel gradient magnitude relative to the reference: 1 is as sharp.

    Args:
        images: (N, 1, H, W) in [0, 1].
        reference: (M, 1, H, W), the real test images; must not all be uniform.
    """
    return float(gradient_magnitude(images).mean() / gradient_magnitude(reference).mean())


def contrast(images: Tensor) -> float:
    """Return the share of pixels below 0.1 or above 0.9."""
    return float(((images < DARK) | (images > BRIGHT)).double().mean())


def grid_continuity(cells: Tensor) -> float:
    """Return the mean L2 distance of neighbouring cells' images, relative to that of any two cells.

    Near 0 the plane changes smoothly. Neighbours share an edge. The mean over any two cells is
    exact, over all pairs of different cells. The result is NaN if all cells show the same image.

    Args:
        cells: (G, G, H, W), the decoded plane of codes.
    """
    images = cells.flatten(2)
    steps = [images.diff(dim=axis).norm(dim=2).flatten() for axis in (0, 1)]
    # In float64, since cdist subtracts squares: in float32 an image is 1e-3 away from itself.
    flat = images.flatten(0, 1).double()
    count = len(flat)
    total = sum(
        float(torch.cdist(part, flat).sum()) for part in flat.split(max(1, PAIRS_AT_ONCE // count))
    )
    any_two = total / (count * (count - 1))
    return float(torch.cat(steps).mean()) / any_two if any_two > 0 else math.nan
