"""Downloads of data sets: the choice of mirror, and failures."""

import contextlib
import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.data.sources.idx import IDX_SETS
from pipeline.data.sources.official import load_idx_set, mirrors_of
from tests.pipeline.tiny_set import (
    HTML,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    Tiny,
    message_of,
)


@dataclass(frozen=True)
class Mirror:
    """A local server: its address, its files, and the requests that it received."""

    address: str
    files: dict[str, bytes]
    requests: list[str]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, bytes]], Mirror]]:
    monkeypatch.setenv("no_proxy", "*")
    servers: list[ThreadingHTTPServer] = []

    def start(files: dict[str, bytes]) -> Mirror:
        requests: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.removeprefix("/")
                requests.append(name)
                self.send_response(200 if name in files else 404)
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # who has read enough hangs up
                    self.wfile.write(files.get(name, b""))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return Mirror(f"http://127.0.0.1:{server.server_port}/", files, requests)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address that refuses connections: bound, so that nobody else uses it, but closed."""
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{closed.getsockname()[1]}/"


def packed(tiny: Tiny) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(content) for name, content in tiny.raw.items()}


def test_only_missing_files_are_downloaded(
    tiny: Tiny, tmp_path: Path, serve: Callable[[dict[str, bytes]], Mirror]
) -> None:
    mirror = serve(packed(tiny))
    (tiny.write(tmp_path) / TEST_IMAGES).unlink()
    idx_set = replace(tiny.idx_set, mirrors=(mirror.address,))
    source = load_idx_set(idx_set, tmp_path, download=True)
    assert source.checksums[TEST_IMAGES] == tiny.idx_set.test_images.sha256
    assert mirror.requests == [f"{TEST_IMAGES}.gz"]
    assert {path.name for path in tmp_path.iterdir()} == {
        TRAIN_IMAGES,
        TRAIN_LABELS,
        TEST_LABELS,
        f"{TEST_IMAGES}.gz",
    }
    load_idx_set(tiny.idx_set, tmp_path)


def test_the_next_mirror_is_tried_when_one_fails(
    tiny: Tiny, tmp_path: Path, refusing: str, serve: Callable[[dict[str, bytes]], Mirror]
) -> None:
    sign_in = serve(dict.fromkeys(packed(tiny), HTML))
    good = serve(packed(tiny))
    idx_set = replace(tiny.idx_set, mirrors=(refusing, sign_in.address, good.address))
    load_idx_set(idx_set, tmp_path / "new", download=True)
    assert len(sign_in.requests) == len(good.requests) == 4


def test_a_missing_network_is_reported_in_one_line_and_leaves_no_file(
    tiny: Tiny, tmp_path: Path, refusing: str
) -> None:
    idx_set = replace(tiny.idx_set, mirrors=(refusing,))
    message = message_of(lambda: load_idx_set(idx_set, tmp_path, download=True))
    assert message.startswith(f"tiny: {TRAIN_IMAGES}.gz cannot be downloaded (127.0.0.1:")
    assert "refused" in message
    assert f"put the file into {tmp_path}" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "Not Found"), (HTML, "is a web page"), (b"\x1f\x8b\x08", "is a truncated gzip file")],
)
def test_a_bad_download_leaves_no_file(
    tiny: Tiny,
    tmp_path: Path,
    serve: Callable[[dict[str, bytes]], Mirror],
    content: bytes | None,
    reason: str,
) -> None:
    mirror = serve({} if content is None else dict.fromkeys(packed(tiny), content))
    idx_set = replace(tiny.idx_set, mirrors=(mirror.address,))
    assert reason in message_of(lambda: load_idx_set(idx_set, tmp_path, download=True))
    assert list(tmp_path.iterdir()) == []


def test_an_endless_download_is_given_up(
    tiny: Tiny, tmp_path: Path, serve: Callable[[dict[str, bytes]], Mirror]
) -> None:
    mirror = serve(dict.fromkeys(packed(tiny), gzip.compress(bytes(100))[:20] + bytes(5_000_000)))
    idx_set = replace(tiny.idx_set, mirrors=(mirror.address,))
    message = message_of(lambda: load_idx_set(idx_set, tmp_path, download=True))
    assert "is too large: it has more than 10,258 bytes" in message
    assert list(tmp_path.iterdir()) == []


def test_our_files_are_those_of_torchvision() -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    for idx_set in IDX_SETS.values():
        theirs = getattr(datasets, idx_set.torchvision)
        assert {name for name, _ in theirs.resources} == {
            f"{file.name}.gz" for file in idx_set.files
        }
        assert list(mirrors_of(idx_set)) == theirs.mirrors
        assert all(mirror.endswith("/") for mirror in theirs.mirrors)
        assert [file.magic for file in idx_set.files] == [2051, 2049, 2051, 2049]
    assert IDX_SETS["fashion-mnist"].classes == tuple(datasets.FashionMNIST.classes)
