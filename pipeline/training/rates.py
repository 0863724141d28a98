"""Each layer's own learning rate, as a multiple of the run's.

Adam moves every number by about the learning rate a step, however large the number is. Weights
start at a scale of 1 / sqrt(fan-in), so that at one rate for all, those of a layer with few inputs
(the decoder's first, which reads the code) learn far slower than those of a layer with many. At
rates of that scale all layers move by the same share of their start values. Yang et al. 2022
(arXiv 2203.03466) derive rates by fan-in for Adam, there without the root.

Against one rate for all, on MNIST in two epochs of batches of 256, this is worth a nat of test
-ELBO, for linear 784-400-20 as for conv 32/64.
"""

from typing import Any

import torch
from torch import Tensor

from pipeline.models import VAE
from pipeline.models.vae import fan_in, layers_of

FAN_IN = 400  # of a layer whose weights learn at the run's rate itself
BIASES = 4.0  # they have no scale of their own; from 3 to 8 ends alike


def parameter_groups(model: VAE, learning_rate: float) -> list[dict[str, Any]]:
    """The model's parameters for an optimiser; one group for all that learn at the same rate.

    Args:
        model: the VAE.
        learning_rate: the run's. The first group learns at it exactly: a learned scale of the
            Gaussian, and weights with ``FAN_IN`` inputs, if there are such.
    """
    members: dict[float, list[Tensor]] = {1.0: []}
    for layer in layers_of(model):
        members.setdefault((FAN_IN / fan_in(layer)) ** 0.5, []).append(layer.weight)
        assert layer.bias is not None
        members.setdefault(BIASES, []).append(layer.bias)
    if isinstance(model.log_scale, torch.nn.Parameter):
        members[1.0].append(model.log_scale)
    return [
        {"params": parameters, "lr": multiple * learning_rate}
        for multiple, parameters in members.items()
    ]
