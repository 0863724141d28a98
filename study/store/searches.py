"""Searches in a store: found, and read."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import optuna

from pipeline.errors import UserError
from pipeline.settings import Settings
from study.search.plan import PLAN, Plan
from study.search.schedule import TRIAL, Trial, trials_of
from study.store.address import EmptyStoreError, shown
from study.store.names import require_name
from study.store.quiet import quiet_optuna
from study.store.reader import FileReader
from study.store.reading import Store, read_from
from study.store.rows import RowError, intact_search


def is_new(url: str, name: str) -> bool:
    """Return whether a store, which may not exist yet, has no search of that name.

    Raises:
        UserError: if the name is not valid, or the store cannot be read.
    """
    require_name(name)
    try:
        return name not in read_from(url, names_in)
    except EmptyStoreError:
        return True


def find_search(url: str, name: str) -> optuna.Study:
    """Load a search to read it.

    Raises:
        UserError: if the name is not valid, the store has no search of that name, another program
            made it, or its rows are not as this project writes them.
    """
    quiet_optuna()
    require_name(name)
    return read_from(url, lambda storage: load_from(storage, url, name))


@dataclass(frozen=True, slots=True)
class Default:
    """The search that is meant where none is named.

    Attributes:
        search: the search.
        is_described: whether it is known to be what the settings describe.
        others: whether the store has other searches.
    """

    search: optuna.Study
    is_described: bool
    others: bool


def find_default(url: str, wanted: Callable[[], Settings | None]) -> Default:
    """Load the search that settings describe, or else the one that started most recently.

    Args:
        url: the store's address.
        wanted: called for the settings, if any, where the store has several searches.

    Raises:
        UserError: if there is none, or as for ``find_search``.
    """
    quiet_optuna()

    def load(storage: Store) -> Default:
        plans = _plans(storage)
        if not plans:
            raise UserError(f"{shown(url)} contains no search; start one with `study run`")
        settings = wanted() if len(plans) > 1 else None
        described = (name for name, text in plans.items() if _describes(settings, name, text))
        found = next(described, None)
        name = found or next(iter(plans))
        return Default(load_from(storage, url, name), found is not None, len(plans) > 1)

    return read_from(url, load)


def _plans(storage: Store) -> dict[str, str]:
    """Return the plans of searches as stored, by name, that with the latest first attempt first."""
    rows = storage.ask(
        "SELECT study_name, MIN(noted.value_json) FROM trials "
        "JOIN studies ON studies.study_id = trials.study_id "
        "JOIN study_user_attributes AS noted ON noted.study_id = trials.study_id "
        "WHERE noted.key = :plan AND datetime_start IS NOT NULL "
        "GROUP BY study_name ORDER BY MIN(datetime_start) DESC",
        plan=PLAN,
    )
    return {str(name): str(text) for name, text in rows}


def _describes(settings: Settings | None, name: str, plan: str) -> bool:
    """Return whether settings, with the same data and code, give a search this name."""
    if settings is None:
        return False
    try:
        stored = Plan.model_validate_json(json.loads(plan))
    except ValueError:  # of another version of this project, or edited
        return False
    return stored.again(settings).name == name


def load_from(storage: Store, url: str, name: str) -> optuna.Study:
    """Load a search from an open store.

    Raises:
        UserError: as for ``find_search``.
    """
    _require_search(storage, url, name)
    return intact_search(storage, name)


def require_search(url: str, name: str) -> None:
    """Require that a store has a search of that name, without reading its plan and its trials.

    Raises:
        UserError: if the name is not valid, the store has no search of that name, or another
            program made it.
    """
    require_name(name)
    read_from(url, lambda storage: _require_search(storage, url, name))


def _require_search(storage: Store, url: str, name: str) -> None:
    require_name(name)  # the most recent one's, too
    present = names_in(storage)
    if name not in present:
        raise UserError(
            f"there is no search {name} in {shown(url)}; it has {', '.join(present) or 'none'}"
        )
    if name not in names_in(storage, ours=True):
        raise UserError(
            f"the study {name} in {shown(url)} was not made by `study run`; choose another name"
        )


def names_in(storage: Store, ours: bool = False) -> list[str]:
    """Return the names of all studies, or of searches, whatever is wrong with one of them."""
    every = "SELECT study_name FROM studies ORDER BY study_name"
    own = (
        "SELECT study_name FROM studies JOIN study_user_attributes AS noted "
        "ON noted.study_id = studies.study_id WHERE noted.key = :plan ORDER BY study_name"
    )
    rows = storage.ask(own, plan=PLAN) if ours else storage.ask(every)
    return [str(name) for (name,) in rows]


def all_searches(url: str) -> tuple[list[optuna.Study], list[UserError]]:
    """Load every search of a store, by name, to read it; other programs' studies are left out.

    Returns:
        The searches, and an error for each that cannot be read.

    Raises:
        EmptyStoreError: if there is nothing to read from.
        StorageError: if the store cannot be read.
    """
    quiet_optuna()

    def load(storage: Store) -> tuple[list[optuna.Study], list[UserError]]:
        found: list[optuna.Study] = []
        unreadable: list[UserError] = []
        for name in names_in(storage, ours=True):
            try:
                require_name(name)
                found.append(intact_search(storage, name))
            except RowError as error:
                if isinstance(storage, FileReader):  # Optuna's own storage says what is wrong
                    raise
                unreadable.append(error)
            except UserError as error:
                unreadable.append(error)
        return found, unreadable

    return read_from(url, load)


def all_trials(search: optuna.Study) -> list[Trial]:
    """Return the trials of a search as they are now."""
    return trials_of(search.get_trials(deepcopy=False), search.user_attrs)


def count_trials(storage: Store, name: str) -> int:
    """Return how many trials a search has, whatever is wrong with one of them."""
    query = (
        "SELECT COUNT(DISTINCT value_json) FROM trial_user_attributes AS noted "
        "JOIN trials ON trials.trial_id = noted.trial_id "
        "JOIN studies ON studies.study_id = trials.study_id "
        "WHERE study_name = :name AND noted.key = :trial"
    )
    ((count,),) = storage.ask(query, name=name, trial=TRIAL)
    return int(count)


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
