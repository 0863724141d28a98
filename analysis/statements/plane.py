"""Statements about codes in between: paths between images, and the two-dimensional plane."""

from collections import Counter
from dataclasses import replace

from scipy.stats import binomtest

from analysis.estimate.intervals import Interval
from analysis.present.intervals import format_estimate
from analysis.read.arrays import Array
from analysis.statements.contrasts import Change, decide_change
from analysis.statements.decision import Decision, all_of, sentences, statement_verdict
from analysis.statements.evidence import Evidence, Model, Quantity
from analysis.words import join_and, pluralise
from pipeline.schemas.judged_metrics import (
    GRID_CENTER_CLASS,
    PATH_MIN_CONFIDENCE,
    PATH_PLAUSIBILITY,
)
from pipeline.schemas.metrics import GRID_CONTINUITY

HALF = 0.5
HUB = "8"
PLANE_DIMENSIONS = 2

PATHS = Change(
    "Paths stay plausible all the way in {small} dimensions, and less so in {large}.",
    "latent size",
    Quantity("Share of plausible points on paths", PATH_PLAUSIBILITY),
    "below",
    (Quantity("Minimum path confidence", PATH_MIN_CONFIDENCE),),
    "The share at the smaller size must also be above one half, a lenient reading of "
    '"all the way".',
)
GRID = f"The two-dimensional plane is continuous, and the {HUB} is its hub."
GRID_STATISTIC = (
    f"Share of runs in which the {HUB} borders more classes than any other class does (exact "
    "binomial interval), and grid continuity, which is 1 for random pairs. Supported if the share "
    "is above one half and continuity below; contradicted if either is on the other side."
)


def decide_paths(evidence: Evidence) -> Decision:
    """Decide on the difference between the sizes together with the smaller size's own share."""
    decision = decide_change(PATHS, evidence)
    if not decision.effect.is_known:
        return decision
    small = evidence.sizes[0]
    own = evidence.mean(PATHS.quantity, [(name, small) for name in evidence.architectures])
    alone = statement_verdict(own, "above", HALF)
    size = format_estimate(own, PATH_PLAUSIBILITY.digits)
    return replace(
        decision,
        verdict=all_of((decision.verdict, alone)),
        reasons=(
            f"Share in {small} dimensions: {size} against one half, {alone}.",
            *decision.reasons,
        ),
    )


def decide_grid(evidence: Evidence) -> Decision:
    """Decide on continuity over seeds and the hubs of all runs of the two-dimensional models."""
    models = [model for model in evidence.models if model[1] == PLANE_DIMENSIONS]
    if not models:
        return _open("The results contain no model with 2 dimensions.")
    quantity = Quantity("Grid continuity", GRID_CONTINUITY)
    lacking = evidence.lacking(quantity, models)
    if lacking:
        return _open(lacking)
    continuity = evidence.mean(quantity, models)
    measured = (
        f"Continuity: {format_estimate(continuity, GRID_CONTINUITY.digits)} against one half, "
        f"{statement_verdict(continuity, 'below', HALF)}."
    )
    if HUB not in evidence.classes:
        what = f"no class {HUB}" if evidence.classes else "no class names"
        return _open(f"The results contain {what}.", measured)
    found = _hubs(evidence, models)
    if not found:
        return _open("No run has plane_borders; run dvc repro to measure them.", measured)
    wins = sum(hubs == (evidence.classes.index(HUB),) for hubs in found)
    share = share_interval(wins, len(found), evidence.confidence)
    hopeless = share_interval(len(found), len(found), evidence.confidence).low <= HALF
    return Decision(
        GRID,
        GRID_STATISTIC,
        all_of(
            (statement_verdict(share, "above", HALF), statement_verdict(continuity, "below", HALF))
        ),
        sentences(
            f"Hubs: {_counted(found, evidence.classes)}.",
            f"{pluralise(len(found), 'run')} cannot show a share above one half, even if all agree."
            if hopeless
            else "",
            measured,
            _centres(evidence, models),
            evidence.collapsed(models),
        ),
        share,
        f"share of runs with hub {HUB}",
        signed=False,
        runs=len(found),
    )


def _open(*reasons: str) -> Decision:
    return Decision(GRID, GRID_STATISTIC, "cannot be decided", reasons)


def hubs_of(borders: Array) -> tuple[int, ...]:
    """Return the classes that border the most others: several if they tie, none without borders.

    Args:
        borders: (C, 2), a class and the number of others it borders.
    """
    most = borders[:, 1].max(initial=0)
    return tuple(sorted(map(int, borders[borders[:, 1] == most, 0]))) if most else ()


def share_interval(successes: int, runs: int, confidence: float) -> Interval:
    """A share with its exact interval (Clopper & Pearson 1934, Biometrika 26).

    Runs of two architectures may differ in their probability of success: their number then varies
    less than a binomial one (Hoeffding 1956), and the interval is conservative.
    """
    ends = binomtest(successes, runs).proportion_ci(confidence, method="exact")
    return Interval(successes / runs, float(ends.low), float(ends.high))


def _hubs(evidence: Evidence, models: list[Model]) -> list[tuple[int, ...]]:
    runs = [run for model in models for run in evidence.of(model)["run"]]
    return [hubs_of(evidence.borders[run]) for run in runs if run in evidence.borders]


def _counted(found: list[tuple[int, ...]], classes: tuple[str, ...]) -> str:
    """``8 in 3 runs; 1 and 8 tied in 2 runs; none in 1 run``."""
    counts = sorted(Counter(found).items(), key=lambda item: (-item[1], item[0]))
    return "; ".join(f"{_tie(hubs, classes)} in {pluralise(n, 'run')}" for hubs, n in counts)


def _tie(hubs: tuple[int, ...], classes: tuple[str, ...]) -> str:
    names = join_and([_name(label, classes) for label in hubs])
    return f"{names} tied" if len(hubs) > 1 else names or "none"


def _name(label: int, classes: tuple[str, ...]) -> str:
    return classes[label] if label < len(classes) else str(label)


def _centres(evidence: Evidence, models: list[Model]) -> str:
    """The classes at the origin, which need not be the ones that border the most others."""
    centre = Quantity("", GRID_CENTER_CLASS)
    found: list[tuple[int, ...]] = [
        (int(label),) for model in models for label in evidence.values(centre, model)
    ]
    return f"At the origin: {_counted(found, evidence.classes)}." if found else ""
