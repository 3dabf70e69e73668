"""A way to the practice S3 on which answers go wrong: for the operator and for the nodes alike."""

from __future__ import annotations

import http.client
import os
import socket
import struct
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.faults.cells import Fault

_CODES = {
    Fault.S3_403: (403, "AccessDenied", "Access Denied"),
    Fault.S3_404: (404, "NoSuchKey", "The specified key does not exist."),
    Fault.S3_500: (500, "InternalError", "We encountered an internal error. Please try again."),
    Fault.S3_503: (503, "SlowDown", "Please reduce your request rate."),
}
_OTHER_ETAG = '"00000000000000000000000000000bad"'
_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class S3Proxy:
    """Forwards everything to `endpoint` while `fault` is None."""

    def __init__(self, endpoint: str) -> None:
        self.fault: Fault | None = None
        self.struck = 0  # requests that the fault was given to
        self._target = urlsplit(endpoint).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

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

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        return Handler

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        fault = self.fault
        is_object = "/" in urlsplit(handler.path).path.strip("/")
        if fault is None or (fault is Fault.S3_OTHER and not is_object):
            _send(handler, *self._ask(handler))
            return
        self.struck += 1
        if fault in _CODES:
            status, code, message = _CODES[fault]
            _refuse(handler, status, code if is_object or status != 404 else "NoSuchBucket", message)
        elif fault is Fault.S3_OTHER:
            if handler.headers.get("If-Match"):
                _refuse(handler, 412, "PreconditionFailed", "At least one of the preconditions did not hold.")
                return
            status, headers, body = self._ask(handler)
            _send(handler, status, {**headers, "ETag": _OTHER_ETAG}, body[::-1])
        else:
            _reset_in_the_middle(handler, *self._ask(handler))

    def _ask(self, handler: BaseHTTPRequestHandler) -> tuple[int, Mapping[str, str], bytes]:
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.request(handler.command, handler.path, headers=dict(handler.headers.items()))
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()


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
