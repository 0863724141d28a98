"""Lines of text about trials."""

from collections.abc import Mapping

from optuna.trial import TrialState

from analysis.words import pluralise
from study.search.plan import Plan
from study.search.schedule import REASON, Trial


def describe(trial: Trial) -> str:
    """Return one line about an ended trial."""
    attempt = trial.attempt
    match attempt.state:
        case TrialState.COMPLETE:
            state, outcome = "complete", " / ".join(f"{value:.2f}" for value in attempt.values)
            if trial.twin is not None:
                outcome += f", same as trial {trial.twin}"
        case TrialState.PRUNED:
            reason = str(attempt.user_attrs.get(REASON, ""))
            state, outcome = "pruned", reason.removeprefix("pruned ").replace(" with ", ", ")
        case _:
            state, outcome = "failed", trial.reason
    return f"trial {trial.number:<4d} {state:<9} {outcome:<28} {format_briefly(trial.params)}"


# Names that are too long for one line of a terminal.
SHORT = {
    "architecture": "",
    "latent_dim": "dim",
    "learning_rate": "lr",
    "batch_size": "bs",
    "conv_hidden": "dense",
}


def format_briefly(params: Mapping[str, object]) -> str:
    """``conv dim=10 channels=32-64 ...``: as ``format_params``, but for one line of a terminal."""
    names = ((SHORT.get(name, name), value) for name, value in params.items())
    return " ".join(f"{name}={_briefly(value)}".removeprefix("=") for name, value in names)


def format_params(params: Mapping[str, object]) -> str:
    """``architecture=conv latent_dim=10 ...``."""
    return " ".join(f"{name}={_format(value)}" for name, value in params.items())


def _briefly(value: object) -> str:
    text = _format(value)
    return text.strip("[]").replace(",", "-") if text.startswith("[") and text != "[]" else text


def _format(value: object) -> str:
    # A list without spaces stays in one line, whether it is a list or Optuna's text of one.
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace(", ", ",")


def describe_front(size: int) -> str:
    """Return how many trials are on the front of two objectives."""
    return f"{pluralise(size, 'trial')} on the Pareto front of reconstruction and kl"


def describe_best(best: list[Trial], plan: Plan) -> str:
    """Return one line about the best so far, or the size of the front of two objectives."""
    if len(plan.directions) > 1:
        return f"best    {describe_front(len(best))}"
    first = best[0]
    value = first.attempt.values[0]
    return f"best    {plan.search.objective} {value:.2f}   {format_briefly(first.params)}"
