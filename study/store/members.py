"""Who works for a search, and for how many trials, as noted in the search itself.

A *member* is a supervisor, or a worker without one. Each notes its process and its own target. So
no member lowers the target of another, the last of them closes the search's records, and a search
that somebody works for is not deleted.
"""

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import optuna

from pipeline.runtime.processes import HOST, PID, has_died, identity, is_here
from study.search.plan import TARGET
from study.store.storage import announced_lock

MEMBER = "member:"  # begins the attributes of a search that note its members; a number follows
BEAT = 20  # seconds after which a member notes again that it is alive
LEASE = 120  # seconds without such a note after which a member on another machine counts as dead


@dataclass(frozen=True, slots=True)
class Member:
    """A process that works for a search.

    Attributes:
        place: its number among the members; the first of those that are alive owns the search's
            record in MLflow.
        owner: identifies the process.
        target: how many finished trials it wants.
        seen: when it last noted that it is alive, in seconds since 1970.
    """

    place: int
    owner: dict[str, str]
    target: int
    seen: float

    @property
    def is_alive(self) -> bool:
        """Whether the process exists, or did so until recently if it is on another machine."""
        if is_here(self.owner):
            return not has_died(self.owner)
        return abs(time.time() - self.seen) < LEASE

    @property
    def is_this_process(self) -> bool:
        """Whether it is the process that asks."""
        return self.owner == identity()

    def __str__(self) -> str:
        return f"process {self.owner.get(PID)} on {self.owner.get(HOST)}"


def member_key(place: int) -> str:
    """Name of the search's attribute that notes a member."""
    return f"{MEMBER}{place}"


def note_member(search: optuna.Study, target: int) -> None:
    """Note in a search that this process is alive and works for it.

    The first time, this must be behind the lock of the members.
    """
    members = living_members(search.user_attrs)
    taken = {one.place for one in members}
    free = next(place for place in range(len(taken) + 1) if place not in taken)
    place = next((one.place for one in members if one.is_this_process), free)
    note = {"owner": identity(), "target": target, "seen": time.time()}
    search.set_user_attr(member_key(place), note)


def living_members(attributes: Mapping[str, Any]) -> list[Member]:
    """Return the members of a search that are alive, in the order of their places."""
    found = (_member(*one) for one in attributes.items() if one[0].startswith(MEMBER))
    living = (one for one in found if one is not None and one.is_alive)
    return sorted(living, key=lambda one: one.place)


def _member(key: str, note: object) -> Member | None:
    """Return what an attribute notes; None if that member has left."""
    match note:
        case {"owner": dict(owner), "target": int(target), "seen": float(seen)}:
            return Member(int(key.removeprefix(MEMBER)), owner, target, seen)
    return None


def wanted_trials(attributes: Mapping[str, Any]) -> int:
    """Return how many finished trials a search should have: the most that a living member wants."""
    targets = [one.target for one in living_members(attributes)]
    return max(targets, default=int(attributes[TARGET]))


def members_lock(url: str, name: str) -> AbstractContextManager[None]:
    """Return the lock behind which searches are opened and deleted, and members come and go."""
    return announced_lock(url, f"open-{name}")
