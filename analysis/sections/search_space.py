"""What mattered in a search: fANOVA importances, slices and maps of the objective."""

from collections.abc import Collection

from analysis.estimate.landscape import FEWEST, TOGETHER, Area, areas
from analysis.figures.contours import contours
from analysis.figures.fanova import fanova_bars
from analysis.figures.search import score_limits
from analysis.figures.slices import slices
from analysis.present.exhibits import Exhibit, Part, TableExhibit
from analysis.present.search_tables import fanova_table, format_importance, group_name
from analysis.read.fanova import ALL, INTERVAL, FanovaImportance
from analysis.read.space import readable
from analysis.read.trials import Trials
from analysis.words import format_number, format_percent, join_and, pluralise

UNEVEN = "The trials are an uneven sample, densest where the sampler expected good values"


def slices_exhibit(trials: Trials) -> Exhibit | None:
    """Final values against each dimension; None without complete trials."""
    if trials.complete.empty:
        return None
    shown, name = trials.trained, trials.score_name
    values = trials.score[shown.index]
    known = values.dropna()
    low, high = score_limits(known, trials.higher_is_better)
    beyond = int(((known < low) | (known > high)).sum())
    band = (
        " and, in the grey band at the edge, the pruned trials (hollow), whose values are from "
        "earlier epochs"
        if len(known) < len(shown)
        else ""
    )
    best = trials.ranked.iloc[0]
    return Exhibit(
        name="slices",
        title="All dimensions",
        caption=(
            f"Validation {name} in nats per image ({_better(trials)} is better) against each "
            f"searched dimension: {pluralise(len(known), 'complete trial')} after the last epoch "
            f"(filled){band}. Ranges are shown on the scale on which they were "
            "searched; points of a choice are spread sideways so that they do not overlap. The "
            f"ring marks the best trial.{at_the_edge(beyond)} {UNEVEN}, and all "
            "dimensions vary at once: a slope in one panel may be caused by another dimension."
        ),
        alt=(
            "One scatter plot per dimension "
            f"({join_and([one.label for one in trials.dimensions])}) of validation {name} "
            f"after the last epoch. The best trial, {best['number']}, has an ELBO of "
            f"{format_number(best['elbo'])}."
        ),
        figure=slices(
            shown,
            values,
            trials.dimensions,
            f"validation {name}, nats",
            (low, high),
            trials.higher_is_better,
            int(best["number"]),
        ),
        format="svg",
    )


def _better(trials: Trials) -> str:
    return "higher" if trials.higher_is_better else "lower"


def at_the_edge(amount: int) -> str:
    """A sentence on trials outside the axis limits; empty for none."""
    if not amount:
        return ""
    verb = "is" if amount == 1 else "are"
    return f" {pluralise(amount, 'trial')} outside the axis limits {verb} shown at the edge."


def contours_exhibit(trials: Trials) -> tuple[Exhibit | None, str]:
    """Maps over the main numeric dimensions, or else a note on why there are none."""
    amount, name = len(trials.complete), trials.score_name
    if amount < FEWEST:
        return None, (
            f"No map of the objective: it needs {FEWEST} complete trials, and there "
            f"{'is' if amount == 1 else 'are'} {amount}. Use `study run` to add trials."
        )
    found = areas(trials)
    if not found:
        return None, (
            "No map of the objective: it needs two numeric dimensions that vary within all trials "
            "of an architecture."
        )
    higher = trials.higher_is_better
    limits = [score_limits(area.values, higher, 0.2) for area in found]
    alone = "architecture" in trials.space and found[0].group != TOGETHER
    within = " Each architecture has its own maps." if alone else ""
    return Exhibit(
        name="contours",
        title="Maps of the objective",
        caption=(
            f"Validation {name} in nats per image over pairs of {_chosen(found)}: "
            f"{_basis_counts(found)}, after the last epoch. Each point is a trial; brighter is "
            f"better ({_better(trials)}), and the worst trials share the last colour. The surface "
            "interpolates linearly between neighbouring trials and is not extrapolated; the other "
            f"dimensions vary too, and a single trial may shape it.{within}"
            f"{_left_out(trials, found)} {UNEVEN}, and where they are sparse the surface "
            "is a guess."
        ),
        alt=" ".join(_best_place(area, trials) for area in found),
        figure=contours(found, limits, f"validation {name}, nats", higher),
        format="svg",
    ), ""


def _chosen(found: list[Area]) -> str:
    if all(area.ranked for area in found):
        return "the numeric dimensions that explain most of the variance"
    return "the first numeric dimensions of the space (no importances were exported)"


