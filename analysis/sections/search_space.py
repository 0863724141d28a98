"""What mattered in a search: fANOVA importances, slices and maps of the objective."""

from analysis.estimate.landscape import (
    FEWEST,
    TOGETHER,
    Area,
    Values,
    areas,
    comparable_values,
    final_values,
    first_values,
)
from analysis.figures.contours import contours
from analysis.figures.fanova import fanova_bars
from analysis.figures.search import score_limits
from analysis.figures.slices import slices
from analysis.present.exhibits import Exhibit, Part, TableExhibit
from analysis.present.search_tables import fanova_table, group_name
from analysis.read.fanova import ALL, FanovaImportance
from analysis.read.space import readable
from analysis.read.trials import Trials
from analysis.words import format_number, format_percent, join_and, pluralise

UNEVEN = "The trials are an uneven sample, densest where the sampler expected good values"
EARLY = "early values favour settings that learn fast"


def slices_exhibits(trials: Trials) -> list[Exhibit]:
    """Values against each dimension: final ones, and early ones if pruning left few of those."""
    if trials.complete.empty:
        return []
    shown = [_slices(trials, final_values(trials), "slices")]
    early = first_values(trials)
    if early is not None and len(trials.complete) < FEWEST:
        shown.append(_slices(trials, early, "slices-first"))
    return shown


def _slices(trials: Trials, values: Values, name: str) -> Exhibit:
    final = values.epoch is None
    known = values.series.dropna()
    # At an early epoch many trials are bad, and how bad they are is of no interest.
    low, high = score_limits(known, values.higher, 0.1 if final else 0.2)
    beyond = int(((known < low) | (known > high)).sum())
    outside = at_the_edge(beyond)
    direction = "higher" if values.higher else "lower"
    if final:
        text = f"{pluralise(len(known), 'complete trial')} after the last epoch (filled)"
        if len(known) < len(trials.frame):
            text += (
                " and, in the grey band at the edge, the pruned trials (hollow), whose values are "
                "from earlier epochs"
            )
        text += "."
    else:
        text = (
            f"all {len(known)} trials that were measured after epoch {values.epoch}, the pruner's "
            f"first comparison; filled points are trials that ran to the end, and {EARLY}."
        )
    best = trials.ranked.iloc[0]
    return Exhibit(
        name=name,
        title="All dimensions" if final else "All dimensions at the first comparison",
        caption=(
            f"Validation {values.name} in nats per image ({direction} is better) against each "
            f"searched dimension: {text} Ranges are shown on the scale on which they were "
            "searched; points of a choice are spread sideways so that they do not overlap. The "
            f"ring marks the best trial by final {trials.score_name}.{outside} {UNEVEN}, and all "
            "dimensions vary at once: a slope in one panel may be caused by another dimension."
        ),
        alt=(
            "One scatter plot per dimension "
            f"({join_and([one.label for one in trials.dimensions])}) of validation {values.name} "
            f"{values.when}. The best trial, {best['number']}, has an ELBO of "
            f"{format_number(best['elbo'])}."
        ),
        figure=slices(
            trials.frame,
            values.series,
            trials.dimensions,
            f"validation {values.name} {values.when}, nats",
            (low, high),
            values.higher,
            int(best["number"]),
        ),
        format="svg",
    )


def at_the_edge(amount: int) -> str:
    """A sentence on trials outside the axis limits; empty for none."""
    if not amount:
        return ""
    verb = "is" if amount == 1 else "are"
    return f" {pluralise(amount, 'trial')} outside the axis limits {verb} shown at the edge."


def contours_exhibit(trials: Trials) -> tuple[Exhibit | None, str]:
    """Maps over the main numeric dimensions, or else a note on why there are none."""
    values = comparable_values(trials)
    if values is None:
        return None, (
            f"No map of the objective: it needs {FEWEST} trials measured after the same epoch, and "
            f"there {'is' if len(trials.complete) == 1 else 'are'} only "
            f"{pluralise(len(trials.complete), 'complete trial')}. Use `study run` to add trials."
        )
    found = areas(trials, values)
    if not found:
        return None, (
            "No map of the objective: it needs two numeric dimensions that vary within all trials "
            "of an architecture."
        )
    limits = [score_limits(area.values, values.higher, 0.2) for area in found]
    basis = (
        f"complete trials, {values.when}"
        if values.epoch is None
        else f"all trials {values.when}, the pruner's first comparison, because fewer than "
        f"{FEWEST} are complete; {EARLY}"
    )
    alone = "architecture" in trials.space and found[0].group != TOGETHER
    within = " Each architecture has its own maps." if alone else ""
    bright = "higher" if values.higher else "lower"
    return Exhibit(
        name="contours",
        title="Maps of the objective",
        caption=(
            f"Validation {values.name} in nats per image over pairs of {_chosen(found)}: "
            f"{_basis_counts(found)} ({basis}). Each point is a trial; brighter is better "
            f"({bright}), and the worst trials share the last colour. The surface interpolates "
            "linearly between neighbouring trials and is not extrapolated; the other dimensions "
            f"vary too, and a single trial may shape it.{within}"
            f"{_left_out(trials, values, found)} {UNEVEN}, and where they are sparse the surface "
            "is a guess."
        ),
        alt=" ".join(_best_place(area, values) for area in found),
        figure=contours(
            found, limits, f"validation {values.name} {values.when}, nats", values.higher
        ),
        format="svg",
    ), ""


