"""An HTTP server on loopback that misbehaves on purpose, where moto cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    #: Send so many bytes of the body, then cut the connection.
    cut_after: int | None = None
    #: Wait for this before the body.
    wait: threading.Event | None = None


def error(status: int, code: str, message: str = "", extra: str = "") -> Answer:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message>{extra}</Error>"
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})


@contextmanager
def serving(answer: Callable[[Asked], Answer]) -> Iterator[str]:
    """Gives the server's URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = answer(Asked(self.command, self.path, dict(self.headers)))
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(found.body)))
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            half = found.cut_after if found.cut_after is not None else len(found.body) // 2
            self.wfile.write(found.body[:half])
            self.wfile.flush()
            if found.wait is not None:
                found.wait.wait(20)
            if found.cut_after is not None:
                self.close_connection = True
                return
            self.wfile.write(found.body[half:])

        def log_message(self, format: str, *args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):  # the client went away
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
