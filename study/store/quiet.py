"""Optuna without its own lines."""

import warnings

import optuna


def quiet_optuna() -> None:
    """Silence Optuna's line per trial, which would break up our own display.

    Its heartbeat's retries are marked experimental; they are used on purpose.
    """
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