def _basis_counts(found: list[Area]) -> str:
    return join_and(
        [
            f"all {len(area.trials)} complete trials"
            if area.group == TOGETHER
            else f"{pluralise(len(area.trials), 'complete trial')} of {area.group}"
            for area in found
        ]
    )


def _left_out(trials: Trials, found: list[Area]) -> str:
    """Name the architectures without enough trials for a map."""
    if "architecture" not in trials.space:
        return ""
    shown = {area.group for area in found}
    if TOGETHER in shown:
        return (
            f" No architecture has {FEWEST} complete trials, so all are mapped together, although "
            "it makes no sense to interpolate between architectures."
        )
    few = _counts(trials, shown)
    return f" Too few complete trials for a map: {few}." if few else ""


def _counts(trials: Trials, without: Collection[str] = ()) -> str:
    """``linear (7)``: the complete trials of each architecture, without the given ones."""
    amounts = (trials.frame["state"] == "complete").groupby(trials.frame["architecture"]).sum()
    return join_and([f"{name} ({n})" for name, n in amounts.items() if name not in without])


def _best_place(area: Area, trials: Trials) -> str:
    best = int(area.values.argmax() if trials.higher_is_better else area.values.argmin())
    pairs = join_and(
        [f"{across.label.lower()} and {up.label.lower()}" for across, up in area.pairs]
    )
    return (
        f"Maps of {trials.score_name} for {area.group} over {pairs}; the best of "
        f"{len(area.trials)} points, trial {area.trials['number'].iloc[best]}, has "
        f"{format_number(area.values.iloc[best])} nats."
    )


def fanova_parts(trials: Trials) -> tuple[tuple[Part, ...], str]:
    """Shares of the variance as bars and as numbers, or else a note on why there are none."""
    groups = trials.importance
    if not groups:
        counts = _counts(trials) if "architecture" in trials.space else ""
        return (), (
            f"No importance of hyperparameters: this needs {FEWEST} complete trials in a group and "
            "at least two hyperparameters that vary. There "
            f"{'is' if len(trials.complete) == 1 else 'are'} "
            f"{pluralise(len(trials.complete), 'complete trial')}{f': {counts}' if counts else ''}."
        )
    counts = join_and(
        [f"{pluralise(one.trials, 'complete trial')} of {_group(one)}" for one in groups]
    )
    level = format_percent(INTERVAL)
    figure = Exhibit(
        name="importance",
        title="What the objective depends on",
        caption=(
            "Share of the variance that each hyperparameter explains on its own, out of all such "
            "main effects: functional ANOVA (Hutter, Hoos & Leyton-Brown 2014) on a random "
            f"forest fitted to the validation {trials.score_name} of {counts}. Lines are {level} "
            "percentile intervals over bootstrapped trials. "
            f"{' '.join(map(_alike, groups))}{_without_panel(trials, groups)} A panel contains "
            "only hyperparameters that apply to all of its trials, so those of one architecture "
            f"are in the panel of that architecture. {UNEVEN}: the intervals do not cover what it "
            "did not try, so this suggests where to look and is not an estimate."
        ),
        alt=" ".join(f"Bars for {group_name(one)}: {_shares(one)}." for one in groups),
        figure=fanova_bars(groups),
        format="svg",
    )
    table = TableExhibit(
        "importance",
        "Importance of hyperparameters",
        f"The functional ANOVA of the figure above in numbers, with its {level} intervals; the "
        "shares of each column add up to 100 %.",
        fanova_table(groups),
        folded=True,
    )
    return (figure, table), ""


def _alike(one: FanovaImportance) -> str:
    """Say which hyperparameters cannot be told apart from the one that explains the most."""
    (first, largest), *others = one.shares.items()
    alike = [readable(name).lower() for name, share in others if share.high >= largest.low]
    name = readable(first).lower()
    where = "Over all trials" if one.group == ALL else f"For {one.group}"
    if not alike:
        return f"{where}, {name} stands out: no other interval overlaps its own."
    return f"{where}, {name} cannot be told apart from {join_and(alike)}."


def _without_panel(trials: Trials, groups: Collection[FanovaImportance]) -> str:
    few = _counts(trials, {one.group for one in groups}) if "architecture" in trials.space else ""
    return f" No panel for {few}: a group needs {FEWEST} complete trials." if few else ""


def _shares(one: FanovaImportance) -> str:
    return join_and(
        [f"{readable(name)} {format_importance(share)}" for name, share in one.shares.items()]
    )


def _group(one: FanovaImportance) -> str:
    return "the whole search" if one.group == ALL else one.group
