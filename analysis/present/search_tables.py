"""Tables of a search: settings, space, states, best trials, Pareto front, confirmed trials."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.estimate.confirmed import ConfirmedTrial
from analysis.present.intervals import format_interval
from analysis.present.tables import Cell, Column, Table
from analysis.read.fanova import ALL, FanovaImportance, Share
from analysis.read.space import SpaceDimension, join_values, readable, shown
from analysis.read.trials import REPEATED, Trials
from analysis.words import ARROWS, NOTHING, format_number, format_percent, join_and, pluralise
from pipeline.settings import SearchPlan
from pipeline.settings.shown import show

BEST_SHOWN = 10
RUN_DIGITS = 8  # of an MLflow run id; enough to find it
REASON_LENGTH = 160  # characters of a failure's reason


def settings_table(trials: Trials) -> Table:
    """The settings of the search, one per row."""
    card = trials.card
    plan, protocol = card.plan, card.protocol
    checkpoint = f"{protocol.checkpoint} epoch" if protocol.checkpoint else "searched"
    rows = [
        ("Search", card.search),
        ("Objective", _objective(trials)),
        ("Finished trials", trials.counts),
        ("Sampler", f"{plan.sampler}, seed {plan.seed}, at most {plan.ahead} trials at once"),
        ("First points", _first(plan)),
        ("Balanced over", _names(plan.balance) or "nothing"),
        ("Pruner", _pruner(trials)),
        ("Per trial", f"{pluralise(plan.epochs, 'epoch')}, {pluralise(plan.replicates, 'seed')}"),
        ("Likelihood", f"{protocol.likelihood}, binarisation {protocol.binarisation}"),
        ("Checkpoint", f"{checkpoint}, in {protocol.precision}"),
        ("Data", f"{protocol.data}, validation split, hash {card.data_hash[:12]}"),
        ("Total time", f"{minutes(trials.frame['seconds'].sum())}, summed over trials"),
    ]
    return Table(
        (Column("Setting", numeric=False), Column("Value", numeric=False)),
        tuple((Cell(term), Cell(value)) for term, value in rows),
    )


def _objective(trials: Trials) -> str:
    if not trials.is_single:
        return "low validation reconstruction and low KL (rate-distortion)"
    return f"{'highest' if trials.higher_is_better else 'lowest'} validation {trials.score_name}"


def _first(plan: SearchPlan) -> str:
    """The points that were tried before the sampler decided."""
    if plan.first == "grid":
        return "the cells of the grid"
    points = [
        one
        if isinstance(one, str)
        else f"({', '.join(f'{readable(name).lower()} {show(v)}' for name, v in one.items())})"
        for one in plan.first
    ]
    return ", ".join(points) or "none"


def _names(names: Sequence[str]) -> str:
    return join_and([readable(name).lower() for name in names])


def _pruner(trials: Trials) -> str:
    plan, epoch = trials.card.plan, trials.card.first_comparison
    if plan.pruner == "none":
        return "none"
    if not trials.is_single:
        return f"none ({plan.pruner} needs one objective)"
    within = f", within trials of the same {_names(plan.prune_within)}" if plan.prune_within else ""
    after = f", first comparison after epoch {epoch}" if epoch is not None else ""
    return f"{plan.pruner}{within}{after}"


def minutes(seconds: float) -> str:
    """Format as ``4.2 minutes``; in seconds below one minute, in hours from two hours."""
    if seconds < 60:
        return f"{format_number(seconds, 0)} seconds"
    if seconds < 7200:
        return f"{format_number(seconds / 60, 1)} minutes"
    return f"{format_number(seconds / 3600, 1)} hours"


def space_table(trials: Trials) -> Table:
    """Every dimension: what is allowed, where it applies, what was tried, what is best."""
    best = trials.ranked.iloc[0] if trials.is_single and not trials.ranked.empty else None
    columns = [
        *(
            Column(name, numeric=False)
            for name in ("Dimension", "Allowed", "Scale", "Applies to", "Tried")
        ),
        *([Column(f"Trial {best['number']} (best)", numeric=False)] if best is not None else []),
    ]
    rows = []
    for dimension in trials.dimensions:
        scale = ("logarithmic" if dimension.log else "linear") if dimension.numeric else "choices"
        cells = [
            Cell(dimension.label),
            Cell(dimension.allowed),
            Cell(scale),
            Cell(dimension.condition or "all"),
            Cell(_tried(trials.frame, dimension)),
        ]
        if best is not None:
            cells.append(Cell(shown(best[dimension.name])))
        rows.append(tuple(cells))
    return Table(tuple(columns), tuple(rows))


def _tried(frame: pd.DataFrame, dimension: SpaceDimension) -> str:
    column = frame[dimension.name]
    if dimension.numeric:
        low, high = column.min(), column.max()
        return shown(low) if low == high or pd.isna(low) else f"{shown(low)} to {shown(high)}"
    amounts = column[column != ""].value_counts()
    order = [*dimension.choices, *sorted(set(amounts.index) - set(dimension.choices))]
    return join_values(f"{value} ({amounts.get(value, 0)})" for value in order) or NOTHING


def states_table(trials: Trials) -> Table:
    """Number of trials by state, in total and by architecture, and what they cost."""
    frame, failed = trials.frame, trials.card.failed
    by = "architecture" if "architecture" in frame else ""
    groups = sorted(set(frame[by])) if by else []
    columns = (
        Column("State", numeric=False),
        Column("Trials"),
        *(Column(str(group)) for group in groups),
        Column("Epochs"),
        Column("Time", "seconds"),
        Column("Share of time"),
    )
    whole = frame["seconds"].sum()
    repeats = (frame["state"] == REPEATED).any()
    rows = [
        _state_row(state, frame[frame["state"] == state], by, groups, whole)
        for state in ("complete", "pruned", *([REPEATED] if repeats else []))
    ]
    blanks = (Cell(NOTHING) for _ in range(len(groups) + 3))
    rows.append((Cell("failed"), Cell(str(len(failed))), *blanks))
    rows.append(_state_row("finished", frame, by, groups, whole))
    return Table(columns, tuple(rows))


def _state_row(
    name: str, trials: pd.DataFrame, by: str, groups: Sequence[str], whole: float
) -> tuple[Cell, ...]:
    seconds = trials["seconds"].sum()
    return (
        Cell(name),
        Cell(str(len(trials))),
        *(Cell(str(int((trials[by] == group).sum()))) for group in groups),
        Cell(f"{trials['epochs'].sum():,.0f}"),
        Cell(format_number(seconds, 0)),
        Cell(format_percent(round(seconds / whole, 2)) if whole > 0 else NOTHING),
    )


def failures(trials: Trials) -> str:
    """A sentence on which trials failed and why; empty if none did."""
    reasons = [f"trial {one.number}: {_short(one.reason)}" for one in trials.card.failed]
    return f" Failed: {'; '.join(reasons)}." if reasons else ""


def _short(reason: str) -> str:
    words = " ".join(reason.split()).rstrip(".")
    return words if len(words) <= REASON_LENGTH else f"{words[:REASON_LENGTH]}…"


def best_table(trials: Trials) -> Table:
    """The best complete trials by objective, with all their settings."""
    rows = trials.ranked.head(BEST_SHOWN)
    scored = [Column("NLL", "nats", ARROWS["lower"])] if trials.objective == "nll" else []
    return _trials_table(trials, rows, scored, [row["value"] for _, row in rows.iterrows()])


def front_table(trials: Trials, front: pd.DataFrame) -> Table:
    """The given trials, which no other beats in both objectives."""
    return _trials_table(trials, front, [], [])


def _trials_table(
    trials: Trials, rows: pd.DataFrame, scored: Sequence[Column], scores: Sequence[float]
) -> Table:
    """Trials with their metrics, settings and MLflow runs.

    Dimensions that apply only to some trials are shown below the architecture: a search has up to
    five of them, and most cells in their columns would be empty.
    """
    further = [
        one
        for one in trials.dimensions
        if [name for name, _ in one.when] == ["architecture"] and "architecture" in trials.space
    ]
    columned = [one for one in trials.dimensions if one not in further]
    epochs = rows["epochs"].nunique() > 1
    columns = (
        Column("Trial"),
        *scored,
        Column("ELBO", "nats", ARROWS["higher"]),
        Column("Reconstruction", "nats", ARROWS["lower"]),
        Column("KL", "nats"),
        *(Column(one.label, numeric=one.numeric) for one in columned),
        *([Column("Epochs")] if epochs else []),
        Column("Time", "seconds"),
        Column("MLflow run", numeric=False),
    )
    body = []
    for place, (_, row) in enumerate(rows.iterrows()):
        cells = [
            Cell(str(row["number"])),
            *(Cell(format_number(scores[place])) for _ in scored),
            *(Cell(format_number(row[name])) for name in ("elbo", "reconstruction", "kl")),
            *(
                Cell(
                    shown(row[one.name]),
                    join_values(_settings(row, further)) if one.name == "architecture" else "",
                )
                for one in columned
            ),
            *([Cell(f"{row['epochs']:.0f}")] if epochs else []),
            Cell(format_number(row["seconds"], 1)),
            Cell(str(row["run_id"])[:RUN_DIGITS] or NOTHING),
        ]
        body.append(tuple(cells))
    return Table(columns, tuple(body))


def _settings(row: pd.Series, dimensions: Sequence[SpaceDimension]) -> list[str]:
    values = [(one.label.lower(), shown(row[one.name])) for one in dimensions]
    return [f"{name} {value}" for name, value in values if value != NOTHING]


def chosen_settings(trials: Trials, number: int) -> list[str]:
    """``latent size 16``, ...: what the search chose for a trial, except for the architecture."""
    rows = trials.frame[trials.frame["number"] == number]
    others = [one for one in trials.dimensions if one.name != "architecture"]
    return _settings(rows.iloc[0], others) if len(rows) else []


def fanova_table(groups: Sequence[FanovaImportance]) -> Table:
    """One row per hyperparameter, one column per group of trials."""
    names = dict.fromkeys(name for group in groups for name in group.shares)
    columns = (
        Column("Hyperparameter", numeric=False),
        *(Column(group_name(group), pluralise(group.trials, "trial")) for group in groups),
    )
    rows = tuple(
        (
            Cell(readable(name)),
            *(
                Cell(format_importance(group.shares[name]) if name in group.shares else NOTHING)
                for group in groups
            ),
        )
        for name in names
    )
    return Table(columns, rows)


def format_importance(share: Share) -> str:
    """Format as ``31 % [12 %, 55 %]``."""
    mean, low, high = (format_percent(round(part, 2)) for part in share)
    return f"{mean} [{low}, {high}]"


def group_name(group: FanovaImportance) -> str:
    """``all trials``, or the architecture."""
    return "all trials" if group.group == ALL else group.group


def confirmed_table(
    confirmed: Sequence[ConfirmedTrial], names: Mapping[int, str], level: float
) -> Table:
    """One row per confirmed trial: the search's value, that of new seeds, and the difference.

    Args:
        confirmed: from ``confirmations``.
        names: description of each trial, by number.
        level: coverage of the intervals.
    """
    columns = (
        Column("Trial"),
        Column("Settings", numeric=False),
        Column("ELBO in the search", "nats"),
        Column("Seeds"),
        Column("Mean of new seeds", "nats"),
        Column(f"{format_percent(level)} interval", "nats"),
        Column("Optimism", "nats"),
        Column(f"{format_percent(level)} interval of optimism", "nats"),
    )
    rows = tuple(
        (
            Cell(str(one.number)),
            Cell(names.get(one.number, NOTHING)),
            Cell(format_number(one.searched)),
            Cell(str(len(one.elbos))),
            Cell(format_number(one.mean.mean)),
            Cell(format_interval(one.mean)),
            Cell(format_number(one.optimism.mean, signed=True)),
            Cell(format_interval(one.optimism, signed=True)),
        )
        for one in confirmed
    )
    return Table(columns, rows)


def confirmed_frame(confirmed: Sequence[ConfirmedTrial]) -> pd.DataFrame:
    """The same as numbers."""
    return pd.DataFrame(
        [
            {
                "number": one.number,
                "searched_elbo": one.searched,
                "seeds": len(one.elbos),
                "elbo_mean": one.mean.mean,
                "elbo_low": one.mean.low,
                "elbo_high": one.mean.high,
                "optimism": one.optimism.mean,
                "optimism_low": one.optimism.low,
                "optimism_high": one.optimism.high,
            }
            for one in confirmed
        ]
    )