def _chosen(found: list[Area]) -> str:
    if all(area.ranked for area in found):
        return "the numeric dimensions that explain most of the variance"
    return "the first numeric dimensions of the space (no importances were exported)"


def _basis_counts(found: list[Area]) -> str:
    return join_and(
        [
            f"all {len(area.trials)} trials"
            if area.group == TOGETHER
            else f"{pluralise(len(area.trials), 'trial')} of {area.group}"
            for area in found
        ]
    )


def _left_out(trials: Trials, values: Values, found: list[Area]) -> str:
    """Name the architectures without enough trials for a map."""
    if "architecture" not in trials.space:
        return ""
    shown = {area.group for area in found}
    if TOGETHER in shown:
        return (
            f" No architecture has {FEWEST} trials, so all are mapped together, although it makes "
            "no sense to interpolate between architectures."
        )
    rated = trials.frame[values.series.notna()]
    few = [
        f"{name} ({len(rows)})" for name, rows in rated.groupby("architecture") if name not in shown
    ]
    return f" Too few trials for a map: {join_and(few)}." if few else ""


def _best_place(area: Area, values: Values) -> str:
    best = int(area.values.argmax() if values.higher else area.values.argmin())
    pairs = join_and(
        [f"{across.label.lower()} and {up.label.lower()}" for across, up in area.pairs]
    )
    return (
        f"Maps of {values.name} for {area.group} over {pairs}; the best of "
        f"{len(area.trials)} points, trial {area.trials['number'].iloc[best]}, has "
        f"{format_number(area.values.iloc[best])} nats."
    )


def fanova_parts(trials: Trials) -> tuple[tuple[Part, ...], str]:
    """Shares of the variance as bars and as numbers, or else a note on why there are none."""
    groups = trials.importance
    if not groups:
        return (), (
            f"No importance of hyperparameters: this needs {FEWEST} finished trials and at least "
            "two hyperparameters that vary. Use `study run` to add trials and `study export` to "
            "compute it."
        )
    first = groups[0]
    basis = (
        f"{trials.score_name} of complete trials after their last epoch"
        if first.epoch is None
        else f"ELBO of all trials after epoch {first.epoch}, the pruner's first comparison, "
        f"because fewer than {FEWEST} are complete; {EARLY}"
    )
    counts = join_and([f"{pluralise(one.trials, 'trial')} of {_group(one)}" for one in groups])
    figure = Exhibit(
        name="importance",
        title="What the objective depends on",
        caption=(
            "Share of the variance that each hyperparameter explains on its own, out of all such "
            "main effects: functional ANOVA (Hutter, Hoos & Leyton-Brown 2014) on a random "
            f"forest fitted to the validation {basis}. It is based on {counts}. A panel contains "
            "only hyperparameters that apply to all of its trials, so those of one architecture "
            f"are in the panel of that architecture. {UNEVEN}, and there are no intervals: this "
            "suggests where to look and is not an estimate."
        ),
        alt=" ".join(f"Bars for {group_name(one)}: {_shares(one)}." for one in groups),
        figure=fanova_bars(groups),
        format="svg",
    )
    table = TableExhibit(
        "importance",
        "Importance of hyperparameters",
        "The functional ANOVA of the figure above in numbers; each column adds up to 100 %.",
        fanova_table(groups),
        folded=True,
    )
    return (figure, table), ""


def _shares(one: FanovaImportance) -> str:
    return join_and(
        [
            f"{readable(name)} {format_percent(round(share, 2))}"
            for name, share in one.shares.items()
        ]
    )


def _group(one: FanovaImportance) -> str:
    return "the whole search" if one.group == ALL else one.group
