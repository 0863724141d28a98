"""Deleting a search, and what that means to processes that still use it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.trial import TrialState

from pipeline.errors import UserError
from study.search.schedule import TRIAL
from study.store.members import living_members, members_lock
from study.store.opening import open_storage
from study.store.quiet import quiet_optuna
from study.store.reading import explain_unreadable
from study.store.reconnect import ReconnectingStorage
from study.store.rows import explain_rows
from study.store.searches import count_trials, require_search
from study.store.storage import StoreLock, explain_full_disk, is_dead


class SearchDeletedError(UserError):
    """A search was deleted while a process was using it."""


def delete_search(url: str, name: str) -> int:
    """Delete a search; return how many trials it had.

    Both locks are held meanwhile, so that nobody joins the search or takes a trial. Neither its
    plan nor its trials are read, which another version may have written.

    Raises:
        UserError: if there is no such search, a process works for it, or it cannot be deleted.
    """
    quiet_optuna()
    require_search(url, name)  # so that nothing is opened to write to it in vain
    with explain_rows(name), explain_unreadable(url), explain_full_disk(url):
        storage = open_storage(url)
        search = optuna.load_study(study_name=name, storage=storage)
        _require_idle(search, storage)  # before waiting for a lock that a stopped process may hold
        with members_lock(url, name), StoreLock(url, f"ask-{name}"):
            _require_idle(search, storage)
            count = count_trials(storage, name)
            optuna.delete_study(study_name=name, storage=storage)
    return count


def _require_idle(search: optuna.Study, storage: ReconnectingStorage) -> None:
    optuna.storages.fail_stale_trials(search)
    members = living_members(search.user_attrs)
    running = storage.get_all_trials(search._study_id, deepcopy=False, states=(TrialState.RUNNING,))
    if members or any(TRIAL in one.user_attrs and not is_dead(one) for one in running):
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
            f"search {search.study_name} was deleted while this command was using it; run "
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
