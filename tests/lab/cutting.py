"""A way to the lab's S3 on which transfers to nodes break off, and where something may happen halfway."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

#: Told halfway through each transfer to a node: its address, the object's path, which transfer of it this is,
#: from 1 on. True: it breaks off here.
Halfway = Callable[[str, str, int], bool]


@dataclass
class CuttingS3:
    url: str
    sent: Counter[str] = field(default_factory=Counter)  # bytes of these objects, by the node's address
    begins: dict[tuple[str, str], list[int]] = field(
        default_factory=dict
    )  # at which bytes, by address and path


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: whoever asks is killed on purpose."""


@contextmanager
def cutting_s3(address: str, endpoint: str, halfway: Halfway, names: tuple[str, ...]) -> Iterator[CuttingS3]:
    """Listens at this address of the lab's network. Meant are objects whose path ends in one of `names`.

    Whoever asks from this address itself, which is the operator's machine, gets everything undisturbed.
    """
    target = urlsplit(endpoint).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._forward()

        def do_HEAD(self) -> None:
            self._forward()

        def do_PUT(self) -> None:
            self._forward()

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            connection = http.client.HTTPConnection(target, timeout=60)
            try:
                connection.request(self.command, self.path, body or None, kept)
                reply = connection.getresponse()
                self._answer(reply, reply.read())
            finally:
                connection.close()

        def _answer(self, reply: http.client.HTTPResponse, body: bytes) -> None:
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                    self.send_header(name, value)
            length = reply.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            node, path = self.client_address[0], urlsplit(self.path).path
            is_meant = node != address and path.endswith(names) and reply.status < 300
            self._send(body, node, path) if is_meant else self.wfile.write(body)

        def _send(self, body: bytes, node: str, path: str) -> None:
            begins = store.begins.setdefault((node, path), [])
            begins.append(int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0]))
            half = len(body) // 2
            self._write(body[:half], node)
            if halfway(node, path, len(begins)):
                self.close_connection = True
                return
            self._write(body[half:], node)

        def _write(self, data: bytes, node: str) -> None:
            try:
                self.wfile.write(data)
                self.wfile.flush()
            except OSError:  # who asked is gone
                self.close_connection = True
                return
            store.sent[node] += len(data)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = _Server((address, 0), Handler)
    server.daemon_threads = True
    store = CuttingS3(f"http://{address}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
