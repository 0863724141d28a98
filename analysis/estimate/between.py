"""One grid's results compared with another's: cell by cell, and averaged over levels of factors.

Both are measured on the same test images, so differences between their images are paired; their
seeds share no weights with each other and are not. A family for Holm's correction is one factor in
one metric, over all sources that are compared with the baseline.
"""

import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from analysis.estimate.bootstrap import ImageBootstrap
from analysis.estimate.verdicts import Rule, RunDifference, compare_runs
from analysis.read.cells import REMEDY, ResultsError
from analysis.read.changes import (
    Change,
    changed_circumstances,
    changed_settings,
    has_settings,
    require_comparable,
)
from analysis.read.frames import CONFIGURATION, beta_name, model_name
from analysis.read.source import BOUND, Source
from analysis.words import join_and, pluralise
from pipeline.errors import UserError
from pipeline.schemas.metric import Metric
from pipeline.schemas.metrics import ELBO

Level = Literal["all cells", "architecture", "latent size", "beta", "cell"]
Configuration = tuple[str, int, float]
Cells = dict[Configuration, tuple[pd.DataFrame, pd.DataFrame]]  # runs of subject and of baseline


@dataclass(frozen=True, slots=True)
class Effect:
    """The difference that a source makes in one metric, in one cell or on average over several.

    Attributes:
        metric: what is compared.
        factor: what the cells have in common; ``cell`` for a single one.
        label: which level of the factor, or which cell.
        cells: number of cells.
        before: mean over the cells of the baseline.
        after: likewise, of the source.
        difference: source minus baseline, and the verdict on the source.
    """

    metric: Metric
    factor: Level
    label: str
    cells: int
    before: float
    after: float
    difference: RunDifference


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A source compared with the baseline.

    Attributes:
        baseline: what it is compared with.
        source: what is compared.
        settings: the change under study.
        circumstances: what else differs between the trainings.
        effects: by metric and factor, cells last.
        only_baseline: cells that the source lacks.
        only_source: cells that the baseline lacks.
        notes: what to know before using the numbers.
    """

    baseline: Source
    source: Source
    settings: tuple[Change, ...]
    circumstances: tuple[Change, ...]
    effects: tuple[Effect, ...]
    only_baseline: tuple[str, ...]
    only_source: tuple[str, ...]
    notes: tuple[str, ...]

    def of(self, metric: Metric) -> list[Effect]:
        """Return the effects on one metric."""
        return [effect for effect in self.effects if effect.metric is metric]


def compare_sources(
    baseline: Source, others: Sequence[Source], rule: Rule, across: Collection[str] = ()
) -> list[Comparison]:
    """Compare each source with the baseline, in ELBO, reconstruction and KL.

    Args:
        baseline: what the others are compared with.
        others: at least one.
        rule: what decides.
        across: fields of the protocol that may differ; see ``require_comparable``.

    Raises:
        ProtocolError: if a source was measured under another protocol than the baseline.
        UserError: if a source shares no cell with the baseline.
        ResultsError: if sources have values of different numbers of test images.
    """
    for other in others:
        require_comparable(baseline, other, across)
    several = len({beta for one in (baseline, *others) for beta in one.runs["beta"]}) > 1
    cells = [_shared(baseline, other, place, several) for place, other in enumerate(others, 1)]
    levels = [list(_levels(shared, several)) for shared in cells]
    effects: list[list[Effect]] = [[] for _ in others]
    # One bootstrap for all metrics: drawing takes longer than all else.
    images = ImageBootstrap(_per_image([baseline, *others], cells))
    for metric in BOUND:
        for place, effect in _effects(levels, cells, metric, rule, images):
            effects[place].append(effect)
    return [
        Comparison(
            baseline=baseline,
            source=other,
            settings=tuple(changed_settings(baseline, other)),
            circumstances=tuple(changed_circumstances(baseline, other)),
            effects=tuple(own),
            only_baseline=_lacking(baseline, shared, several),
            only_source=_lacking(other, shared, several),
            notes=_notes(baseline, other, own),
        )
        for other, shared, own in zip(others, cells, effects, strict=True)
    ]


def _shared(baseline: Source, other: Source, place: int, several_betas: bool) -> Cells:
    """Return the runs of all cells that both have, under names that differ between sources."""
    theirs, ours = _cells(baseline, 0), _cells(other, place)
    shared = {key: (ours[key], theirs[key]) for key in theirs if key in ours}
    if not shared:
        names = [join_and([_name(key, several_betas) for key in cells]) for cells in (theirs, ours)]
        raise UserError(
            f"{baseline.name} and {other.name} have no cell in common: the first has {names[0]}, "
            f"the second {names[1]}; compare grids that share a cell"
        )
    return shared


def _cells(source: Source, place: int) -> dict[Configuration, pd.DataFrame]:
    runs = source.runs.assign(run=[_unique(place, run) for run in source.runs["run"]])
    cells = {}
    for _, cell in runs.groupby(CONFIGURATION, sort=False):
        architecture, latent_dim, beta = cell[CONFIGURATION].iloc[0]
        cells[str(architecture), int(latent_dim), float(beta)] = cell
    return cells


def _unique(place: int, run: str) -> str:
    return f"{place}/{run}"


def _per_image(sources: Sequence[Source], cells: Sequence[Cells]) -> dict[str, np.ndarray]:
    """Return the values of all runs that are compared, on the same images, by metric and run."""
    compared = {
        run for shared in cells for pair in shared.values() for side in pair for run in side["run"]
    }
    values = {
        f"{metric}/{_unique(place, run)}": array
        for place, source in enumerate(sources)
        for metric, arrays in source.per_image.items()
        for run, array in arrays.items()
        if _unique(place, run) in compared
    }
    sizes = {len(array) for array in values.values()}
    if len(sizes) > 1:
        names = join_and([source.name for source in sources])
        counts = join_and([str(size) for size in sorted(sizes)])
        raise ResultsError(
            f"{names}: runs have values of {counts} test images, and all must have the same; "
            f"{REMEDY}"
        )
    return values


def _levels(cells: Cells, several_betas: bool) -> Iterator[tuple[Level, str, list[Configuration]]]:
    """Yield what is compared: all cells, levels of factors that vary, and single cells."""
    if len(cells) > 1:
        yield "all cells", pluralise(len(cells), "cell"), list(cells)
    names: Mapping[Level, list[str]] = {
        "architecture": [architecture for architecture, _, _ in cells],
        "latent size": [pluralise(latent_dim, "dimension") for _, latent_dim, _ in cells],
        "beta": [beta_name(beta) for _, _, beta in cells],
    }
    for factor, levels in names.items():
        distinct = dict.fromkeys(levels)
        if len(distinct) > 1:
            for level in distinct:
                yield (
                    factor,
                    level,
                    [key for key, own in zip(cells, levels, strict=True) if own == level],
                )
    for key in cells:
        yield "cell", _name(key, several_betas), [key]


def _name(key: Configuration, several_betas: bool) -> str:
    architecture, latent_dim, beta = key
    return model_name(architecture, latent_dim, beta if several_betas else None)


def _effects(
    levels: Sequence[Sequence[tuple[Level, str, list[Configuration]]]],
    cells: Sequence[Cells],
    metric: Metric,
    rule: Rule,
    images: ImageBootstrap,
) -> Iterator[tuple[int, Effect]]:
    """Yield the effects on one metric with the index of their source, one family after another."""
    for factor in get_args(Level):
        family = [
            (place, label, [_of(metric, *cells[place][key]) for key in keys])
            for place, own in enumerate(levels)
            for named, label, keys in own
            if named == factor
        ]
        differences = compare_runs([pairs for _, _, pairs in family], metric, rule, images)
        for (place, label, pairs), difference in zip(family, differences, strict=True):
            yield (
                place,
                Effect(
                    metric=metric,
                    factor=factor,
                    label=label,
                    cells=len(pairs),
                    before=_mean([reference for _, reference in pairs], metric),
                    after=_mean([subject for subject, _ in pairs], metric),
                    difference=difference,
                ),
            )


def _of(
    metric: Metric, subject: pd.DataFrame, reference: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both with runs named as in ``_per_image``."""
    return (
        subject.assign(run=f"{metric.name}/" + subject["run"]),
        reference.assign(run=f"{metric.name}/" + reference["run"]),
    )


