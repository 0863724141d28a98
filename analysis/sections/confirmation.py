"""How good selected trials really are: the search's value against new seeds."""

from analysis.estimate.confirmed import confirmations
from analysis.figures.confirmed import optimism_rows
from analysis.present.exhibits import Exhibit, Part, TableExhibit
from analysis.present.intervals import format_estimate
from analysis.present.search_tables import confirmed_frame, confirmed_table
from analysis.read.trials import Trials
from analysis.words import format_number, format_percent, format_range, join_and, pluralise
from pipeline.settings import cell_name


def confirmed_parts(trials: Trials, confidence: float) -> tuple[tuple[Part, ...], str]:
    """Figure and table of the confirmed trials, or else a note on how to confirm one."""
    confirmed = confirmations(trials.confirmed, trials.search, trials.card.plan.epochs, confidence)
    if not confirmed:
        return (), _unconfirmed(trials)
    names = {one.number: _name(trials, one.number) for one in confirmed}
    level = format_percent(confidence)
    seeds = format_range([len(one.elbos) for one in confirmed], "new seed")
    single = any(not one.mean.is_known for one in confirmed)
    caption = (
        "Optimism is the validation ELBO by which the search selected a trial"
        f"{f' ({trials.each})' if trials.each else ''} minus that of the same settings with "
        f"{seeds} that played no part in the selection, in nats per image. Large points: against "
        f"their mean, with its {level} interval (Student's t over the new seeds; the searched "
        "value is a constant); small dots: against each seed. To the right of zero, the search "
        "overestimated the settings; if the interval includes zero, this is not certain."
        + (" One new seed gives no interval." if single else "")
        + _of_another_objective(trials)
    )
    figure = Exhibit(
        name="confirmed",
        title="Searched and confirmed values",
        caption=caption,
        alt="Intervals of optimism and a line at zero. "
        + " ".join(
            f"Trial {one.number}: {format_number(one.searched)} in the search, "
            f"{format_estimate(one.mean)} over "
            f"{pluralise(len(one.elbos), 'new seed')}, optimism "
            f"{format_estimate(one.optimism, signed=True)}."
            for one in confirmed
        ),
        figure=optimism_rows(confirmed, names),
        format="svg",
    )
    table = TableExhibit(
        "confirmed",
        "Confirmed trials",
        f"The numbers behind the figure above: {join_and([str(one.number) for one in confirmed])} "
        f"of {trials.search}, retrained with new seeds; means over {seeds} with {level} "
        "intervals (Student's t).",
        confirmed_table(confirmed, names, confidence),
        confirmed_frame(confirmed),
    )
    return (figure, table), _best_is_open(trials, set(names))


def _name(trials: Trials, number: int) -> str:
    """Return ``conv-26`` if architecture and latent size were searched."""
    rows = trials.frame[trials.frame["number"] == number]
    if rows.empty:
        return ""
    row, parts = rows.iloc[0], set(trials.space)
    if {"architecture", "latent_dim"} <= parts:
        return cell_name(str(row["architecture"]), int(row["latent_dim"]))
    return str(row["architecture"]) if "architecture" in parts else ""


def _of_another_objective(trials: Trials) -> str:
    if trials.objective == "elbo":
        return ""
    return f" The search ranked its trials by {trials.objective}; the ELBO is compared here."


def _unconfirmed(trials: Trials) -> str:
    """Say how to confirm the best trial."""
    text = "No trial of this search has been confirmed yet"
    if trials.search in set(trials.confirmed["search"]):
        text += f" with its {pluralise(trials.card.plan.epochs, 'epoch')}"
    elif not trials.confirmed.empty:
        text += " (those in results/confirmed.csv belong to another search)"
    return f"{text}: {_command(trials)}." if not trials.complete.empty else f"{text}."


def _best_is_open(trials: Trials, confirmed: set[int]) -> str:
    if trials.complete.empty or _best(trials) in confirmed:
        return ""
    return f"The best trial has not been confirmed yet: {_command(trials)}."


def _command(trials: Trials) -> str:
    return (
        f"`study rerun {_best(trials)} --seeds 5` retrains the best one with new seeds, and "
        "`study report` then shows by how much the search overestimated it"
    )


def _best(trials: Trials) -> int:
    return int(trials.ranked.iloc[0]["number"])
