"""Addresses of databases and servers, as they may be shown."""

import re

_HIDDEN = (
    # user:password@host; greedy, because a password may contain an @.
    (re.compile(r"(://[^:/]*):.*@"), r"\1:***@"),
    # user:password, whose host is missing; a number is a port.
    (re.compile(r"(://[^:/@\[]*):(?!\d*(?:[/?]|$)|\*\*\*@)[^/?]*"), r"\1:***"),
    (re.compile(r"(?i)([?&](?:ssl)?password=)[^&]*"), r"\1***"),
)


def without_password(address: str) -> str:
    """Return a valid address with ``***`` for its password."""
    for pattern, replacement in _HIDDEN:
        address = pattern.sub(replacement, address)
    return address