def _mean(cells: Sequence[pd.DataFrame], metric: Metric) -> float:
    """Return the mean over cells, whose numbers of seeds may differ."""
    return statistics.fmean(cell[metric.name].mean() for cell in cells)


def _lacking(source: Source, shared: Cells, several_betas: bool) -> tuple[str, ...]:
    return tuple(_name(key, several_betas) for key in _cells(source, 0) if key not in shared)


def _notes(baseline: Source, other: Source, effects: Sequence[Effect]) -> tuple[str, ...]:
    """Return what to know before using the numbers, in sentences."""
    notes = []
    opposite = [{"better", "worse"}, {"higher", "lower"}]
    for metric in BOUND:
        cells = [one for one in effects if one.metric is metric and one.factor == "cell"]
        if any(words <= {one.difference.verdict for one in cells} for words in opposite):
            notes.append(
                f"The effect on {metric.label} differs in sign between cells, which a mean hides."
            )
    cells = [one for one in effects if one.metric is ELBO and one.factor == "cell"]
    notes += [
        f"{one.label}: {pluralise(one.difference.collapsed, 'run')} collapsed and counted in."
        for one in cells
        if one.difference.collapsed
    ]
    if not all(one.difference.interval.is_known for one in cells):
        notes.append("A cell with one seed has no interval over seeds and no verdict.")
    if any(
        change.name == "evaluate.latent_samples" for change in changed_settings(baseline, other)
    ):
        notes.append(
            "The ELBO is estimated from different numbers of samples per image: both estimates are "
            "unbiased, and the one from fewer samples is noisier."
        )
    notes += [
        f"The settings of {source.name} were not recorded with its results, so the list of changes "
        "is incomplete; record them with `dvc repro collect`."
        for source in (baseline, other)
        if not has_settings(source)
    ]
    return (*notes, *baseline.notes, *other.notes)
