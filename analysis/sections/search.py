"""The search: which trials were run, and what they came to."""

from analysis.exhibits import Exhibit, Section, TableExhibit, present
from analysis.figures.limits import view
from analysis.figures.search import history
from analysis.findings import Findings
from analysis.trials import Trials, best_table
from analysis.words import counted, number


def section(found: Findings) -> Section:
    """The chapter; without a search it says how to run one."""
    trials = found.trials
    if trials is None:
        none = "No search was exported: run `study run --trials 50`, then `study report`."
        return Section("search", "The search", notes=(none,))
    return Section(
        "search",
        "The search",
        present(search_exhibit(trials), best_exhibit(trials)),
        lead=(
            f"{trials.search}: {trials.counts} by {trials.objective} on the validation split. Its "
            "best values are too good, as the best of many noisy ones; `study rerun NUMBER "
            "--seeds 5` says by how much.",
        ),
    )


def best_exhibit(trials: Trials) -> TableExhibit:
    """The best complete trials."""
    return TableExhibit(
        "trials",
        "Best trials",
        "Complete trials by validation ELBO with beta = 1, whatever they trained with; one seed "
        "each.",
        best_table(trials),
    )


def search_exhibit(trials: Trials | None) -> Exhibit | None:
    """The search's trials in their order; None without a search, or for one of two objectives."""
    if trials is None or not trials.is_single or trials.complete.empty:
        return None
    values = trials.frame["value"].dropna()
    complete = trials.frame.loc[trials.frame["state"] == "complete", "value"]
    # What is pruned early is so bad that it would flatten the rest.
    low, high = view(
        complete.quantile([0.1, 0.5, 1.0] if trials.objective != "nll" else [0.0, 0.5, 0.9]), []
    )
    outside = int(((values < low) | (values > high)).sum())
    beyond = f" {counted(outside, 'trial')} beyond the axis at its edge." if outside else ""
    best = trials.complete.iloc[0]
    name = "NLL (K = 64)" if trials.objective == "nll" else "ELBO"
    return Exhibit(
        name="search",
        title="The search",
        caption=(
            f"Validation {name} of {trials.counts} of {trials.search}, in nats per image: filled, "
            "after the last epoch; hollow, at the epoch after which it was pruned. The line is the "
            "best so far. One seed a trial: the best is the luckiest of many, and biased." + beyond
        ),
        alt=(
            f"Scatter chart of {name} over the number of the trial. The best, trial "
            f"{best['number']}, has an ELBO of {number(best['elbo'])}."
        ),
        figure=history(trials.frame, trials.best_so_far, f"validation {name}, nats", (low, high)),
        format="svg",
    )
