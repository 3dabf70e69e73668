"""The way to S3 on which answers go wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loomtui.drill import s3_proxy
from loomtui.drill.s3_proxy import S3Proxy
from loomtui.drill.scenarios.deeds import StoreTrouble

BODY = b"0123456789"


class Upstream(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("ETag", '"the one"')
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def proxy() -> Iterator[S3Proxy]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = S3Proxy(f"http://127.0.0.1:{server.server_port}", "127.0.0.2")
    yield made
    made.close()
    server.shutdown()
    server.server_close()


def get(proxy: S3Proxy, path: str = "bucket/key", **headers: str) -> tuple[int, str | None, bytes]:
    connection = HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)
    with closing(connection):
        connection.request("GET", f"/{path}", headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.headers["ETag"], reply.read()


def test_without_trouble_everything_passes(proxy: S3Proxy) -> None:
    assert get(proxy) == (200, '"the one"', BODY)
    assert proxy.url.startswith("http://127.0.0.2:")
    assert proxy.struck == 0


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (StoreTrouble.DENIED, 403, b"AccessDenied"),
        (StoreTrouble.MISSING, 404, b"NoSuchKey"),
        (StoreTrouble.ERROR, 500, b"InternalError"),
        (StoreTrouble.SLOW_DOWN, 503, b"SlowDown"),
    ],
)
def test_refusals_are_those_of_s3(proxy: S3Proxy, trouble: StoreTrouble, status: int, code: bytes) -> None:
    proxy.trouble = trouble
    found, _, body = get(proxy)
    assert found == status
    assert code in body
    assert proxy.struck == 1


def test_a_missing_bucket_is_told_from_a_missing_object(proxy: S3Proxy) -> None:
    proxy.trouble = StoreTrouble.MISSING
    assert b"NoSuchBucket" in get(proxy, "bucket")[2]


def test_another_version_has_another_etag_and_refuses_the_old_one(proxy: S3Proxy) -> None:
    proxy.trouble = StoreTrouble.OTHER
    status, etag, body = get(proxy)
    assert (status, body) == (200, BODY[::-1])
    assert etag != '"the one"'
    assert get(proxy, **{"If-Match": '"the one"'})[0] == 412
    assert get(proxy, "bucket")[2] == BODY  # the listing is as ever


def test_a_reset_comes_in_the_middle_of_the_body(proxy: S3Proxy) -> None:
    proxy.trouble = StoreTrouble.RESET
    with pytest.raises(OSError, match="reset"):
        get(proxy)


def test_slow_answers_are_whole(proxy: S3Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_proxy, "_SLOW_SECONDS", 0.01)
    proxy.trouble = StoreTrouble.SLOW
    assert get(proxy) == (200, '"the one"', BODY)
    assert proxy.struck == 1
