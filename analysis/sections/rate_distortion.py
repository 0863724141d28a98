"""Rate and distortion: what the codes cost, and what they achieve."""

import math

import pandas as pd

from analysis.estimate.pareto import rate_distortion_front
from analysis.figures.rate_distortion import Plane, rate_distortion
from analysis.figures.search import ARCHITECTURE, look
from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, TableExhibit, drop_missing
from analysis.present.tables import Cell, Column, Table
from analysis.read.frames import plain_beta
from analysis.read.space import readable
from analysis.read.trials import Trials
from analysis.words import NOTHING, format_number, join_and, likelihood_caveat, pluralise
from pipeline.schemas.metrics import ELBO
from pipeline.settings import cell_name

FRONT_COLUMNS = ("number", "architecture", "latent_dim", "beta", "kl", "reconstruction", "elbo")


def section(found: Findings) -> ReportSection:
    """The section."""
    searched = trials_plane(found.trials) if found.trials else None
    notes: tuple[str, ...] = ()
    if searched is None:
        notes = (
            "No search with complete trials was exported, so there is no panel of trials. Run "
            "`study run --trials 50`, then `dvc repro`.",
        )
    return ReportSection(
        "rate-distortion",
        "Rate and distortion",
        drop_missing(plane_exhibit(found, searched), front_exhibit(found.trials)),
        lead=(
            "The ELBO is the negative sum of two costs. The rate is the KL, the information that "
            "codes carry about images; the distortion is the reconstruction error that remains. "
            "The same ELBO can result from a high rate and a low distortion or vice versa, and "
            "beta trades one for the other.",
        ),
        notes=notes,
    )


def plane_exhibit(found: Findings, searched: Plane | None) -> Exhibit:
    """Runs of the grid, next to the trials of the search if there was one."""
    results, grid = found.results, runs_plane(found)
    key = (
        "with the marker of their model and coloured by β"
        if grid.coloured
        else "with the colour and marker of their model"
    )
    texts = [
        f"{'Left: the' if searched else 'The'} {pluralise(len(grid.points), 'run')} of the grid on "
        f"the {results.protocol.split} split, {key}."
    ]
    if searched is not None:
        best = rate_distortion_front(searched.points)
        coloured = ", coloured by β" if searched.coloured else ""
        texts.append(
            f"Right: the {pluralise(len(searched.points), 'complete trial')} of the search on the "
            f"validation split, one seed each{coloured}, with their Pareto front: the "
            f"{pluralise(len(best), 'trial')} for which no other trial has both a lower rate and "
            "a lower distortion. The panels show different splits and training runs, so points "
            "must not be compared between panels."
        )
    texts.append(
        "In nats per image; lower left is better, and the ELBO is constant along each grey line."
    )
    remark = likelihood_caveat(ELBO, results.protocol)
    if remark:
        texts.append(f"ELBO and reconstruction: {remark}.")
    return Exhibit(
        name="rate-distortion",
        title="The plane of rate and distortion",
        caption=" ".join(texts),
        alt=_alt(found, searched),
        figure=rate_distortion([grid, searched] if searched else [grid]),
        format="svg",
    )


def _alt(found: Findings, searched: Plane | None) -> str:
    places = join_and(
        [
            f"{row['model']} ({format_number(row['kl_mean'], 1)}, "
            f"{format_number(row['reconstruction_mean'], 1)})"
            for _, row in found.summary.iterrows()
        ]
    )
    text = (
        "Scatter plot of distortion against rate with diagonals of equal ELBO. Mean rate and "
        f"distortion: {places}."
    )
    if searched is not None:
        ends = [
            f"({format_number(row['kl'], 1)}, {format_number(row['reconstruction'], 1)})"
            for _, row in rate_distortion_front(searched.points).iterrows()
        ]
        text += f" Next to it, the trials of the search; their front is {join_and(ends)}."
    return text


