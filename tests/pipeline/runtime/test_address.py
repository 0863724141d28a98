"""No password is shown, wherever it is in an address or in a message."""

import subprocess
import sys

import pytest

from pipeline.runtime.address import without_password, without_secrets


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sqlite:///study.db", None),
        ("sqlite:////home/me:you@here/my #1/study.db", None),
        ("postgresql+psycopg://me@host:5432/trials?sslmode=require", None),
        ("postgresql://[::1]:5432/trials", None),
        ("http://127.0.0.1:5000", None),
        ("./mlruns", None),
        ("databricks://profile", None),
        ("postgresql+psycopg://me:secret@host:5432/trials", "me:***@host:5432/trials"),
        ("postgresql://me:sec@ret/sec?ret@host/trials", "postgresql://me:***"),
        ("postgresql://me:sec/ret", "postgresql://me:***"),
        ("postgresql:///me:secret@host/trials", "postgresql:///me:***@host/trials"),
        ("postgresql://me:secret@host:no-port/trials", "me:***@host:no-port/trials"),
        ("postgresql:me:secret@host/trials", "postgresql:***@host/trials"),
        ("postgresql://h/d?password=sec&ret&sslmode=prefer", "?password=***&***&sslmode=prefer"),
        ("postgresql://h/d?sslpassword=secret", "?sslpassword=***"),
        ("postgresql://h:5432/d?password=sec@secret", "postgresql://h:***"),
        ("sqlite+pysqlcipher://:secret@/study.db", "sqlite+pysqlcipher://:***@/study.db"),
        ("https://secret@host/mlflow", "https://***@host/mlflow"),
        ("https://host/mlflow?api=secret", "https://host/mlflow?api=***"),
        ("https://host/#access_token=secret", "https://host/#access_token=***"),
        ("host=h password=secret", "host=h password=***"),
        ("no address://me:secret", "no address://me:***"),
        ("://[::1]:0/new.db:password=secret", "://[::1]:0/new.db:password=***"),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_password(
    address: str, shown: str | None
) -> None:
    found = without_password(address)
    assert found.endswith(shown or address)
    assert "sec" not in found.replace("sqlite+pysqlcipher", "")
    assert without_password(found) == found


def test_a_message_is_shown_without_the_passwords_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:p%40ss word@host:1/")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "dapi0123")
    monkeypatch.setattr(sys, "argv", ["study", "--storage=postgresql://me:hunter2@host/db"])
    message = "'http://me:p%40ss word@host:1/api', p@ss word, dapi0123, hunter2, mysql://a:bcd@e/f"
    shown = without_secrets(message)
    assert shown == "'http://me:***@host:1/api', ***, ***, ***, mysql://a:***@e/f"
    assert without_secrets("no, but sesame", "postgresql://me:sesame@host/db") == "no, but ***"


def test_tracebacks_are_shown_without_passwords() -> None:
    code = (
        "import sys, threading; from pipeline.runtime.address import hide_secrets_in_tracebacks\n"
        "hide_secrets_in_tracebacks()\n"
        "def fail(): raise ValueError('postgresql://me:hunter2@host/db')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join(); fail()"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 1
    assert process.stderr.count("ValueError: postgresql://me:***@host/db") == 2
