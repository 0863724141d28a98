"""The search: which trials were run, what they achieved, what mattered, and how good they are."""

from analysis.estimate.pareto import rate_distortion_front
from analysis.figures.search import history, score_limits
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, TableExhibit, drop_missing
from analysis.present.search_tables import (
    BEST_SHOWN,
    best_table,
    failures,
    front_table,
    settings_table,
    space_table,
    states_table,
)
from analysis.read.trials import REPEATED, Trials
from analysis.sections.against_grid import against_grid_parts
from analysis.sections.confirmation import confirmed_parts
from analysis.sections.search_space import (
    at_the_edge,
    contours_exhibit,
    fanova_parts,
    slices_exhibit,
)
from analysis.words import CAVEAT, format_number, pluralise


def section(found: Findings) -> ReportSection:
    """The section; without a search it says how to run one."""
    trials = found.trials
    if trials is None:
        none = "No search was exported. Run `study run --trials 50`, then `study report`."
        return ReportSection("search", "The search", notes=(none,))
    contours, unmapped = contours_exhibit(trials)
    importances, unexplained = fanova_parts(trials)
    confirmed, unconfirmed = confirmed_parts(trials, found.confidence)
    verdict, against_grid = against_grid_parts(found, trials)
    return ReportSection(
        "search",
        "The search",
        drop_missing(
            *against_grid,
            settings_exhibit(trials),
            search_exhibit(trials),
            states_exhibit(trials),
            best_exhibit(trials),
            front_exhibit(trials),
            *confirmed,
            *importances,
            slices_exhibit(trials),
            contours,
            space_exhibit(trials),
        ),
        lead=(verdict, *_lead(trials)),
        notes=tuple(filter(None, (unconfirmed, unexplained, unmapped))),
    )


def _lead(trials: Trials) -> tuple[str, ...]:
    objective = f"the {trials.score_name}" if trials.is_single else "reconstruction and KL"
    found = (
        f"{trials.search}: {trials.counts}, optimising {objective} on the validation split. The "
        "best values are optimistic, because they are the best of many noisy ones; `study rerun "
        "NUMBER --seeds 5` shows by how much."
    )
    caveat = f"ELBO and reconstruction in the search: {CAVEAT}, because its pixels are grey."
    return (found,) if trials.card.protocol.is_likelihood else (found, caveat)


def settings_exhibit(trials: Trials) -> TableExhibit:
    """The settings of the search."""
    return TableExhibit(
        "search-settings",
        "Search settings",
        "What determines the trials, and how they are measured. The same settings give the same "
        "trials for any number of workers; the time is the sum over trials, so parallel workers "
        "need less.",
        settings_table(trials),
    )


def space_exhibit(trials: Trials) -> TableExhibit:
    """What the search could try and what it tried."""
    return TableExhibit(
        "search-space",
        "Search space",
        "Each dimension with its allowed values and those tried by finished trials; the number of "
        "trials per choice is in brackets. Settings that are not listed are those of the section "
        "`train` in `params.yaml`.",
        space_table(trials),
        folded=True,
    )


def states_exhibit(trials: Trials) -> TableExhibit:
    """How many trials were completed, pruned or failed."""
    repeated = "both count as finished"
    if (trials.frame["state"] == REPEATED).any():
        repeated = (
            "a repeated one had the settings and seed of an earlier trial and took its result "
            "instead of training. All count as finished, but a repeated trial is no evidence of "
            "its own, so no other figure or table counts it"
        )
    return TableExhibit(
        "search-states",
        "Trials by state",
        "A complete trial ran to the end, while a pruned one was stopped early because it did "
        f"worse than others up to that point; {repeated}. Epochs and seconds are "
        f"totals.{failures(trials)}",
        states_table(trials),
    )


def best_exhibit(trials: Trials) -> TableExhibit | None:
    """The best complete trials; None for two objectives, or without complete trials."""
    if not trials.is_single or trials.complete.empty:
        return None
    by = f"the objective, {trials.score_name}" if trials.objective == "nll" else "validation ELBO"
    amount = min(BEST_SHOWN, len(trials.complete))
    return TableExhibit(
        "trials",
        "Best trials",
        f"The best {amount} of {pluralise(len(trials.complete), 'complete trial')} by "
        f"{by} ({trials.each}). The ELBO always has beta = 1, regardless of the beta used in "
        "training. MLflow runs are identified by the first digits of their id.",
        best_table(trials),
        trials.ranked.head(BEST_SHOWN),
    )


def front_exhibit(trials: Trials) -> TableExhibit | None:
    """The Pareto front of a search with two objectives; None for one or without complete trials."""
    if trials.is_single or trials.complete.empty:
        return None
    front = rate_distortion_front(trials.complete)
    front = front.sort_values(["reconstruction", "number"], kind="stable")
    return TableExhibit(
        "front",
        "Pareto front",
        f"The {len(front)} of {pluralise(len(trials.complete), 'complete trial')} that no "
        "other beats in both reconstruction and KL, lowest reconstruction first; on the "
        "validation split, in nats per image. The front is optimistic, because it was selected "
        "from many noisy pairs. The section on rate and distortion shows all trials in the plane "
        "of the two.",
        front_table(trials, front),
        front,
    )


def search_exhibit(trials: Trials | None) -> Exhibit | None:
    """The trials in order; None without a search, or for one with two objectives."""
    if trials is None or not trials.is_single or trials.complete.empty:
        return None
    values = trials.trained["value"].dropna()
    # Trials that are pruned early are so bad that they would flatten the rest.
    low, high = score_limits(trials.score.dropna(), trials.higher_is_better)
    outside = int(((values < low) | (values > high)).sum())
    beyond = at_the_edge(outside)
    best = trials.ranked.iloc[0]
    name = trials.score_name
    bound = " (with the negative ELBO as value)" if trials.objective == "nll" else ""
    direction = "higher" if trials.higher_is_better else "lower"
    return Exhibit(
        name="search",
        title="Search history",
        caption=(
            f"Validation {name} of {trials.counts} of {trials.search} ({trials.each}), in nats per "
            f"image; {direction} is better. Filled points are values after the last epoch; hollow "
            f"points are values at the epoch after which a trial was pruned{bound}. The line is "
            "the best value so far, and the ring marks the best trial. Being the best of many "
            f"noisy values, its value is optimistic.{beyond}"
        ),
        alt=(
            f"Scatter plot of {name} over trial numbers. The best, trial "
            f"{best['number']}, has an ELBO of {format_number(best['elbo'])}."
        ),
        figure=history(
            trials.trained,
            trials.best_so_far,
            f"validation {name}, nats",
            (low, high),
            int(best["number"]),
        ),
        format="svg",
    )
