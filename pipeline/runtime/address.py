"""Addresses of databases and servers, and texts that may contain them, as they may be shown."""

import os
import re
import sys
import threading
import traceback
from collections.abc import Iterable
from types import TracebackType
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "***"

STORAGE_VARIABLE = "VAE_STORAGE"  # has the store's address: every user can read command lines

# Variables with the address of a store or server, and those whose whole value is a secret.
_ADDRESSES = (STORAGE_VARIABLE, "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
_SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "PGPASSWORD")
_SHORTEST = 3  # characters of a secret that is looked for in a text by itself

# Options of an address that are no secrets, whatever their values are; any other may be one.
_OPEN_OPTIONS = {
    "application_name",
    "cache",
    "channel_binding",
    "charset",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "driver",
    "gssencmode",
    "host",
    "hostaddr",
    "keepalives",
    "mode",
    "port",
    "service",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "timeout",
    "uri",
    "user",
}
_SECRET_OPTION = re.compile(r"(?i)\b(\w*(?:pass|pwd|secret|token|key|cred|auth|sig)\w*=)[^\s&;]*")
_ADDRESS = re.compile(r"\w[\w+.-]+://[^\s'\"<>]+")
_PORT = re.compile(r"\d{0,5}")


def without_password(address: str) -> str:
    """Return an address with ``***`` for everything that is a password, or might be one.

    Written by hand because it must also work for what no library accepts, such as a password with
    an @ or a slash that is not escaped, or a port that is not a number.
    """
    scheme, found, rest = address.partition("://")
    if not found:
        hidden = re.sub(r":.*@", f":{HIDDEN}@", address, flags=re.DOTALL)
        return _SECRET_OPTION.sub(rf"\1{HIDDEN}", hidden)
    kind = scheme.lower()
    is_file = kind == "file" or (kind.startswith("sqlite") and "cipher" not in kind)
    if is_file and rest.startswith("/"):  # a path has neither a user nor a password
        path, mark, options = rest.partition("?")
        return f"{scheme}://{path}{mark}{_hide_options(options)}"
    place = rest.lstrip("/")
    slashes = rest[: len(rest) - len(place)]
    mark = next((one for one in place if one in "?#"), "")
    place, _, options = place.partition(mark) if mark else (place, "", "")
    if ":" in place and "@" in options:  # where the password ends cannot be known
        return f"{scheme}://{slashes}{place.partition(':')[0]}:{HIDDEN}"
    hide_user = not kind.startswith(("postgres", "sqlite", "mysql", "mariadb", "oracle", "mssql"))
    shown = _hide_user(place, hide_user)
    shown = _SECRET_OPTION.sub(rf"\1{HIDDEN}", shown)  # where an option should not be
    return f"{scheme}://{slashes}{shown}{mark}{_hide_options(options)}"


def _hide_user(place: str, hide_user: bool) -> str:
    """Hide the password in ``user:password@host/path``, in which user and host may be missing."""
    login, at, host = place.rpartition("@")  # the last, because a password may contain one
    user, colon, _ = login.partition(":")
    if at:
        if colon:
            return f"{user}:{HIDDEN}@{host}"
        return f"{HIDDEN}@{host}" if hide_user else place  # a server's user may be a token
    if place.startswith("["):  # an address of IPv6
        return place
    name, colon, port = place.partition("/")[0].partition(":")
    return f"{name}:{HIDDEN}" if colon and not _PORT.fullmatch(port) else place


def _hide_options(options: str) -> str:
    return "&".join(map(_hide_option, options.split("&"))) if options else ""


def _hide_option(option: str) -> str:
    name, found, value = option.partition("=")
    if name.lower() in _OPEN_OPTIONS and not {"@", ";"} & set(value):
        return option
    return f"{name}={HIDDEN}" if found else HIDDEN


def without_secrets(text: str, *addresses: str) -> str:
    """Return a text, such as an error's, without the passwords that this process knows.

    Args:
        text: may repeat an address, or a part of one.
        addresses: those that the text may be about, besides those of the environment and of the
            command line.
    """
    known = [os.environ.get(name, "") for name in _ADDRESSES]
    known += [word.partition("=")[2] if word.startswith("--") else word for word in sys.argv[1:]]
    known = [one for one in (*addresses, *known) if without_password(one) != one]
    for address in known:
        text = text.replace(address, without_password(address))
    secrets = {os.environ.get(name, "") for name in _SECRETS}.union(*map(_secrets, known))
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, HIDDEN)
    return _ADDRESS.sub(lambda found: without_password(found[0]), text)


def _secrets(address: str) -> Iterable[str]:
    """Return what ``without_password`` hides, as it is written and as it is meant."""
    parts = without_password(address).split(HIDDEN)
    pattern = "(.*)".join(re.escape(part) for part in parts)
    found = re.fullmatch(pattern, address, re.DOTALL)
    written = found.groups() if found else ()
    for one in written:
        plain = unquote(one)
        yield from (one, plain, quote(plain, safe=""), quote_plus(plain))


def hide_secrets_in_tracebacks() -> None:
    """Print unexpected errors without passwords: libraries put addresses into their messages."""

    def show(
        kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(without_secrets(text))

    def show_of_thread(failure: threading.ExceptHookArgs) -> None:
        show(failure.exc_type, failure.exc_value, failure.exc_traceback)

    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = show
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = show_of_thread
