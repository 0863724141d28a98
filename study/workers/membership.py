"""A process's part in a search: it joins, shows that it is alive, and leaves.

The first living member owns the search's record in MLflow. Whoever leaves hands it to the next,
and the last one closes it. So no record of a living search is closed, and none stays open.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import optuna

from pipeline.schemas.where import MLFLOW_DATABASE, SEARCH_EXPERIMENT
from study.search.plan import PARENT, TARGET, plan_of
from study.store.members import (
    BEAT,
    Member,
    living_members,
    member_key,
    members_lock,
    note_member,
)
from study.store.reconcile import close_search, forget_recorded, is_recorded, reconcile
from study.workers.trial_record import DELETED

if TYPE_CHECKING:
    from pipeline.runtime.tracking import MlflowRecord, Status, Tracker


def open_tracker(wait: bool = True) -> "Tracker":
    """Open the searches' experiment in MLflow, whose import takes more than a second.

    Args:
        wait: whether a server must answer; if not, trials go on without it.
    """
    from pipeline.runtime.tracking import Tracker

    return Tracker.open(SEARCH_EXPERIMENT, wait=wait)  # closes what dead processes left open


def are_records_kept() -> bool:
    """Return whether MLflow's store is there already, so that opening it creates none."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or Path(MLFLOW_DATABASE).exists()


class Membership:
    """This process's part in a search.

    Args:
        url: the store's address.
        search: in that store.
        target: how many finished trials this process wants.
        tracker: opens the searches' experiment; called only if there is something to record.
    """

    def __init__(
        self, url: str, search: optuna.Study, target: int, tracker: "Callable[[], Tracker]"
    ) -> None:
        self._url = url
        self._search = search
        self._target = target
        self._tracker = tracker
        self._noted = 0.0
        self._record = ""
        self._kept: Future[None] | None = None

    @property
    def record(self) -> str:
        """Id of the search's record in MLflow."""
        return self._record

    def join(self) -> None:
        """Note in the search that this process works for it."""
        with members_lock(self._url, self._search.study_name):
            self._note()
            targets = [one.target for one in living_members(self._search.user_attrs)]
            self._search.set_user_attr(TARGET, max(targets))
            forget_recorded(self._search)

    def open_record(self) -> None:
        """Open the search's record if it is this process's, or if there is none yet."""
        with members_lock(self._url, self._search.study_name):
            members = living_members(self._search.user_attrs)
            self._record = self._search.user_attrs.get(PARENT, "")
            if _is_first(members) or not self._record:
                self._record = self._reopened().run_id
            if len(members) == 1:
                reconcile(self._search, self._tracker(), self._record)

    def beat(self) -> None:
        """Note from time to time that this process is alive, and keep the record if it is its own.

        The record is looked at each time: another member may have come, owned it and died in the
        meantime, so that a command closed it. This also notices that MLflow's server is away.
        """
        if time.monotonic() - self._noted < BEAT:
            return
        members = living_members(self._search.user_attrs)
        if any(one.is_this_process for one in members):
            self._note()
        else:  # it was stopped for long
            self.join()
        is_idle = self._kept is None or self._kept.done()
        if _is_first(members) and self._record and is_idle:
            self._kept = self._tracker().own(self._record)

    def leave(self, status: "Status", reason: str = "") -> None:
        """Hand over to the other members, or close the search's records as the last one.

        Args:
            status: of the search's record, if this is the last member.
            reason: why the search is not FINISHED.
        """
        with members_lock(self._url, self._search.study_name):
            try:
                members = living_members(self._search.user_attrs)
                others = self._leave()
            except KeyError:  # the search was deleted, and its notes with it
                self._close_record("KILLED", DELETED)
                return
            if not others:
                self._close_search(status, reason)
            elif _is_first(members):
                tracker = self._tracker()
                tracker.reopen(self._record, self._search.study_name, others[0].owner)
                tracker.close()

    def leave_finished(self) -> None:
        """Leave a search that needs nothing, and close what its last process left open.

        That process may have died, or have found the disk full.
        """
        with members_lock(self._url, self._search.study_name):
            if self._leave() or is_recorded(self._search):
                return
            parent = self._search.user_attrs.get(PARENT, "")
            record = self._tracker().resume(parent, self._search.study_name)
            if record is not None:
                ended = record.status() == "FINISHED"
                reason = "" if ended else "closed by a command that found the search finished"
                close_search(self._search, self._tracker(), record, reason=reason)

    def _leave(self) -> list[Member]:
        """Remove the note; return the other members, of which the search has its target."""
        members = living_members(self._search.user_attrs)
        for one in members:
            if one.is_this_process:
                self._search.set_user_attr(member_key(one.place), None)
        others = [one for one in members if not one.is_this_process]
        if others:
            self._search.set_user_attr(TARGET, max(one.target for one in others))
        return others

    def _note(self) -> None:
        note_member(self._search, self._target)
        self._noted = time.monotonic()

    def _reopened(self) -> "MlflowRecord":
        """The search's own record: its existing one, reopened, or a new one."""
        record = self._tracker().reopen(self._record, self._search.study_name)
        if record is None:
            plan = plan_of(self._search)
            settings = plan.search.model_dump(exclude={"space", "trials", "first", "confirm"})
            space = {f"space.{one.name}": one.model_dump_json() for one in plan.search.space}
            record = self._tracker().start(self._search.study_name, settings | space)
            record.log_dataset(plan.data, plan.data_hash, "training and validation")
            record.status()  # an error if the server has gone away since it was opened
            self._search.set_user_attr(PARENT, record.run_id)
        return record

    def _close_search(self, status: "Status", reason: str) -> None:
        record = self._tracker().resume(self._record, self._search.study_name)
        if record is not None:
            close_search(self._search, self._tracker(), record, status, reason)

    def _close_record(self, status: "Status", reason: str) -> None:
        record = self._tracker().resume(self._record, self._search.study_name)
        if record is not None:
            record.finish(status, reason)
            self._tracker().close()


def _is_first(members: Sequence[Member]) -> bool:
    """Whether this process owns the search's record."""
    return bool(members) and members[0].is_this_process
