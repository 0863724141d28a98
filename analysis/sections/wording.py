"""Sentences and rows that several sections of pictures share."""

from collections.abc import Sequence

from analysis.read.arrays import Array, Drawings, with_arrays
from analysis.read.frames import Results
from analysis.words import format_number, join_and

LOWEST_SEED = "Each model is the run of its lowest seed."
IMAGES_ARE_MEANS = "Images are the means of the decoder's likelihood."


def named(drawings: Sequence[Drawings], array: str) -> list[tuple[str, str, Array]]:
    """Display name, label and one array of each."""
    return [(drawing.model, drawing.label, drawing.arrays[array]) for drawing in drawings]


def threshold(results: Results) -> float | None:
    """The judge's confidence above which an image is plausible; None without a judge's card."""
    return results.judge.real.plausible_confidence if results.judge else None


def threshold_words(least: float) -> str:
    """What the threshold is, to stand behind "confidence at most"."""
    return f"{format_number(least, 3)}, the 5th percentile of real test images"


def without(drawings: Sequence[Drawings], what: str, *names: str) -> list[str]:
    """A note on those that lack an array, as results of an older evaluation do; else none.

    Args:
        drawings: all that should hold them.
        what: that cannot be shown, to stand behind "No".
        names: of the arrays.
    """
    holding = {drawing.model for drawing in with_arrays(drawings, *names)}
    lacking = [drawing.model for drawing in drawings if drawing.model not in holding]
    if not lacking:
        return []
    return [f"No {what} of {join_and(lacking)}: `dvc repro evaluate` adds what they need."]


def size_columns(drawings: Sequence[Drawings]) -> int:
    """Blocks a row, so that a column holds a latent size and a row an architecture: at most 4."""
    return min(len({drawing.latent_dim for drawing in drawings}), 4)
