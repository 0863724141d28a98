"""The search: which trials were run, what they came to, what mattered, and what it is worth."""

from analysis.figures.search import history, score_limits
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, TableExhibit, present
from analysis.present.search_tables import (
    BEST_SHOWN,
    best_table,
    failures,
    front_table,
    settings_table,
    space_table,
    states_table,
)
from analysis.read.trials import Trials
from analysis.sections.confirmation import confirmed_parts
from analysis.sections.search_space import contours_exhibit, fanova_parts, slices_exhibits
from analysis.words import CAVEAT, format_number, pluralise


def section(found: Findings) -> ReportSection:
    """The chapter; without a search it says how to run one."""
    trials = found.trials
    if trials is None:
        none = "No search was exported: run `study run --trials 50`, then `study report`."
        return ReportSection("search", "The search", notes=(none,))
    contours, unmapped = contours_exhibit(trials)
    importances, unexplained = fanova_parts(trials)
    confirmed, unconfirmed = confirmed_parts(trials, found.confidence)
    return ReportSection(
        "search",
        "The search",
        present(
            settings_exhibit(trials),
            search_exhibit(trials),
            states_exhibit(trials),
            best_exhibit(trials),
            front_exhibit(trials),
            *confirmed,
            *importances,
            *slices_exhibits(trials),
            contours,
            space_exhibit(trials),
        ),
        lead=_lead(trials),
        notes=tuple(filter(None, (unconfirmed, unexplained, unmapped))),
    )


def _lead(trials: Trials) -> tuple[str, ...]:
    found = (
        f"{trials.search}: {trials.counts} by {trials.objective} on the validation split. Its "
        "best values are too good, as the best of many noisy ones; `study rerun NUMBER "
        "--seeds 5` says by how much."
    )
    protocol = trials.card.protocol
    grey = protocol is not None and not protocol.is_likelihood
    caveat = f"ELBO and reconstruction of the search: {CAVEAT}, as its pixels are grey."
    return (found, caveat) if grey else (found,)


def settings_exhibit(trials: Trials) -> TableExhibit:
    """How the search was set."""
    return TableExhibit(
        "search-settings",
        "Settings of the search",
        "What decides its trials, and how they are measured. The same settings give the same "
        "trials, whatever the number of workers; the time is the sum over trials, and passes "
        "faster side by side.",
        settings_table(trials),
    )


def space_exhibit(trials: Trials) -> TableExhibit:
    """What the search could try and what it tried."""
    return TableExhibit(
        "search-space",
        "The searched space",
        "Each dimension with what it may be and what the finished trials tried; in brackets, how "
        "many trials took a choice. Whatever is not listed is as in section train of the settings.",
        space_table(trials),
        folded=True,
    )


def states_exhibit(trials: Trials) -> TableExhibit:
    """How many trials came to what."""
    unknown = (
        " Failed trials are not in this export." if trials.card.failed is None else failures(trials)
    )
    return TableExhibit(
        "search-states",
        "Trials by state",
        "A complete trial ran to its end, a pruned one was stopped on the way as it did worse "
        f"than the others by then; both are finished. Epochs and seconds are sums.{unknown}",
        states_table(trials),
    )


def best_exhibit(trials: Trials) -> TableExhibit | None:
    """The best complete trials; None for two objectives, or without one."""
    if not trials.is_single or trials.complete.empty:
        return None
    by = "the objective, " + trials.score_name if trials.objective == "nll" else "validation ELBO"
    each = f"; {trials.each}" if trials.each else ""
    amount = min(BEST_SHOWN, len(trials.complete))
    return TableExhibit(
        "trials",
        "Best trials",
        f"The best {amount} of {pluralise(len(trials.complete), 'complete trial')} by {by}, with "
        f"beta = 1 in the ELBO whatever they trained with{each}. The MLflow run is named by the "
        "first digits of its id.",
        best_table(trials),
        trials.ranked.head(BEST_SHOWN),
    )


def front_exhibit(trials: Trials) -> TableExhibit | None:
    """The Pareto front of a search of two objectives; None for one, or without a complete trial."""
    if trials.is_single or trials.front.empty:
        return None
    return TableExhibit(
        "front",
        "Pareto front",
        f"The {len(trials.front)} of {pluralise(len(trials.complete), 'complete trial')} that no "
        "other beats in both reconstruction and KL, lowest reconstruction first; validation "
        "split, nats per image. Being chosen among many noisy pairs, the front is too good. The "
        "chapter on rate and distortion shows all trials in the plane of the two.",
        front_table(trials),
        trials.front,
    )


def search_exhibit(trials: Trials | None) -> Exhibit | None:
    """The search's trials in their order; None without a search, or for one of two objectives."""
    if trials is None or not trials.is_single or trials.complete.empty:
        return None
    values = trials.frame["value"].dropna()
    # What is pruned early is so bad that it would flatten the rest.
    low, high = score_limits(trials.score.dropna(), trials.higher_is_better)
    outside = int(((values < low) | (values > high)).sum())
    beyond = f" {pluralise(outside, 'trial')} beyond the axis at its edge." if outside else ""
    best = trials.ranked.iloc[0]
    name = trials.score_name
    bound = " (there the negative ELBO)" if trials.objective == "nll" else ""
    each = f" {trials.each.capitalize()}: the" if trials.each else " The"
    direction = "higher" if trials.higher_is_better else "lower"
    return Exhibit(
        name="search",
        title="The trials in their order",
        caption=(
            f"Validation {name} of {trials.counts} of {trials.search}, in nats per image; "
            f"{direction} is better. Filled, after the last epoch; hollow, at the epoch after "
            f"which it was pruned{bound}. The line is the best so far, the ring the best of all."
            f"{each} best is the luckiest of many, and biased.{beyond}"
        ),
        alt=(
            f"Scatter chart of {name} over the number of the trial. The best, trial "
            f"{best['number']}, has an ELBO of {format_number(best['elbo'])}."
        ),
        figure=history(
            trials.frame,
            trials.best_so_far,
            f"validation {name}, nats",
            (low, high),
            int(best["number"]),
        ),
        format="svg",
    )
