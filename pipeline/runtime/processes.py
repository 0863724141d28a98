"""Whose a record is: a process, told apart from those that get its number later."""

import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import psutil

HOST, BOOT, PID, PID_STARTED = "vae.host", "vae.boot", "vae.pid", "vae.pid_started"


def identity() -> dict[str, str]:
    """This process, so that others can see whether it still lives."""
    return {
        HOST: socket.gethostname(),
        BOOT: _boot(),
        PID: str(os.getpid()),
        PID_STARTED: repr(psutil.Process().create_time()),
    }


def has_died(owner: Mapping[str, str]) -> bool:
    """Whether a process of this machine, started since it booted, is gone.

    Of other machines, and of containers beside this one, nothing can be said: they are not.
    """
    here = owner.get(HOST) == socket.gethostname() and owner.get(BOOT) == _boot()
    return here and not _is_alive(owner)


def is_of_earlier_boot(owner: Mapping[str, str]) -> bool:
    """Whether the process ran on a machine of this name before its last start."""
    return owner.get(HOST) == socket.gethostname() and owner.get(BOOT) != _boot()


def _is_alive(owner: Mapping[str, str]) -> bool:
    """Whether the process is there: same pid *and* same start time."""
    try:
        process = psutil.Process(int(owner[PID]))
        # Both are read from the kernel's own record, so they are equal or of two processes; the
        # tolerance is for a clock that was set in between.
        started = abs(process.create_time() - float(owner[PID_STARTED])) < 2
        return started and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, KeyError, ValueError):
        return False


@cache
def _boot() -> str:
    """This start of the machine, and the container: a process id means nothing outside them."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}-{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return repr(psutil.boot_time())
