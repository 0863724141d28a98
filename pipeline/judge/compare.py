"""A VAE before the judge: what it draws compared with real images, and where its paths lead."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.data.prepared import Split
from pipeline.evaluation.pictures import PLANE, Arrays, pairs_to_show, plane, straight_paths
from pipeline.judge.classifier import Judge, load_judge
from pipeline.judge.paths import grid_centrality, path_plausibility
from pipeline.judge.reference import Reference, compare, make_reference
from pipeline.judge.sample_metrics import class_entropy, confidence, low_confidence
from pipeline.models import VAE
from pipeline.schemas.judge_card import JudgeCard
from pipeline.schemas.protocol import Protocol

PATHS = 200  # pairs of test images of different classes
PATH_POINTS = 11  # on each path, both ends included
CELLS = 31  # a side of the plane of a 2-D latent space

Metrics = dict[str, Any]  # numbers, or None for one without a meaning


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """A judge and the real images beside which it sees every model's.

    Attributes:
        judge: in eval mode.
        card: what is recorded of it.
        reference: of the measured split.
    """

    judge: Judge
    card: JudgeCard
    reference: Reference


def load_bench(folder: Path, data_hash: str, test: Split) -> Bench:
    """The judge of a folder before the measured split; once for all models of a process.

    Args:
        folder: with ``model.safetensors`` and ``judge.json``.
        data_hash: of the prepared file that the split is of.
        test: the split to compare with.

    Raises:
        JudgeError: if a file is missing or damaged, or the judge learned from other data.
    """
    judge, card = load_judge(folder, data_hash)
    return Bench(judge, card, make_reference(judge, test, card.settings))


def judged_protocol(protocol: Protocol, card: JudgeCard) -> Protocol:
    """The protocol of numbers that the judge of the card had a part in."""
    return replace(protocol, judge=card.sha256)


def path_pairs(labels: Tensor, seed: int) -> Tensor:
    """Ends of the judged paths: (P, 2) indices of images of different classes, at random.

    The first of them are those whose interpolations are shown. A split of one class has none.

    Args:
        labels: (N,) of the measured split.
        seed: of the evaluation: the same pairs for every model.
    """
    return torch.from_numpy(pairs_to_show(labels.numpy(), PATHS, seed))


@torch.no_grad()
def judge_metrics(
    model: VAE,
    judge: Judge,
    reference: Reference,
    mu: Tensor,
    pairs: Tensor,
    generator: torch.Generator,
) -> tuple[Metrics, Arrays]:
    """Every judged number of one model by its name, and the classes of the plane.

    Args:
        model: in eval mode.
        judge: in eval mode.
        reference: of the measured split, with this judge.
        mu: (N, d) posterior means of that split's images, in its order.
        pairs: (P, 2) of ``path_pairs`` of that split.
        generator: on the CPU; of the draws from the prior.

    Returns:
        The metrics; None where one has no meaning, such as those of the plane when d is not 2.
        Arrays if d is 2: ``plane_classes`` (G, G) int64 and ``plane_confidence`` (G, G) float32,
        whose cell [i, j] has the code (axis[j], axis[i]), axis from -1.5 to 1.5; and
        ``plane_borders`` (K, 2) int64, the classes that occur there and how many others each
        borders.
    """
    codes = torch.randn(reference.samples, model.latent_dim, generator=generator)
    drawn = judge.judge(_mean_images(model, codes))
    metrics: Metrics = {
        **compare(reference, drawn.features),
        "confidence": confidence(drawn.probabilities),
        "low_confidence": low_confidence(drawn.probabilities, reference.plausible_confidence),
        "class_entropy": class_entropy(drawn.probabilities),
        **_path_metrics(model, judge, reference, mu[pairs]),
        **dict.fromkeys(("grid_center_class", "grid_center_borders", "grid_classes")),
    }
    if model.latent_dim != 2:
        return metrics, {}
    verdicts = judge.judge(_mean_images(model, plane(torch.linspace(-PLANE, PLANE, CELLS))))
    classes = verdicts.classes.reshape(CELLS, CELLS).numpy()
    grid = grid_centrality(classes)
    metrics |= {
        "grid_center_class": grid.center_class,
        "grid_center_borders": grid.center_borders,
        "grid_classes": len(grid.borders),
    }
    seen = verdicts.confidence.reshape(CELLS, CELLS).numpy()
    borders = np.array(list(grid.borders.items()), dtype=np.int64)
    arrays = {"plane_classes": classes, "plane_confidence": seen, "plane_borders": borders}
    return metrics, arrays


def _path_metrics(model: VAE, judge: Judge, reference: Reference, ends: Tensor) -> Metrics:
    """Of straight paths between codes (P, 2, d); None without any, as in a split of one class."""
    if not len(ends):
        return {"path_min_confidence": None, "path_plausibility": None}
    codes = straight_paths(ends[:, 0], ends[:, 1], PATH_POINTS)
    seen = judge.judge(_mean_images(model, codes)).confidence.view(len(ends), PATH_POINTS)
    paths = path_plausibility(seen, reference.plausible_confidence)
    return {"path_min_confidence": paths.min_confidence, "path_plausibility": paths.plausible}


def _mean_images(model: VAE, codes: Tensor, batch_size: int = 500) -> Tensor:
    """(..., d) -> (B, 1, H, W) in [0, 1], to which a Gaussian's mean is clipped."""
    parts = codes.flatten(0, -2).split(batch_size)
    return torch.cat([model.mean(model.decode(part)) for part in parts]).clamp(0, 1)


def judge_pictures(judge: Judge, arrays: Mapping[str, object]) -> Arrays:
    """The judge's opinion of pictures as they are shown: beside each its class and confidence.

    Args:
        judge: in eval mode.
        arrays: of ``draw_pictures``; of these, ``samples`` and ``interpolations`` are judged.

    Returns:
        ``samples_classes`` (S,) and ``interpolations_classes`` (P, T), int64; the same with
        ``_confidence`` in float32.
    """
    judged: Arrays = {}
    for name in ("samples", "interpolations"):
        images = np.asarray(arrays[name])
        x = torch.from_numpy(images).reshape(-1, 1, *images.shape[-2:]).float() / 255
        verdicts = judge.judge(x)
        judged[f"{name}_classes"] = verdicts.classes.numpy().reshape(images.shape[:-2])
        judged[f"{name}_confidence"] = verdicts.confidence.numpy().reshape(images.shape[:-2])
    return judged
