"""Sentences and rows that several sections of pictures share."""

from collections.abc import Sequence

from analysis.arrays import Array, Drawings

LOWEST_SEED = "Each model is the run of its lowest seed."
IMAGES_ARE_MEANS = "Images are the means of the decoder's likelihood."


def named(drawings: Sequence[Drawings], array: str) -> list[tuple[str, str, Array]]:
    """Display name, label and one array of each."""
    return [(drawing.model, drawing.label, drawing.arrays[array]) for drawing in drawings]
