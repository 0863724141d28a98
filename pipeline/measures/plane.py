"""The decoded plane of a 2-D latent space, and how smoothly it changes."""

import torch

from pipeline.evaluation.appearance import grid_continuity
from pipeline.evaluation.evaluated_model import EvaluatedModel, Measurement
from pipeline.evaluation.pictures import PLANE, as_bytes, plane


def measure(subject: EvaluatedModel) -> Measurement:
    """Return the plane and its continuity; nothing for other latent sizes."""
    if subject.model.latent_dim != 2:
        return {}, {}
    axis = torch.linspace(-PLANE, PLANE, subject.settings.grid_size)
    images = subject.model.mean_images(plane(axis), subject.settings.batch_size)
    cells = images.squeeze(1).unflatten(0, (len(axis), len(axis)))
    drawn = as_bytes(images).reshape(cells.shape)
    return {"grid_continuity": grid_continuity(cells)}, {
        "latent_grid": drawn,
        "latent_grid_axis": axis.numpy(),
    }
