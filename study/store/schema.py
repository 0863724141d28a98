"""What a database contains, looked at before Optuna opens it and changes or adds tables."""

from typing import Literal

from optuna.storages._rdb.models import BaseModel
from sqlalchemy import Engine, Inspector, inspect, text

VERSION = "alembic_version"  # the table that names the version of the others
ALWAYS = {"studies", "trials", "version_info"}  # tables in every version of Optuna

Content = Literal["nothing", "trials", "other"]


def content_of(engine: Engine) -> Content:
    """Return whether a database contains nothing yet, Optuna's trials, or something else.

    Optuna names the version last, so tables without it were left by a process that was killed
    while it created them. They count as nothing, because ``study run`` completes them.
    """
    inspector = inspect(engine)
    tables = set(inspector.get_table_names())
    version = None
    if VERSION in tables:
        with engine.connect() as connection:
            version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if version is not None:
        return "trials" if tables >= ALWAYS else "other"
    others = (one for one in tables - {VERSION} if not _is_optunas(inspector, one))
    return "other" if any(others) else "nothing"


def _is_optunas(inspector: Inspector, table: str) -> bool:
    """Whether Optuna makes a table of that name with these columns."""
    model = BaseModel.metadata.tables.get(table)
    columns = {one["name"] for one in inspector.get_columns(table)}
    return model is not None and set(model.columns.keys()) == columns
