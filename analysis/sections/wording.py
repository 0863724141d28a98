"""Sentences and selections that several sections share."""

from collections.abc import Sequence

import pandas as pd

from analysis.estimate.verdicts import Rule
from analysis.read.arrays import Array, Drawings, with_arrays
from analysis.read.frames import Results
from analysis.words import format_number, format_percent, format_range, join_and

LOWEST_SEED = "Each model is represented by its run with the lowest seed."
IMAGES_ARE_MEANS = "Images are the means of the decoder's likelihood."
UNCORRECTED = "not corrected for multiple comparisons"


def verdict_rule(rule: Rule, family: str) -> str:
    """State what decides a verdict, in one sentence.

    Args:
        rule: what decides.
        family: the comparisons that are corrected together, such as ``comparisons of one factor``.
    """
    close = f"equivalent if the interval lies within ±{rule.margin:g} nats; "
    return (
        f"The verdict is better or worse if p, with Holm's correction over the {family}, is below "
        f"{rule.level:.2g}; borderline if only the interval excludes zero; "
        f"{close if rule.margin else ''}and not distinguishable otherwise."
    )


def how_to_read(rule: Rule) -> str:
    """State what the columns and verdicts of a comparison of sources mean."""
    decides = verdict_rule(rule, "comparisons of one factor in one metric")
    return (
        "Differences are relative to the baseline, averaged over cells where a row is "
        f"about several, with two {format_percent(rule.confidence)} intervals: over seeds (Welch), "
        "for other runs with the same settings, and over test images (paired bootstrap), for these "
        f"models on another test set. {decides}"
    )


def over_seeds(summary: pd.DataFrame, confidence: float) -> str:
    """Describe means and intervals: ``over 3 seeds with 95 % intervals (Student's t)``."""
    seeds = format_range(summary["seeds"].tolist(), "seed")
    return f"over {seeds} with {format_percent(confidence)} intervals (Student's t)"


def named(drawings: Sequence[Drawings], array: str) -> list[tuple[str, str, Array]]:
    """Return display name, label and one array of each."""
    return [(drawing.model, drawing.label, drawing.arrays[array]) for drawing in drawings]


def threshold(results: Results) -> float:
    """Return the judge's confidence above which an image is plausible."""
    return results.judge.real.plausible_confidence


def threshold_words(least: float) -> str:
    """Describe the threshold, to follow "confidence is at most"."""
    return f"{format_number(least, 3)}, the 5th percentile over real test images"


def without(drawings: Sequence[Drawings], what: str, *names: str) -> list[str]:
    """Return a note on the models that lack an array, if any do.

    Args:
        drawings: all models that should have the arrays.
        what: what cannot be shown, to follow "No".
        names: names of the arrays.
    """
    holding = {drawing.model for drawing in with_arrays(drawings, *names)}
    lacking = [drawing.model for drawing in drawings if drawing.model not in holding]
    if not lacking:
        return []
    return [f"No {what} for {join_and(lacking)}: run `dvc repro evaluate` to add the data."]


def size_columns(drawings: Sequence[Drawings]) -> int:
    """Blocks per row, so that columns are latent sizes and rows are architectures: at most 4."""
    return min(len({drawing.latent_dim for drawing in drawings}), 4)