def runs_plane(found: Findings) -> Plane:
    """One point per run, coloured by beta if the grid contains several, otherwise by model."""
    runs, styles = found.results.runs, found.styles
    several = found.results.several_betas
    # Models that differ only in beta share a marker.
    plain = found.summary[found.summary["beta"] == plain_beta(found.summary)]
    by_cell = {
        cell_name(row["architecture"], row["latent_dim"]): styles[row["model"]]
        for _, row in pd.concat([plain, found.summary]).iloc[::-1].iterrows()
    }
    cells = [
        cell_name(architecture, latent_dim)
        for architecture, latent_dim in zip(runs["architecture"], runs["latent_dim"], strict=True)
    ]
    points = runs[["kl", "reconstruction", "beta", "collapsed"]].assign(
        style=cells if several else runs["model"]
    )
    shown = {name: by_cell[name] for name in dict.fromkeys(cells)} if several else dict(styles)
    return Plane(
        title=f"Grid, {found.results.protocol.split} split",
        points=points,
        styles=shown,
        coloured=several,
        with_front=False,
    )


def trials_plane(trials: Trials) -> Plane | None:
    """One point per complete trial; None if there are none."""
    complete = _placed(trials)
    if complete.empty:
        return None
    beta = _betas(complete)
    names = (
        complete["architecture"].astype(str)
        if "architecture" in complete
        else pd.Series("trial", index=complete.index)
    )
    points = complete[["kl", "reconstruction"]].assign(beta=beta, collapsed=False, style=names)
    styles = {
        str(name): look(str(name))
        for name in sorted(set(names), key=lambda name: ([*ARCHITECTURE, name].index(name), name))
    }
    return Plane(
        title="Search, validation split",
        points=points,
        styles=styles,
        coloured=bool(beta.notna().all() and beta.nunique() > 1),
        with_front=True,
    )


def _placed(trials: Trials) -> pd.DataFrame:
    """Complete trials that have both terms, by number."""
    complete = trials.complete
    return complete[complete["kl"].notna() & complete["reconstruction"].notna()].sort_values(
        "number"
    )


def _betas(frame: pd.DataFrame) -> pd.Series:
    """Beta of each trial as a number; NaN if it was not searched."""
    if "beta" not in frame:
        return pd.Series(math.nan, index=frame.index)
    return pd.to_numeric(frame["beta"], errors="coerce")


def _plain(value: object) -> str:
    """Format a number or another searched value as it was exported."""
    return f"{value:g}" if isinstance(value, float) else str(value) or NOTHING


def front_exhibit(trials: Trials | None) -> TableExhibit | None:
    """The search's Pareto front as numbers; None without complete trials.

    Also None for a search with these two objectives: the section on the search shows its front.
    """
    if trials is None or not trials.is_single or _placed(trials).empty:
        return None
    best = rate_distortion_front(_placed(trials))
    frame = best[[name for name in FRONT_COLUMNS if name in best]].reset_index(drop=True)
    frame = frame.rename(columns={"kl": "rate", "reconstruction": "distortion"})
    labels = {"number": "Trial", "rate": "Rate", "distortion": "Distortion", "elbo": "ELBO"}
    measured = ("rate", "distortion", "elbo")
    names = [str(name) for name in frame]
    columns = tuple(
        Column(
            labels.get(name, readable(name)),
            "nats per image" if name in measured else "",
            numeric=name != "architecture",
        )
        for name in names
    )
    betas = _betas(frame)
    rows = tuple(
        tuple(
            Cell(
                format_number(row[name])
                if name in measured
                else format_number(betas.iloc[place], 3)
                if name == "beta"
                else _plain(row[name])
            )
            for name in names
        )
        for place, (_, row) in enumerate(frame.iterrows())
    )
    return TableExhibit(
        "rate-distortion-front",
        "The search's Pareto front",
        f"The {pluralise(len(frame), 'complete trial')} of {trials.search} for which no other "
        "trial has both a lower rate and a lower distortion, by increasing rate; on the validation "
        "split with one seed each, so its exact shape is partly chance.",
        Table(columns, rows),
        frame,
        folded=True,
    )
