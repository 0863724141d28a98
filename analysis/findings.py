"""Everything the sections of the report are built from, computed once."""

from dataclasses import dataclass

import pandas as pd

from analysis.estimate.against_grid import AgainstGrid, compare_with_grid
from analysis.estimate.bootstrap import ImageBootstrap
from analysis.estimate.intervals import summarise
from analysis.estimate.verdicts import ModelComparison, Rule, compare_architectures, compare_sizes
from analysis.present.exhibits import Styles
from analysis.present.style import assign_styles
from analysis.read.arrays import Drawings, load_drawings, load_per_image
from analysis.read.frames import Results
from analysis.read.trials import Trials


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Results and what follows from them.

    Attributes:
        results: all exported numbers.
        rule: coverage of every interval, and what decides the verdicts.
        summary: one row per configuration; see ``summarise``.
        styles: how each configuration is drawn.
        drawings: images and codes of one run per configuration.
        images: bootstrap over test images.
        architectures: differences in ELBO between architectures.
        sizes: differences in ELBO between latent sizes.
        trials: trials of the search; None if none was exported.
        notes: sentences about what is missing.
        searched: whether the grid has the settings that the search found.
    """

    results: Results
    rule: Rule
    summary: pd.DataFrame
    styles: Styles
    drawings: list[Drawings]
    images: ImageBootstrap
    architectures: list[ModelComparison]
    sizes: list[ModelComparison]
    trials: Trials | None
    notes: tuple[str, ...]
    searched: bool = False

    @property
    def confidence(self) -> float:
        """Coverage of every interval, in (0, 1)."""
        return self.rule.confidence

    @property
    def against_grid(self) -> AgainstGrid | None:
        """The search against the grid; None without a search."""
        if self.trials is None:
            return None
        return compare_with_grid(self.trials, self.results, self.rule, searched=self.searched)


def find(
    results: Results,
    rule: Rule,
    trials: Trials | None = None,
    *,
    searched: bool = False,
) -> Findings:
    """Compute what the sections share.

    Args:
        results: all exported numbers.
        rule: coverage of every interval, and what decides the verdicts.
        trials: the search, if one was exported.
        searched: whether the grid has the settings that the search found.

    Raises:
        ResultsError: if an array archive is invalid.
    """
    summary = summarise(results.runs, rule.confidence)
    per_image, without = load_per_image(results.folder, results.runs)
    drawings, missing = load_drawings(results.folder, results.runs)
    images = ImageBootstrap(per_image)
    return Findings(
        results=results,
        rule=rule,
        summary=summary,
        styles=assign_styles(summary),
        drawings=drawings,
        images=images,
        architectures=compare_architectures(results.runs, rule, images=images),
        sizes=compare_sizes(results.runs, rule, images=images),
        trials=trials,
        notes=(*results.notes, *missing, *without),
        searched=searched,
    )
