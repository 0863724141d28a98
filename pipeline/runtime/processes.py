"""Identify the process that owns a record, even if its process id is reused later."""

import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import psutil

HOST, BOOT, PID, PID_STARTED = "vae.host", "vae.boot", "vae.pid", "vae.pid_started"


def identity() -> dict[str, str]:
    """Return tags that identify this process, so that others can check whether it is alive."""
    return {
        HOST: socket.gethostname(),
        BOOT: _boot(),
        PID: str(os.getpid()),
        PID_STARTED: repr(psutil.Process().create_time()),
    }


def has_died(owner: Mapping[str, str]) -> bool:
    """Return whether a process has ended that ran on this machine since it booted.

    False for processes on other machines or in other containers, which cannot be checked.
    """
    here = owner.get(HOST) == socket.gethostname() and owner.get(BOOT) == _boot()
    return here and not _is_alive(owner)


def is_of_earlier_boot(owner: Mapping[str, str]) -> bool:
    """Return whether the process ran on a machine of this name before its last reboot."""
    return owner.get(HOST) == socket.gethostname() and owner.get(BOOT) != _boot()


def _is_alive(owner: Mapping[str, str]) -> bool:
    """Return whether the process exists: same pid *and* same start time."""
    try:
        process = psutil.Process(int(owner[PID]))
        # Both times come from the kernel, so they differ only between different processes; the
        # tolerance allows for a clock that was adjusted in between.
        started = abs(process.create_time() - float(owner[PID_STARTED])) < 2
        return started and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, KeyError, ValueError):
        return False


@cache
def _boot() -> str:
    """Return an id of this boot and container: a process id means nothing outside them."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}-{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return repr(psutil.boot_time())
