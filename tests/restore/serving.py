"""A small S3 for the node's own fetches: presigned URLs, Range, If-Match, and whatever can go wrong."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "X-Amz-Signature=5ec7e7"


@dataclass(frozen=True)
class Cut:
    """The connection breaks when this byte of the object would be sent."""

    at: int


@dataclass
class Store:
    """Objects by key.

    `troubles` are taken in turn, one a request: a status, `cut` (half of the body), a `Cut`; None is none.
    """

    port: int = 0
    #: Body, ETag without its quotes, which every request has to name; empty: none has to.
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    troubles: list[int | str | Cut | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: Callable[[str, str], bytes] | None = None  # of the RPC at /rpc/NODE/PATH
    gate: threading.Event = field(default_factory=threading.Event)  # half of a body waits for it
    knows_if_match: bool = True  # otherwise every If-Match is refused, and a request without one is served
    refusal: int = 412  # what an If-Match gets that does not hold
    knows_range: bool = True  # otherwise all of an object is sent
    shift: int = 0  # so many bytes too early begins what it gives of a range
    ranges: list[str | None] = field(default_factory=list)  # what the requests asked for
    sent: int = 0  # bytes of bodies
    signature: str = SECRET  # of a URL that is good now

    def __post_init__(self) -> None:
        self.gate.set()

    def refuses(self, condition: str | None, etag: str) -> bool:
        if not etag:
            return False
        if self.knows_if_match:
            return condition != f'"{etag}"'
        return condition is not None

    def url(self, key: str) -> str:
        return f"http://127.0.0.1:{self.port}/{key}?{self.signature}"


@contextmanager
def serve() -> Iterator[Store]:
    store = Store()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/rpc/") and store.answers is not None:
                name, _, path = self.path.removeprefix("/rpc/").partition("/")
                self._send(store.answers(name, f"/{path}"))
                return
            store.asked.append(self.path)
            key, _, query = self.path[1:].partition("?")
            store.ranges.append(self.headers.get("Range"))
            trouble = store.troubles.pop(0) if store.troubles else None
            body, etag = store.objects.get(key, (b"", ""))
            if isinstance(trouble, int):
                self.send_error(trouble)
            elif query != store.signature or not body:
                self.send_error(403 if query != store.signature else 404)
            elif store.refuses(self.headers.get("If-Match"), etag):
                self.send_error(store.refusal)
            else:
                self._send_part(body, trouble)

        def _send_part(self, body: bytes, trouble: str | Cut | None) -> None:
            first, last = 0, len(body) - 1
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            if asked and store.knows_range:
                first, last = max(0, int(asked[1]) - store.shift), min(last, int(asked[2] or last))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
            else:
                self.send_response(200)
            if isinstance(trouble, Cut):
                self._send_body(body[first : last + 1], max(0, trouble.at - first))
            else:
                self._send_body(body[first : last + 1], None if trouble is None else (last + 1 - first) // 2)

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self._send_body(body, None)

        def _send_body(self, body: bytes, cut: int | None) -> None:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2 if cut is None else min(cut, len(body))
            try:
                self.wfile.write(body[:half])
                self.wfile.flush()
                if cut is None:
                    store.gate.wait(30)
                    self.wfile.write(body[half:])
            except OSError:  # who asked is gone
                half = 0
            store.sent += half if cut is not None else len(body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        store.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
