"""Searches in a store: created, found and read."""

import optuna

from pipeline.errors import UserError
from pipeline.runtime.address import without_password
from study.search.plan import PLAN, TARGET, Plan, plan_of
from study.search.schedule import Trial, trials_of
from study.store.storage import StoreLock, open_storage, quiet_optuna


def open_search(url: str, plan: Plan, name: str, target: int) -> tuple[optuna.Study, bool]:
    """Return the plan's search, and whether it is new.

    Args:
        url: the store's address.
        plan: the search's plan.
        name: the search's name.
        target: how many finished trials it should have.

    Raises:
        UserError: if a search of that name has another plan.
    """
    storage = open_storage(url)
    with StoreLock(url, f"open-{name}"):
        existing = name in optuna.get_all_study_names(storage)
        search = optuna.create_study(
            storage=storage, study_name=name, directions=plan.directions, load_if_exists=True
        )
        stored = search.user_attrs.get(PLAN)
        if stored is None:
            search.set_metric_names(plan.metrics)  # what optuna-dashboard calls the values
            search.set_user_attr(PLAN, plan.model_dump_json())
        elif plan_of(search).name != plan.name:
            raise UserError(
                f"search {name} in {without_password(url)} has another plan (space, first points, "
                "objective, data, protocol or code); omit --name to start a new search, or choose "
                "another name"
            )
        search.set_user_attr(TARGET, target)
        return search, not existing


def load_search(url: str, name: str) -> optuna.Study:
    """Load an existing search.

    Raises:
        UserError: if the store has no search of that name, or another program made it.
    """
    storage = open_storage(url)
    try:
        search = optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        present = ", ".join(sorted(optuna.get_all_study_names(storage))) or "none"
        raise UserError(
            f"there is no search {name} in {without_password(url)}; it has {present}"
        ) from None
    if PLAN not in search.user_attrs:
        raise UserError(
            f"the study {name} in {without_password(url)} was not made by `study run`; choose "
            "another name"
        )
    return search


def find_search(url: str, name: str | None) -> optuna.Study:
    """Load the search of that name, or the one that started most recently.

    Raises:
        UserError: if there is none.
    """
    quiet_optuna()
    if name is not None:
        return load_search(url, name)
    summaries = optuna.get_all_study_summaries(open_storage(url))
    started = [one for one in summaries if one.datetime_start and PLAN in one.user_attrs]
    if not started:
        raise UserError(f"{without_password(url)} contains no search; start one with `study run`")
    return load_search(url, max(started, key=lambda one: str(one.datetime_start)).study_name)


def all_searches(url: str) -> tuple[list[optuna.Study], list[str]]:
    """Load every search of a store, by name; studies of other programs are left out.

    Returns:
        The searches, and a line for each that another version of this project made.
    """
    storage = open_storage(url)
    found: list[optuna.Study] = []
    unreadable: list[str] = []
    for name in sorted(optuna.get_all_study_names(storage)):
        search = optuna.load_study(study_name=name, storage=storage)
        if PLAN not in search.user_attrs:
            continue
        try:
            plan_of(search)
        except UserError as error:
            unreadable.append(error.format_message())
        else:
            found.append(search)
    return found, unreadable


def all_trials(search: optuna.Study) -> list[Trial]:
    """Return the trials of a search as they are now."""
    return trials_of(search.get_trials(deepcopy=False), search.user_attrs)


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
