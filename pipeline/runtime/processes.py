"""Identify the process that owns a record, even if its process id is reused later."""

import os
import socket
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import psutil

HOST, BOOT, PID, PID_STARTED = "vae.host", "vae.boot", "vae.pid", "vae.pid_started"

# Why the record of a process that left it open was closed.
DIED = "its process died without closing the run"

TOLERANCE = 2  # seconds by which two readings of a start differ when they depend on the clock
_ENDED = ("Z", "X")  # states of a process that has ended and is still listed


def identity() -> dict[str, str]:
    """Return tags that identify this process, so that others can check whether it is alive."""
    return {
        HOST: socket.gethostname(),
        BOOT: _boot(),
        PID: str(os.getpid()),
        PID_STARTED: _started(os.getpid()) or repr(psutil.Process().create_time()),
    }


def has_died(owner: Mapping[str, str]) -> bool:
    """Return whether a process has ended that ran on this machine since it booted.

    False for processes on other machines or in other containers, which cannot be checked.
    """
    return is_here(owner) and not _is_alive(owner)


def is_here(owner: Mapping[str, str]) -> bool:
    """Return whether a process runs or ran on this machine, in this container, since it booted."""
    return owner.get(HOST) == socket.gethostname() and owner.get(BOOT) == _boot()


def is_of_earlier_boot(owner: Mapping[str, str]) -> bool:
    """Return whether the process ran on a machine of this name before its last reboot.

    False for another container of the same boot, whose processes may be alive.
    """
    booted, own = (boot.partition("-pid:")[0] for boot in (owner.get(BOOT, ""), _boot()))
    return owner.get(HOST) == socket.gethostname() and booted != own


def _is_alive(owner: Mapping[str, str]) -> bool:
    """Return whether the process exists: same pid *and* same start."""
    try:
        pid, started = int(owner[PID]), owner[PID_STARTED]
        if started.isdecimal():
            return _started(pid) == started
        # In seconds since 1970: on systems without /proc, and as earlier versions wrote it.
        process = psutil.Process(pid)
        same = abs(process.create_time() - float(started)) < TOLERANCE
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, KeyError, ValueError, OverflowError):
        return False


def _started(pid: int) -> str:
    """Return when a process started, in the kernel's ticks since boot.

    A step of the clock moves psutil's start times, which count from the time of the boot, but not
    these. Empty if there is no such process, or no /proc as on Linux.
    """
    if not sys.platform.startswith("linux"):
        return ""
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    state, *fields = status.rpartition(b")")[2].split()  # the name before it may contain anything
    return "" if state.decode() in _ENDED else fields[18].decode()


@cache
def _boot() -> str:
    """Return an id of this boot and container: a process id means nothing outside them.

    Systems other than Linux have no id that a step of the clock leaves alone; there, the start of
    a process alone tells it from those of an earlier boot.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}-{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return sys.platform
