"""Training: how the bound and its terms moved over the epochs."""

from collections.abc import Sequence

import pandas as pd

from analysis.exhibits import Exhibit, Section, Styles, present
from analysis.figures.curves import first_epoch_in_view, training_curves
from analysis.findings import Findings
from analysis.frames import Results, plain_beta
from analysis.statistics import training_bands
from analysis.words import listing, number, percent, span


def section(found: Findings) -> Section:
    """The chapter; without a history it says so."""
    curves = curves_exhibit(found.results, found.summary, found.styles, found.confidence)
    notes = () if curves else ("No training history was exported: run `dvc repro`.",)
    return Section("training", "Training", present(curves), notes=notes)


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
