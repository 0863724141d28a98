"""Did the search beat the defaults? Its best trials with new seeds against the grid."""

from analysis.estimate.against_grid import AgainstGrid, SearchAgainstGrid
from analysis.estimate.intervals import Interval
from analysis.figures.against_grid import against_grid
from analysis.findings import Findings
from analysis.present.against_grid import against_grid_frame, against_grid_table
from analysis.present.exhibits import Exhibit, Part, TableExhibit
from analysis.present.intervals import format_estimate, format_p
from analysis.present.search_tables import chosen_settings
from analysis.read.trials import Trials
from analysis.words import NBSP, format_percent, format_range, pluralise

TITLE = "Did the search beat the defaults?"
SELECTED = (
    "Trial and cell were both selected on these validation images, the trial from more candidates; "
    "new seeds remove only the noise of training."
)


def search_answer(found: Findings) -> str:
    """The answer in one sentence; empty without a search that can be compared with the grid."""
    outcome = found.against_grid
    return f"On the validation split: {_sentence(outcome)}" if outcome and outcome.compared else ""


def against_grid_parts(found: Findings, trials: Trials) -> tuple[str, tuple[Part, ...]]:
    """A paragraph that answers the question, and the figure and table behind it."""
    outcome = found.against_grid
    assert outcome is not None, "there is a search"
    sentence = _sentence(outcome)
    text = f"{TITLE} {sentence[:1].upper()}{sentence[1:]}"
    compared = outcome.compared
    if not compared:
        return text, ()
    level = format_percent(found.confidence)
    text += f" Brackets give {level} intervals over seeds (Welch), in nats per image. {SELECTED}"
    new = format_range([len(one.new) for one in compared], "new seed")
    seeds = format_range([len(one.grid) for one in compared], "seed")
    basis = (
        "ELBO on the validation split, in nats per image: the settings of the best trial of each "
        f"architecture, retrained with {new}, and the grid's cell with the highest mean over "
        f"its {seeds}, with the same number of epochs. "
    )
    figure = Exhibit(
        name="against-grid",
        title="The search against the grid",
        caption=(
            f"{basis}Large points are means with their {level} intervals (Student's t), and small "
            "ones are seeds; higher is better. Diamonds are the values that the search saw "
            "of its trials; they played no part in the comparison. Each panel has its own axis."
        ),
        alt=" ".join(_alternative(one) for one in compared),
        figure=against_grid(compared),
        format="svg",
    )
    table = TableExhibit(
        "against-grid",
        "The search against the grid in numbers",
        f"The numbers behind the figure above. Brackets give {level} intervals: Student's t for "
        "means, Welch's for the difference, new seeds minus grid. p has Holm's correction over the "
        f"architectures; the search is better or worse if p is below {1 - found.confidence:.2g}, "
        "and borderline if only the interval excludes zero. "
        f"{SELECTED}{_best_epoch(found, compared)}",
        against_grid_table(
            compared,
            {one.best.number: chosen_settings(trials, one.best.number) for one in compared},
        ),
        against_grid_frame(compared),
    )
    return text, (figure, table)


def _sentence(outcome: AgainstGrid) -> str:
    """``conv: yes, by 0.52 nats [0.11, 0.93] (...); linear: ...``."""
    clauses = [_clause(one) for one in outcome.compared]
    clauses += [
        f"{name}: cannot be compared, because {reason}"
        for name, reason in outcome.unanswered.items()
    ]
    return f"{'; '.join(clauses)}."


def _clause(one: SearchAgainstGrid) -> str:
    gain = one.difference
    signed = _nats(gain, signed=True)
    verdict = {
        "better": f"yes, by {_nats(gain)}",
        "worse": f"no, it is worse by {_nats(Interval(-gain.mean, -gain.high, -gain.low))}",
        "borderline": f"borderline, {signed}",
        "equivalent": f"no, it is equivalent, {signed}",
        "not distinguishable": f"not distinguishable, {signed}",
        "unknown": f"no verdict from one seed, {signed}",
    }[one.verdict]
    corrected = f"p{NBSP}={NBSP}{format_p(one.p_holm)} after Holm's correction; "
    return (
        f"{one.architecture}: {verdict} ({corrected if one.verdict == 'borderline' else ''}"
        f"{pluralise(len(one.new), 'new seed')} of trial {one.best.number}, "
        f"{pluralise(len(one.grid), 'seed')} of {one.cell})"
    )


def _nats(interval: Interval, *, signed: bool = False) -> str:
    """``0.52 nats [0.11, 0.93]``."""
    mean, space, ends = format_estimate(interval, signed=signed).partition(" ")
    return f"{mean} nats{space}{ends}"


def _alternative(one: SearchAgainstGrid) -> str:
    return (
        f"{one.architecture}: {format_estimate(one.new_mean)} over new seeds of trial "
        f"{one.best.number}, {format_estimate(one.grid_mean)} over the seeds of {one.cell}."
    )


def _best_epoch(found: Findings, compared: tuple[SearchAgainstGrid, ...]) -> str:
    """Warn of trials, but not of cells, whose epoch was selected on the images of comparison."""
    if found.results.protocol.checkpoint == "best":
        return ""
    names = [f"trial {one.best.number}" for one in compared if _selects(one)]
    if not names:
        return ""
    return (
        f" The epoch of {' and '.join(names)} was selected by the validation ELBO as well, which "
        "favours the search slightly."
    )


def _selects(one: SearchAgainstGrid) -> bool:
    return one.best.settings.checkpoint == "best"
