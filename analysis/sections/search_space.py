"""What mattered in a search: importances, slices and maps of the objective over the space."""

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

UNEVEN = "The trials are an uneven sample: the sampler chose most where it expected good values"


def slices_exhibits(trials: Trials) -> list[Exhibit]:
    """Values against each dimension: final ones, and early ones where pruning left few of them."""
    if not trials.dimensions or trials.complete.empty:
        return []
    shown = [_slices(trials, final_values(trials), "slices")]
    early = first_values(trials)
    if early is not None and len(trials.complete) < FEWEST:
        shown.append(_slices(trials, early, "slices-first"))
    return shown


def _slices(trials: Trials, values: Values, name: str) -> Exhibit:
    final = values.epoch is None
    known = values.series.dropna()
    # Of all trials at an early epoch many are bad, and none of them says more than that it is.
    low, high = score_limits(known, values.higher, 0.1 if final else 0.2)
    beyond = int(((known < low) | (known > high)).sum())
    outside = f" {pluralise(beyond, 'trial')} beyond the axis at its edge." if beyond else ""
    direction = "higher" if values.higher else "lower"
    if final:
        told = f"{pluralise(len(known), 'complete trial')} after the last epoch, filled"
        if len(known) < len(trials.frame):
            told += (
                "; hollow, in the grey band at the edge, those that were pruned, whose values are "
                "of earlier epochs"
            )
        told += "."
    else:
        told = (
            f"all {len(known)} trials that were measured after epoch {values.epoch}, the first "
            "comparison; filled are those that went on to the end. Early values favour what learns "
            "fast."
        )
    scales = (
        "Ranges are on the scale on which they were searched"
        if trials.card.plan is not None
        else "Scales are linear, as the export does not tell how they were searched"
    )
    best = trials.ranked.iloc[0]
    return Exhibit(
        name=name,
        title="Every dimension" if final else "Every dimension at the first comparison",
        caption=(
            f"Validation {values.name} in nats per image ({direction} is better) against each "
            f"searched dimension: {told} {scales}; "
            "choices are spread sideways, so that points do not hide each other. The ring is the "
            f"best trial by its final {trials.score_name}.{outside} {UNEVEN}, and all dimensions "
            "vary at once: a slope in one panel may be another panel's doing."
        ),
        alt=(
            f"A scatter chart a dimension ({join_and([one.label for one in trials.dimensions])}) of "
            f"validation {values.name} {values.when}. The best trial, {best['number']}, has an "
            f"ELBO of {format_number(best['elbo'])}."
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


def contours_exhibit(trials: Trials) -> tuple[Exhibit | None, str]:
    """Maps over the main amounts, or else a note that says why there are none."""
    values = comparable_values(trials)
    if values is None:
        return None, (
            f"No map of the objective: it takes {FEWEST} trials measured after the same epoch, and "
            f"there are {pluralise(len(trials.complete), 'complete trial')}. `study run` with more "
            "trials goes on."
        )
    found = areas(trials, values)
    if not found:
        return None, (
            "No map of the objective: it takes two amounts that vary in all trials of an "
            "architecture."
        )
    limits = [score_limits(area.values, values.higher, 0.2) for area in found]
    basis = (
        f"complete trials, {values.when}"
        if values.epoch is None
        else f"all trials {values.when}, the first comparison, as fewer than {FEWEST} are "
        "complete; early values favour what learns fast"
    )
    alone = "architecture" in trials.space and found[0].group != TOGETHER
    within = " Architectures are apart, as nothing lies between them." if alone else ""
    bright = "higher" if values.higher else "lower"
    return Exhibit(
        name="contours",
        title="Maps of the objective",
        caption=(
            f"Validation {values.name} in nats per image over pairs of {_chosen(found)}: "
            f"{_basis_counts(found)}, {basis}. A point is a trial; brighter is better "
            f"({bright}), and the worst have the colour of the end. The surface is linear between "
            "neighbouring trials and ends with them; the other dimensions vary along, and one "
            f"trial may shape it.{within}{_left_out(trials, values, found)} {UNEVEN}, and where "
            "they are sparse the surface is a guess."
        ),
        alt=" ".join(_best_place(area, values) for area in found),
        figure=contours(
            found, limits, f"validation {values.name} {values.when}, nats", values.higher
        ),
        format="svg",
    ), ""


def _chosen(found: list[Area]) -> str:
    if all(area.ranked for area in found):
        return "the amounts that explain most of the variance"
    return "the first amounts of the space (no importances were exported)"


def _basis_counts(found: list[Area]) -> str:
    return join_and([f"{len(area.trials)} of {area.group}" for area in found])


def _left_out(trials: Trials, values: Values, found: list[Area]) -> str:
    """The architectures without enough trials for a map."""
    if "architecture" not in trials.space:
        return ""
    shown = {area.group for area in found}
    if TOGETHER in shown:
        return (
            f" No architecture has {FEWEST} trials, so all are mapped together, though nothing "
            "lies between two architectures."
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
        f"Maps of {values.name} of {area.group} over {pairs}: of {len(area.trials)} points the "
        f"best, trial {area.trials['number'].iloc[best]}, has "
        f"{format_number(area.values.iloc[best])} nats."
    )


def fanova_parts(trials: Trials) -> tuple[tuple[Part, ...], str]:
    """Shares of the variance as bars and as numbers, or else a note that says why not."""
    groups = trials.importance
    if not groups:
        return (), (
            f"No importances of the hyperparameters: they need {FEWEST} finished trials of which "
            "two or more hyperparameters vary; `study run` with more trials goes on, and `study "
            "export` computes them."
        )
    first = groups[0]
    basis = (
        f"{trials.score_name} of complete trials after their last epoch"
        if first.epoch is None
        else f"ELBO of all trials after epoch {first.epoch}, the first comparison, as fewer "
        f"than {FEWEST} are complete; early values favour what learns fast"
    )
    counts = join_and([f"{pluralise(one.trials, 'trial')} of {_group(one)}" for one in groups])
    figure = Exhibit(
        name="importance",
        title="What the objective depends on",
        caption=(
            "Share of the variance that each hyperparameter explains by itself, of all that they "
            "explain so: functional ANOVA (Hutter, Hoos & Leyton-Brown 2014) on a random "
            f"forest fitted to the validation {basis}; {counts}. Only what applies to all trials "
            "of a panel is in it, so an architecture's own hyperparameters have a panel with it. "
            f"{UNEVEN}, and there are no intervals: a hint where to look, not an estimate."
        ),
        alt=" ".join(f"Bars of {group_name(one)}: {_shares(one)}." for one in groups),
        figure=fanova_bars(groups),
        format="svg",
    )
    table = TableExhibit(
        "importance",
        "Shares of the variance as numbers",
        "Functional ANOVA of the figure above; the shares of a column add up to 100 %.",
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
