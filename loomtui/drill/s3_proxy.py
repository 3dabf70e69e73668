"""A way to the practice S3 on which answers go wrong: for the operator and for the nodes alike."""

from __future__ import annotations

import http.client
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from loomtui.drill.scenarios.deeds import StoreTrouble

_CODES = {
    StoreTrouble.DENIED: (403, "AccessDenied", "Access Denied"),
    StoreTrouble.MISSING: (404, "NoSuchKey", "The specified key does not exist."),
    StoreTrouble.ERROR: (500, "InternalError", "We encountered an internal error. Please try again."),
    StoreTrouble.SLOW_DOWN: (503, "SlowDown", "Please reduce your request rate."),
}
_SLOW_SECONDS = 2.0
_OTHER_ETAG = '"00000000000000000000000000000bad"'
_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: whoever asks is killed on purpose."""


class S3Proxy:
    """Forwards everything to `endpoint` while there is no trouble. `address`: where it listens."""

    def __init__(self, endpoint: str, address: str = "127.0.0.1") -> None:
        self.trouble = StoreTrouble.NONE
        self.struck = 0  # requests that the trouble was given to
        self.watch: Callable[[str, str], None] | None = None  # told of each request: method and path
        self._target = urlsplit(endpoint).netloc
        self._server = _Server((address, 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy.answer(self)

            def do_HEAD(self) -> None:
                proxy.answer(self)

            def do_PUT(self) -> None:
                proxy.answer(self)

            def do_POST(self) -> None:
                proxy.answer(self)

            def do_DELETE(self) -> None:
                proxy.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        return Handler

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self.watch is not None:
            self.watch(handler.command, urlsplit(handler.path).path)
        trouble, body = self.trouble, _body_of(handler)
        is_object = "/" in urlsplit(handler.path).path.strip("/")
        if trouble is StoreTrouble.NONE or (trouble is StoreTrouble.OTHER and not is_object):
            _send(handler, *self._ask(handler, body))
            return
        self.struck += 1
        if trouble is StoreTrouble.SLOW:
            time.sleep(_SLOW_SECONDS)
            _send(handler, *self._ask(handler, body))
        elif trouble in _CODES:
            status, code, message = _CODES[trouble]
            _refuse(handler, status, code if is_object or status != 404 else "NoSuchBucket", message)
        elif trouble is StoreTrouble.OTHER:
            if handler.headers.get("If-Match"):
                _refuse(handler, 412, "PreconditionFailed", "At least one of the preconditions did not hold.")
                return
            status, headers, answer = self._ask(handler, body)
            _send(handler, status, {**headers, "ETag": _OTHER_ETAG}, answer[::-1])
        else:
            _reset_in_the_middle(handler, *self._ask(handler, body))

    def _ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            headers = {name: value for name, value in handler.headers.items() if name.lower() != "expect"}
            connection.request(handler.command, handler.path, body or None, headers)
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()


def _body_of(handler: BaseHTTPRequestHandler) -> bytes:
    return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))


def _refuse(handler: BaseHTTPRequestHandler, status: int, code: str, message: str) -> None:
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    _send(handler, status, {"Content-Type": "application/xml"}, body.encode())


def _send(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: bytes) -> None:
    length = {name.lower(): value for name, value in headers.items()}.get("content-length")
    handler.send_response(status)
    for name, value in headers.items():
        if name.lower() not in _HOP_BY_HOP:
            handler.send_header(name, value)
    handler.send_header("Content-Length", (length or "0") if handler.command == "HEAD" else str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def _reset_in_the_middle(
    handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: bytes
) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        if name.lower() not in _HOP_BY_HOP:
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body) + 1))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    linger = struct.pack("ii", 1, 0)  # closing sends a reset
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    os.close(handler.connection.detach())
