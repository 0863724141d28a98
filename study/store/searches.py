"""Searches in a store: created, found and read."""

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import text

from pipeline.errors import UserError
from study.search.plan import PLAN, TARGET, Plan, plan_of
from study.search.schedule import TRIAL, Trial, trials_of
from study.store.address import EmptyStoreError, shown
from study.store.members import members_lock, note_member
from study.store.names import require_name
from study.store.opening import explain_unreadable, open_storage, read_storage
from study.store.rows import intact_search
from study.store.storage import explain_full_disk, quiet_optuna


def open_search(
    url: str, plan: Plan, name: str, target: int, *, join: bool = False
) -> tuple[optuna.Study, bool]:
    """Return the plan's search, and whether it is new.

    Args:
        url: the store's address.
        plan: the search's plan.
        name: the search's name.
        target: how many finished trials a new search should have.
        join: whether to note that this process works for the search, so that nobody deletes it.

    Raises:
        UserError: if the name is not valid, or a search of that name has another plan.
    """
    require_name(name)
    storage = open_storage(url, create=True)
    with explain_full_disk(url), members_lock(url, name):
        existing = name in _names(storage)
        search = optuna.create_study(
            storage=storage, study_name=name, directions=plan.directions, load_if_exists=True
        )
        stored = search.user_attrs.get(PLAN)
        if stored is None:
            search.set_metric_names(plan.metrics)  # what optuna-dashboard calls the values
            search.set_user_attr(TARGET, target)  # later changed by whoever works for the search
            search.set_user_attr(PLAN, plan.model_dump_json())
        elif plan_of(search).name != plan.name:
            raise UserError(
                f"search {name} in {shown(url)} has another plan (space, first points, "
                "objective, data, protocol or code); omit --name to start a new search, or choose "
                "another name"
            )
        if join:
            note_member(search, target)
        return intact_search(storage, name), not existing


def is_new(url: str, name: str) -> bool:
    """Return whether a store, which may not exist yet, has no search of that name.

    Raises:
        UserError: if the name is not valid, or the store cannot be read.
    """
    require_name(name)
    try:
        with explain_unreadable(url):
            return name not in _names(read_storage(url))
    except EmptyStoreError:
        return True


def load_search(url: str, name: str, awaited: bool = False) -> optuna.Study:
    """Load an existing search to write to it.

    Args:
        url: the store's address.
        name: the search's name.
        awaited: whether to wait for a server that does not answer, because it was there before.

    Raises:
        UserError: if the name is not valid, the store has no search of that name, another program
            made it, or its rows are not as this project writes them.
    """
    require_name(name)
    with explain_unreadable(url):
        return _load(open_storage(url, awaited=awaited), url, name)


def find_search(url: str, name: str | None) -> optuna.Study:
    """Load the search of that name, or the one that started most recently, to read it.

    Raises:
        UserError: if there is none, or as for ``load_search``.
    """
    quiet_optuna()
    if name is not None:
        require_name(name)
    with explain_unreadable(url):
        storage = read_storage(url)
        return _load(storage, url, _most_recent(storage, url) if name is None else name)


def require_search(url: str, name: str) -> None:
    """Require that a store has a search of that name, without reading its plan and its trials.

    Raises:
        UserError: if the name is not valid, the store has no search of that name, or another
            program made it.
    """
    with explain_unreadable(url):
        _require_search(read_storage(url), url, name)


def _load(storage: RDBStorage, url: str, name: str) -> optuna.Study:
    _require_search(storage, url, name)
    return intact_search(storage, name)


def _require_search(storage: RDBStorage, url: str, name: str) -> None:
    require_name(name)  # the most recent one's, too
    present = _names(storage)
    if name not in present:
        raise UserError(
            f"there is no search {name} in {shown(url)}; it has {', '.join(present) or 'none'}"
        )
    if name not in _names(storage, ours=True):
        raise UserError(
            f"the study {name} in {shown(url)} was not made by `study run`; choose another name"
        )


def _names(storage: RDBStorage, ours: bool = False) -> list[str]:
    """Return the names of all studies, or of searches, whatever is wrong with one of them."""
    every = "SELECT study_name FROM studies ORDER BY study_name"
    own = (
        "SELECT study_name FROM studies JOIN study_user_attributes AS noted "
        "ON noted.study_id = studies.study_id WHERE noted.key = :plan ORDER BY study_name"
    )
    with storage.engine.connect() as connection:
        return list(connection.execute(text(own if ours else every), {"plan": PLAN}).scalars())


def _most_recent(storage: RDBStorage, url: str) -> str:
    """Return the name of the search whose first attempt is the latest of all.

    Raises:
        UserError: if no search has an attempt.
    """
    query = text(
        "SELECT study_name FROM trials JOIN studies ON studies.study_id = trials.study_id "
        "JOIN study_user_attributes AS noted ON noted.study_id = trials.study_id "
        "WHERE noted.key = :plan AND datetime_start IS NOT NULL "
        "GROUP BY study_name ORDER BY MIN(datetime_start) DESC"
    )
    with storage.engine.connect() as connection:
        name = connection.execute(query, {"plan": PLAN}).scalar()
    if name is None:
        raise UserError(f"{shown(url)} contains no search; start one with `study run`")
    return str(name)


def all_searches(url: str) -> tuple[list[optuna.Study], list[UserError]]:
    """Load every search of a store, by name, to read it; other programs' studies are left out.

    Returns:
        The searches, and an error for each that cannot be read.

    Raises:
        EmptyStoreError: if there is nothing to read from.
        StorageError: if the store cannot be read.
    """
    found: list[optuna.Study] = []
    unreadable: list[UserError] = []
    with explain_unreadable(url):
        storage = read_storage(url)
        for name in _names(storage, ours=True):
            try:
                require_name(name)
                found.append(intact_search(storage, name))
            except UserError as error:
                unreadable.append(error)
    return found, unreadable


def all_trials(search: optuna.Study) -> list[Trial]:
    """Return the trials of a search as they are now."""
    return trials_of(search.get_trials(deepcopy=False), search.user_attrs)


def count_trials(storage: RDBStorage, name: str) -> int:
    """Return how many trials a search has, whatever is wrong with one of them."""
    query = text(
        "SELECT COUNT(DISTINCT value_json) FROM trial_user_attributes AS noted "
        "JOIN trials ON trials.trial_id = noted.trial_id "
        "JOIN studies ON studies.study_id = trials.study_id "
        "WHERE study_name = :name AND noted.key = :trial"
    )
    with storage.engine.connect() as connection:
        return int(connection.execute(query, {"name": name, "trial": TRIAL}).scalar_one())


def find_trial(search: optuna.Study, number: int) -> Trial:
    """Return trial ``number`` of a search.

    Raises:
        UserError: if there is none.
    """
    trials = all_trials(search)
    if not 0 <= number < len(trials):
        raise UserError(
            f"search {search.study_name} has no trial {number}; it has 0 to {len(trials) - 1}"
        )
    return trials[number]
