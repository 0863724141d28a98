"""The eleven statements, in the order in which a report would make them."""

from collections.abc import Mapping

from analysis.read.arrays import Array
from analysis.read.frames import Results
from analysis.statements.contrasts import Change, decide_change
from analysis.statements.decision import Decision
from analysis.statements.defects import decide_defects
from analysis.statements.evidence import LOSS, Quantity, gather
from analysis.statements.learning import decide_learning
from analysis.statements.plane import decide_grid, decide_paths
from pipeline.schemas.judged_metrics import CONFIDENCE, PRECISION
from pipeline.schemas.metrics import (
    KL,
    MARGINAL_KL,
    RECONSTRUCTION,
    RECONSTRUCTION_SHARPNESS,
    SHARPNESS,
)

CHANGES = (
    Change("A larger latent size gives a lower loss.", "latent size", LOSS, "below"),
    Change("Convolutions lower the test loss.", "architecture", LOSS, "below"),
    Change(
        "Convolutions bring the codes closer to the normal prior.",
        "architecture",
        Quantity("Marginal KL", MARGINAL_KL),
        "below",
        (Quantity("KL", KL),),
    ),
    Change(
        "Convolutions improve reconstruction.",
        "architecture",
        Quantity("Reconstruction term", RECONSTRUCTION),
        "below",
    ),
    Change(
        "Reconstructions with {large} dimensions are sharper than with {small}.",
        "latent size",
        Quantity("Sharpness of reconstructions", RECONSTRUCTION_SHARPNESS),
        "above",
    ),
    Change(
        "Samples with {large} dimensions are sharper than with {small}.",
        "latent size",
        Quantity("Sharpness of samples", SHARPNESS),
        "above",
    ),
    Change(
        "Yet samples with {large} dimensions are not more plausible.",
        "latent size",
        Quantity("The judge's confidence in samples", CONFIDENCE),
        "below",
        (Quantity("Precision", PRECISION),),
        "An interval that includes zero does not show that nothing changes.",
    ),
)


def decide_statements(
    results: Results, borders: Mapping[str, Array], confidence: float
) -> list[Decision]:
    """Return every statement with its verdict, in order.

    Args:
        results: all exported numbers.
        borders: from ``arrays.load_borders``.
        confidence: coverage of every interval, in (0, 1); intervals are not corrected for
            multiple comparisons.
    """
    evidence = gather(results, borders, confidence)
    return [
        decide_learning(evidence),
        *(decide_change(change, evidence) for change in CHANGES),
        decide_defects(evidence),
        decide_paths(evidence),
        decide_grid(evidence),
    ]
