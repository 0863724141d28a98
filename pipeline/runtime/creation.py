"""Create a run in MLflow once, although a server may go away before it tells the run's ID.

So the run has a tag by which the next attempt finds it, and by which anybody can refer to it.
"""

from collections.abc import Callable
from concurrent.futures import Future

from pipeline.runtime.mlflow_client import MLFLOW_PARENT_RUN_ID, MlflowClient

CREATION_TAG = "vae.creation"
UNCONFIRMED = "creation-"  # begins a reference to a run whose ID is not known


def creation(
    experiment: Future[str],
    name: str,
    tags: dict[str, str],
    parent: str | Future[str] | None,
    moment: int,
    key: str,
) -> Callable[[MlflowClient], str]:
    """Return a function that creates a run, if no earlier call did, and returns its ID.

    Args:
        experiment: its ID, known when the function is called.
        name: name in the list of runs.
        tags: the run's tags.
        parent: ID of the run that it is nested under, known when the function is called.
        moment: when it started, in milliseconds since 1970.
        key: value of its tag ``CREATION_TAG``; empty if a call cannot go unanswered.
    """
    attempts = 0

    def create(client: MlflowClient) -> str:
        nonlocal attempts
        attempts += 1
        if attempts > 1 and (found := created(experiment, key, client)):
            return found
        above = parent.result() if isinstance(parent, Future) else parent
        nested = {MLFLOW_PARENT_RUN_ID: above} if above else {}
        tag = {CREATION_TAG: key} if key else {}
        run = client.create_run(
            experiment.result(), start_time=moment, run_name=name, tags=tags | nested | tag
        )
        return str(run.info.run_id)

    return create


def created(experiment: Future[str], key: str, client: MlflowClient) -> str:
    """Return the ID of the run with a key in its tag; empty if there is none."""
    if not key.isalnum():  # it would be a part of the filter
        return ""
    found = client.search_runs([experiment.result()], f"tags.`{CREATION_TAG}` = '{key}'")
    return str(found[0].info.run_id) if found else ""
