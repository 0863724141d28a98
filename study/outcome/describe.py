"""Lines of text about trials."""

from optuna.trial import FrozenTrial, TrialState

from study.search.plan import Plan
from study.search.schedule import REASON, Trial


def describe(trial: Trial) -> str:
    """Return one line about an ended trial."""
    attempt = trial.attempt
    match attempt.state:
        case TrialState.COMPLETE:
            state, outcome = "complete", " / ".join(f"{value:.2f}" for value in attempt.values)
        case TrialState.PRUNED:
            reason = str(attempt.user_attrs.get(REASON, ""))
            state, outcome = "pruned", reason.removeprefix("pruned ")
        case _:
            state, outcome = "failed", trial.reason
    return f"trial {trial.number:<4d} {state:<9} {outcome:<33} {format_briefly(attempt)}"


# Names that are too long for one line of a terminal.
SHORT = {"architecture": "", "latent_dim": "dim", "learning_rate": "lr", "batch_size": "batch"}


def format_briefly(attempt: FrozenTrial) -> str:
    """``conv dim=10 beta=0.52 ...``: as ``format_params``, but at most 110 characters."""
    names = ((SHORT.get(name, name), value) for name, value in attempt.params.items())
    return " ".join(f"{name}={_format(value)}".removeprefix("=") for name, value in names)


def format_params(attempt: FrozenTrial) -> str:
    """``architecture=conv latent_dim=10 ...``."""
    return " ".join(f"{name}={_format(value)}" for name, value in attempt.params.items())


def _format(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def describe_best(best: list[FrozenTrial], plan: Plan) -> str:
    """Return one line about the best so far, or the size of the front of two objectives."""
    if len(plan.directions) > 1:
        return f"best    {len(best)} trials on the Pareto front of reconstruction and kl"
    return f"best    {plan.search.objective} {best[0].values[0]:.2f}   {format_briefly(best[0])}"
