"""The S3 of benchmarks: it passes on, sends large objects itself, counts, and cuts."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.front import Front, front

LARGE = random.Random(7).randbytes(1_500_000)
OBJECTS = {"/bucket/large": LARGE, "/bucket/small": b"small"}
ETAG = '"0123"'
_NONE: Mapping[str, str] = {}


class _Upstream(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        place = urlsplit(self.path)
        body = b"listing" if place.query == "list-type=2" else OBJECTS.get(place.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("etag", ETAG)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Upstream)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    folder: Path = tmp_path_factory.mktemp("front") / "copies"
    with front(f"http://127.0.0.1:{server.server_address[1]}", folder) as running:
        yield running
    server.shutdown()
    server.server_close()


def ask(before: Front, path: str, headers: Mapping[str, str] = _NONE) -> tuple[int, bytes]:
    """Status and body; of a body that is cut off, what came."""
    connection = http.client.HTTPConnection(urlsplit(before.url).netloc, timeout=30)
    connection.request(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    except http.client.IncompleteRead as error:
        return answer.status, error.partial
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/bucket/large", "/bucket/large?X-Amz-Signature=1", "/bucket/small"])
def test_what_lies_behind_it_is_given(before: Front, path: str) -> None:
    assert ask(before, path) == (200, OBJECTS[urlsplit(path).path])


def test_other_questions_are_passed_on(before: Front) -> None:
    assert ask(before, "/bucket?list-type=2") == (200, b"listing")
    assert ask(before, "/bucket/none")[0] == 404


def test_a_range_is_sent_and_counted(before: Front) -> None:
    before.sent()
    assert ask(before, "/bucket/large", {"Range": "bytes=100-299"}) == (206, LARGE[100:300])
    assert ask(before, "/bucket/large", {"Range": "bytes=1499990-"}) == (206, LARGE[-10:])
    assert before.sent() == 210
    assert before.sent() == 0


def test_another_etag_than_the_objects_is_refused(before: Front) -> None:
    assert ask(before, "/bucket/large", {"If-Match": '"other"'})[0] == 412
    assert ask(before, "/bucket/large", {"If-Match": ETAG})[0] == 200


def test_downloads_break_where_they_are_told(before: Front) -> None:
    before.cut_at([1_000, 700_000])
    assert ask(before, "/bucket/large") == (200, LARGE[:1_000])
    assert ask(before, "/bucket/large", {"Range": "bytes=1000-"}) == (206, LARGE[1_000:700_000])
    assert ask(before, "/bucket/large", {"Range": "bytes=700000-"}) == (206, LARGE[700_000:])
    assert before.sent() == len(LARGE)
