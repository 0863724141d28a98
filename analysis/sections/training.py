"""Training: how the bound and its terms changed over the epochs."""

from collections.abc import Sequence

import pandas as pd

from analysis.estimate.intervals import training_bands
from analysis.figures.curves import first_epoch_in_view, training_curves
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, Styles, drop_missing
from analysis.read.frames import Results, plain_beta
from analysis.sections.summary import machines
from analysis.words import format_number, format_percent, format_range, join_and


def section(found: Findings) -> ReportSection:
    """The section; without a history it says so."""
    results, summary, styles = found.results, found.summary, found.styles
    curves = curves_exhibit(results, summary, styles, found.confidence)
    timed = time_exhibit(results, summary, styles, found.confidence)
    notes: tuple[str, ...] = ()
    if curves is None:
        notes = ("No training history was exported: run `dvc repro` to create it.",)
    elif timed is None:
        notes = (
            "Some times in the history are zero, which a logarithmic axis cannot show, so there "
            "are no curves over time.",
        )
    return ReportSection("training", "Training", drop_missing(curves, timed), notes=notes)


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
        f" The axes are limited to the range of epochs {first} to {last}, so that the steep start "
        "does not flatten the rest."
        if first > 1
        else ""
    )
    names = join_and(models)
    return Exhibit(
        name="training-curves",
        title="Training curves",
        caption=(
            f"Validation (solid, with markers) and training (dotted) curves of {names}, "
            f"{_basis(bands, confidence)}, in nats per image; a higher ELBO is better. A model "
            f"overfits where its two lines diverge.{start}"
        ),
        alt=(
            f"Three line charts over epochs: ELBO, reconstruction and KL of {names}. "
            f"{_final_values(bands, models)}"
        ),
        figure=training_curves(bands, models, styles, results.protocol),
        format="svg",
    )


def time_exhibit(
    results: Results, summary: pd.DataFrame, styles: Styles, confidence: float
) -> Exhibit | None:
    """The same curves over training time; None without a history or with a time of zero."""
    followed = summary[summary["model"].isin(results.history["model"])]
    if followed.empty:
        return None
    bands = training_bands(results.history, confidence)
    models = curve_models(followed)
    bands = bands[bands["model"].isin(models)]
    if not (bands["seconds_mean"] > 0).all():  # a logarithmic axis cannot show zero
        return None
    valid = bands[bands["split"] == "valid"]
    ends = {model: valid.loc[valid["model"] == model, "seconds_mean"].max() for model in models}
    took = join_and([f"{model} {format_number(seconds, 1)}" for model, seconds in ends.items()])
    return Exhibit(
        name="training-time",
        title="Training curves over time",
        caption=(
            "The same curves over the seconds since the start of training, including validation, "
            f"on a logarithmic scale, {_basis(bands, confidence)}. Values of an epoch are plotted "
            f"at its mean time, in nats per image. {machine_remark(results)}"
        ),
        alt=(
            f"Three line charts over seconds: ELBO, reconstruction and KL of {join_and(models)}. "
            f"Mean seconds of training in total: {took}."
        ),
        figure=training_curves(bands, models, styles, results.protocol, over="seconds_mean"),
        format="svg",
    )


def machine_remark(results: Results) -> str:
    """Explain what training times mean, and on which machine they were measured if known."""
    known = machines(results)
    machine = f" ({known} per run)" if known else ""
    return (
        f"Times depend on the machine used for training{machine}, where runs may have shared "
        "cores: ratios between models are informative, absolute seconds are not."
    )


def curve_models(summary: pd.DataFrame) -> list[str]:
    """Choose sizes 2 and 10 of each architecture, or else the smallest and largest; one beta.

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
        return "with one seed each and therefore no bands"
    seeds = format_range(bands["seeds"].tolist(), "seed")
    level = format_percent(confidence)
    return f"as means over {seeds} with {level} intervals (Student's t) shown as bands"


def _final_values(bands: pd.DataFrame, models: Sequence[str]) -> str:
    """A sentence on the final validation ELBO of each model."""
    valid = bands[bands["split"] == "valid"]
    last = [(model, valid[valid["model"] == model]) for model in models]
    ends = [
        f"{model} {format_number(line['elbo_mean'].iloc[-1])}" for model, line in last if len(line)
    ]
    return f"Final validation ELBO: {join_and(ends)} nats." if ends else ""
