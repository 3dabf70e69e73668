"""A small S3 for the node's own fetches: presigned URLs, If-Match, and whatever can go wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "X-Amz-Signature=5ec7e7"


@dataclass
class Store:
    """Objects by key; `troubles` are taken in turn, one a request: a status, or `cut` (half of the body)."""

    port: int = 0
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)  # body, ETag without its quotes
    troubles: list[int | str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: Callable[[str, str], bytes] | None = None  # of the RPC at /rpc/NODE/PATH
    gate: threading.Event = field(default_factory=threading.Event)  # half of a body waits for it
    knows_if_match: bool = True  # otherwise every If-Match gets 412, and a request without one is served

    def __post_init__(self) -> None:
        self.gate.set()

    def refuses(self, condition: str | None, etag: str) -> bool:
        if self.knows_if_match:
            return condition != f'"{etag}"'
        return condition is not None

    def url(self, key: str) -> str:
        return f"http://127.0.0.1:{self.port}/{key}?{SECRET}"


@contextmanager
def serve() -> Iterator[Store]:
    store = Store()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/rpc/") and store.answers is not None:
                name, _, path = self.path.removeprefix("/rpc/").partition("/")
                self._send(store.answers(name, f"/{path}"), cut=False)
                return
            store.asked.append(self.path)
            key, _, query = self.path[1:].partition("?")
            trouble = store.troubles.pop(0) if store.troubles else 200
            body, etag = store.objects.get(key, (b"", ""))
            if isinstance(trouble, int) and trouble != 200:
                self.send_error(trouble)
            elif query != SECRET or not body:
                self.send_error(403 if query != SECRET else 404)
            elif store.refuses(self.headers.get("If-Match"), etag):
                self.send_error(412)
            else:
                self._send(body, cut=trouble == "cut")

        def _send(self, body: bytes, *, cut: bool) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2
            self.wfile.write(body[:half])
            self.wfile.flush()
            if cut:
                self.close_connection = True
                return
            store.gate.wait(30)
            self.wfile.write(body[half:])

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
