"""Searches are opened to work for them: created, or loaded to write to them."""

import optuna

from pipeline.errors import UserError
from study.search.plan import PLAN, TARGET, Plan, plan_of
from study.store.address import shown
from study.store.members import members_lock, note_member
from study.store.names import require_name
from study.store.opening import open_storage
from study.store.reading import explain_unreadable
from study.store.rows import intact_search
from study.store.searches import load_from, names_in
from study.store.storage import explain_full_disk


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
        existing = name in names_in(storage)
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
        return load_from(open_storage(url, awaited=awaited), url, name)
