"""An object store that sends half of its one object, and the rest when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class SlowStore:
    url: str
    size: int  # of the object
    asked: list[str | None] = field(default_factory=list)  # the If-Match of each request
    half_sent: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


@contextmanager
def slow_store(address: str, body: bytes) -> Iterator[SlowStore]:
    """Listens at this address of the lab's network."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            store.asked.append(self.headers["If-Match"])
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2
            self.wfile.write(body[:half])
            self.wfile.flush()
            store.half_sent.set()
            store.go_on.wait(120)
            self.wfile.write(body[half:])

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer((address, 0), Handler)
    store = SlowStore(f"http://{address}:{server.server_port}/archive?signature=lab-secret", len(body))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield store
    finally:
        store.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
