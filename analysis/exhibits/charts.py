"""Exhibits of numbers: training curves, latent size, differences, KL per dimension."""

from collections.abc import Sequence

import pandas as pd

from analysis.exhibits import Exhibit, Styles
from analysis.figures.curves import first_epoch_in_view, training_curves
from analysis.figures.effects import differences, kl_per_dimension, metrics_by_size
from analysis.figures.limits import view
from analysis.figures.search import history
from analysis.frames import Results, plain_beta
from analysis.statistics import sorted_kl_per_dim, training_bands
from analysis.trials import Trials
from analysis.verdicts import Comparison
from analysis.words import active, counted, estimate, listing, number, percent, span


def curves_exhibit(
    results: Results, summary: pd.DataFrame, styles: Styles, confidence: float
) -> Exhibit | None:
    """Training curves of four models; None without a history."""
    followed = summary[summary["model"].isin(results.history["model"])]
    if followed.empty:
        return None
    bands = training_bands(results.history, confidence)
    models = curve_models(followed)
    bands = bands[bands["model"].isin(models)]
    first, last = first_epoch_in_view(bands), int(bands["epoch"].max())
    start = (
        f" The axes leave out what lies outside the range of epochs {first} to {last}, so that "
        "the steep start does not flatten the rest."
        if first > 1
        else ""
    )
    names = listing(models)
    return Exhibit(
        name="training-curves",
        title="Training curves",
        caption=(
            f"Validation (solid, with markers) and training (dotted) of {names}, "
            f"{_basis(bands, confidence)}, in nats per image; a higher ELBO is better. Where the "
            f"two lines of a model part, it overfits.{start}"
        ),
        alt=(
            f"Three line charts over epochs: ELBO, reconstruction and KL of {names}. "
            f"{_final_values(bands, models)}"
        ),
        figure=training_curves(bands, models, styles, results.protocol),
        format="svg",
    )


def curve_models(summary: pd.DataFrame) -> list[str]:
    """Of each architecture sizes 2 and 10, or else the smallest and the largest; one beta.

    Args:
        summary: the configurations to choose from, one row each.
    """
    chosen = []
    plain = summary[summary["beta"] == plain_beta(summary)]
    for _, cells in plain.groupby("architecture", sort=False):
        sizes = set(cells["latent_dim"])
        wanted = {2, 10} if {2, 10} <= sizes else {min(sizes), max(sizes)}
        chosen += cells[cells["latent_dim"].isin(wanted)]["model"].tolist()
    return chosen


def _basis(bands: pd.DataFrame, confidence: float) -> str:
    if (bands["seeds"] == 1).all():
        return "one seed each and so without bands"
    seeds = span(bands["seeds"].tolist(), "seed")
    return f"mean of {seeds} with its {percent(confidence)} interval (Student's t) as a band"


def _final_values(bands: pd.DataFrame, models: Sequence[str]) -> str:
    """The last validation ELBO of each model, as a sentence."""
    valid = bands[bands["split"] == "valid"]
    last = [(model, valid[valid["model"] == model]) for model in models]
    ends = [f"{model} at {number(line['elbo_mean'].iloc[-1])}" for model, line in last if len(line)]
    return f"The validation ELBO ends with {listing(ends)} nats." if ends else ""


def sizes_exhibit(
    results: Results, summary: pd.DataFrame, styles: Styles, confidence: float
) -> Exhibit:
    """ELBO and its terms against latent size."""
    seeds = span(summary["seeds"].tolist(), "seed")
    values = [
        f"{row['model']} {number(row['elbo_mean'])}" for _, row in summary.iterrows()
    ]  # fmt: skip
    return Exhibit(
        name="latent-size",
        title="Latent size",
        caption=(
            "ELBO (higher is better), reconstruction (lower is better) and KL on the "
            f"{results.protocol.split} split, nats per image. Large points, in the colours of all "
            f"figures: mean of {seeds} with its {percent(confidence)} interval (Student's t), cut "
            "where it leaves the panel; small dots: single runs. Where the lines level off, "
            "further dimensions carry nothing more."
        ),
        alt=(
            "Three charts of ELBO, reconstruction and KL against the number of latent dimensions, "
            f"a line an architecture. Mean ELBO: {listing(values)} nats."
        ),
        figure=metrics_by_size(results.runs, summary, styles, results.protocol),
        format="svg",
    )


def differences_exhibit(
    architectures: Sequence[Comparison], sizes: Sequence[Comparison], confidence: float
) -> Exhibit | None:
    """Differences in ELBO with intervals; None where nothing can be compared."""
    titles = {"Architecture": architectures, "Latent size": sizes}
    groups = {title: group for title, group in titles.items() if group}
    if not groups:
        return None
    shown = [comparison for group in groups.values() for comparison in group]
    return Exhibit(
        name="differences",
        title="Differences in ELBO",
        caption=(
            f"Each row is the first named minus the second, with its {percent(confidence)} "
            "interval over seeds (Welch), nats per image on the test split. Filled: the interval "
            "leaves out zero, and the first is better or worse; hollow: it does not. The "
            f"{counted(len(shown), 'interval')} are not widened for their number; a very wide one "
            "is cut by the panel, and its ends stand beside it."
        ),
        alt="Intervals beside a line at zero. "
        + " ".join(
            f"{comparison.change}, {comparison.setting}: "
            f"{estimate(comparison.difference, signed=True)}, {comparison.word}."
            for comparison in shown
        ),
        figure=differences(groups),
        format="svg",
    )


def dimensions_exhibit(results: Results, summary: pd.DataFrame, styles: Styles) -> Exhibit | None:
    """KL of each dimension of the models with more than two; None if there is none."""
    larger = summary[summary["latent_dim"] > 2]
    if larger.empty:
        return None
    values = [
        f"{row['model']} {active(row['active_units_mean'], row['latent_dim'])}"
        for _, row in larger.iterrows()
    ]
    return Exhibit(
        name="kl-per-dimension",
        title="KL per dimension",
        caption=(
            f"What each latent dimension carries, in nats per image of the {results.protocol.split}"
            " split, sorted within its run; bars are means over "
            f"{span(larger['seeds'].tolist(), 'seed')}, whiskers reach from the lowest to the "
            "highest. Active: the variance of the posterior mean over the split exceeds 0.01. "
            "Bars near zero are dimensions that the model leaves unused."
        ),
        alt=f"Bar charts of sorted KL per dimension. Active dimensions: {listing(values)}.",
        figure=kl_per_dimension(sorted_kl_per_dim(results.runs), larger, styles),
        format="svg",
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
