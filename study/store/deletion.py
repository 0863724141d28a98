"""Deleting a search, and what that means to processes that are still at work for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import optuna

from pipeline.errors import UserError
from study.store.joining import load_search
from study.store.members import living_members, members_lock
from study.store.opening import open_storage
from study.store.searches import all_trials, find_search
from study.store.storage import StoreLock, fail_dead_attempts


class SearchDeletedError(UserError):
    """A search was deleted while a process was at work for it."""


def delete_search(url: str, name: str) -> int:
    """Delete a search; return how many trials it had.

    Both locks are held meanwhile, so that nobody joins the search or takes a trial.

    Raises:
        UserError: if there is no such search, or a process works for it.
    """
    find_search(url, name)  # so that nothing is opened to write to it in vain
    search = load_search(url, name)
    _require_idle(search)  # before waiting for a lock that a stopped process may hold
    with members_lock(url, name), StoreLock(url, f"ask-{name}"):
        _require_idle(search)
        trials = all_trials(search)
        optuna.delete_study(study_name=name, storage=open_storage(url))
    return len(trials)


def _require_idle(search: optuna.Study) -> None:
    fail_dead_attempts(search)
    members = living_members(search.user_attrs)
    if members or any(trial.is_running for trial in all_trials(search)):
        whose = f" ({', '.join(map(str, members))})" if members else ""
        raise UserError(
            f"search {search.study_name} is running{whose}; stop it first (Ctrl-C in its "
            "`study run`)"
        )


def is_deleted(search: optuna.Study) -> bool:
    """Return whether a search is no longer in its store."""
    try:
        return not search.user_attrs
    except KeyError:
        return True


@contextmanager
def explain_deletion(search: optuna.Study) -> Iterator[None]:
    """Explain in one line that the search was deleted; many kinds of errors come of that.

    Raises:
        SearchDeletedError: in place of the original error.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not _is_deleted_after(error, search):
            raise
        raise SearchDeletedError(
            f"search {search.study_name} was deleted while this command was at work for it; run "
            "the command again to start a new search"
        ) from None


def silence_heartbeat_after_deletion(search: optuna.Study) -> None:
    """Keep the heartbeat's thread from printing a traceback of what one line explains already."""
    print_failure = threading.excepthook

    def hook(failure: threading.ExceptHookArgs) -> None:
        if not _is_deleted_after(failure.exc_value, search):
            print_failure(failure)

    threading.excepthook = hook


def _is_deleted_after(error: BaseException | None, search: optuna.Study) -> bool:
    """Return whether an error can be put down to the deletion of its search."""
    try:
        return error is not None and is_deleted(search)
    except Exception:  # the store itself is gone, which the error says
        return False
