"""Writes to a server that is away at times."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pipeline.runtime import outbox
from pipeline.runtime.outbox import Outbox, ServerAwayError


class Server:
    """Takes what is sent to it, unless it is down or does not answer at all."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.is_down = False
        self.silent = threading.Event()
        self.silent.set()

    def send(self, text: str) -> Callable[[], str]:
        def call() -> str:
            self.silent.wait(10)
            if self.is_down:
                raise RuntimeError(f"{text} failed") from ConnectionRefusedError(111, "refused")
            if text == "wrong":
                raise ValueError("the run is deleted")
            self.taken.append(text)
            return f"<{text}>"

        return call


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.silent.set()


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    monkeypatch.setattr(outbox, "LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(outbox, "LAST_ATTEMPT", 0.3)
    return Outbox("the server", patience=5)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_writes_are_made_in_order_and_read_afterwards(server: Server, box: Outbox) -> None:
    futures = [box.write("run", server.send(str(number))) for number in range(20)]
    assert box.read(lambda: len(server.taken)) == 20
    assert [box.result(future) for future in futures] == [f"<{n}>" for n in range(20)]
    assert box.close()


def test_an_outage_delays_writes_and_nobody_waits(
    server: Server, box: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    server.is_down = True
    created = box.write("run", server.send("created"))
    assert box.result(created) is None
    box.write("run", server.send("ended"))
    with pytest.raises(ServerAwayError, match=r"the server does not answer \(refused\)"):
        box.read(server.send("read"))
    server.is_down = False
    wait_until(lambda: len(server.taken) == 2)
    assert box.read(lambda: server.taken) == ["created", "ended"]
    assert box.result(created) == "<created>"
    assert box.close()
    away, back = errors(capsys)
    assert away.startswith("the server does not answer (refused); work goes on")
    assert back == "the server answers again; the records are being written"


def test_a_single_broken_connection_is_no_outage(
    server: Server, box: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = iter([True, False])

    def call() -> None:
        if next(faults):
            raise ConnectionResetError

    box.write("run", call)
    assert box.close()
    assert errors(capsys) == []


def test_records_are_named_if_the_server_stays_away(
    server: Server, box: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    box.write("first", server.send("1"))
    box.read(lambda: None)
    server.is_down = True
    for number in range(7):
        box.write(f"run {number}", server.send("more"))
        box.write(f"run {number}", server.send("end"))
    assert not box.close()
    _, last = errors(capsys)
    assert "incomplete records for run 0, run 1, run 2, run 3, run 4 and 2 more; the" in last
    assert not box.close()
    assert errors(capsys) == []
    assert server.taken == ["1"]


def test_a_silent_server_is_not_waited_for_after_an_interrupt(
    server: Server, box: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    server.silent.clear()
    box.write("run", server.send("1"))
    start = time.monotonic()
    assert not box.close(hurry=True)
    assert time.monotonic() - start < 4
    assert "incomplete records for run; the results themselves" in errors(capsys)[0]


def test_a_refused_write_costs_its_record_and_nothing_else(
    server: Server, box: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = box.write("wrong run", server.send("wrong"))
    box.write("run", server.send("1"))
    assert box.result(refused) is None
    with pytest.raises(ValueError, match="deleted"):
        box.read(server.send("wrong"))
    assert not box.close()
    assert server.taken == ["1"]
    said, last = errors(capsys)
    assert said == (
        "warning: the server refused a part of the record of wrong run: the run is deleted"
    )
    assert "for wrong run; the results" in last


def test_a_server_that_answers_is_waited_for_however_much_is_queued(server: Server) -> None:
    box = Outbox("the server", patience=0.5)

    def slow() -> None:
        time.sleep(0.1)

    for _ in range(10):
        box.write("run", slow)
    assert box.read(server.send("read")) == "<read>"
    for _ in range(10):
        box.write("run", slow)
    assert box.result(box.write("run", server.send("last"))) == "<last>"


def test_a_silent_server_is_not_waited_for_by_a_reader(server: Server) -> None:
    box = Outbox("the server", patience=0.3)
    server.silent.clear()
    with pytest.raises(ServerAwayError, match="timed out"):
        box.read(server.send("read"))


def test_another_process_may_report_the_outage(
    server: Server, box: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = Outbox("the server", patience=5, announces=False)
    server.is_down = True
    quiet.write("run", server.send("1"))
    wait_until(lambda: quiet.is_away)
    server.is_down = False
    wait_until(lambda: server.taken)
    server.is_down = True
    quiet.write("run", server.send("2"))
    assert not quiet.close()
    assert errors(capsys) == []
