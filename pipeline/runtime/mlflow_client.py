"""MLflow, configured. This is the only module that imports it."""

import logging
import os
import pwd
import sqlite3
from contextlib import suppress

from sqlalchemy import Engine, event

# Set before the import, during which MLflow decides whether to send telemetry.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# By default, MLflow repeats each call for four minutes; the outbox does so in the background.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# It asks for the home folder, which a user id without a name, as containers have it, has only in
# HOME. It writes nothing there.
with suppress(KeyError):
    os.environ.setdefault("HOME", pwd.getpwuid(os.getuid()).pw_dir)
os.environ.setdefault("HOME", "/")

from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    Metric,
    Param,
    Run,
    ViewType,
)
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
)

__all__ = [
    "MLFLOW_GIT_COMMIT",
    "MLFLOW_PARENT_RUN_ID",
    "MLFLOW_SOURCE_NAME",
    "MLFLOW_SOURCE_TYPE",
    "MLFLOW_USER",
    "Dataset",
    "DatasetInput",
    "InputTag",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "PagedList",
    "Param",
    "Run",
    "ViewType",
    "request_timeout",
]

# It logs each step of creating its database, in between our own output.
logging.getLogger("mlflow").setLevel(logging.WARNING)
# It logs the traceback of each failed statement before raising the error anyway.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
# It logs each attempt at a call.
logging.getLogger("urllib3.connectionpool").setLevel(logging.CRITICAL)


@event.listens_for(Engine, "connect")
def _sync_less(connection: object, record: object) -> None:
    """Sync once less per commit, which halves its time; killed processes still lose nothing."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=NORMAL")


def request_timeout() -> int:
    """Return how many seconds MLflow waits for the answer to a call."""
    seconds: int = MLFLOW_HTTP_REQUEST_TIMEOUT.get()  # type: ignore[no-untyped-call]
    return seconds
