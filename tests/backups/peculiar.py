"""An S3 endpoint before another one, with what some stores and proxies do differently."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}
KMS_SAID = (
    "User: arn:aws:iam::111122223333:user/oncall is not authorized to perform: kms:Decrypt on resource: "
    "arn:aws:kms:eu-central-1:111122223333:key/0000-1111 because no identity-based policy allows the "
    "kms:Decrypt action"
)


@dataclass(frozen=True)
class Refusal:
    status: int
    code: str
    said: str = ""
    also_head: bool = False  # a HEAD has the status alone


KMS_DENIED = Refusal(403, "AccessDenied", KMS_SAID)


@dataclass
class Peculiar:
    """What is done differently; all of it can be changed while it serves."""

    endpoint: str
    refusals: dict[str, Refusal] = field(default_factory=dict)  # part of a path -> what its GET gets
    if_match: Refusal | None = None  # what every If-Match gets
    etag: Callable[[str], str] = str  # how it writes the ETags of answers
    gives_times: bool = True  # Last-Modified, in the answers about one object
    is_range_known: bool = True
    is_token_known: bool = True  # `list-type=2`, and with it the token of the next page
    refuses_head: bool = False
    cut_after: dict[str, int] = field(default_factory=dict)  # part of a path -> bytes until the line breaks
    cuts: int = 1_000  # how often
    silent: dict[str, threading.Event] = field(default_factory=dict)  # part of a path -> what is waited for
    bucket_in_host: str = ""  # refuses paths that begin with this bucket
    knows_conditional_puts: bool = True  # If-None-Match and If-Match of a PUT
    lost_puts: Mapping[str, Refusal] = field(default_factory=dict)  # part of a path -> what its PUT gets
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)  # method, path, headers
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append((handler.command, handler.path, dict(handler.headers.items())))
        refusal = Refusal(403, "") if self._is_refused_head(handler) else self._refusal(handler)
        if refusal is not None:
            _refuse(handler, refusal)
            return
        for part, event in self.silent.items():
            if part in handler.path:
                event.wait(30)
        status, headers, body = self._ask(handler)
        if "ETag" in headers:
            headers["ETag"] = self.etag(headers["ETag"])
        if not self.gives_times:
            headers = {name: value for name, value in headers.items() if name.lower() != "last-modified"}
        _send(handler, status, headers, body, cut=self._cut(handler))

    def _is_refused_head(self, handler: BaseHTTPRequestHandler) -> bool:
        return self.refuses_head and handler.command == "HEAD"

    def _cut(self, handler: BaseHTTPRequestHandler) -> int | None:
        cut = next((at for part, at in self.cut_after.items() if part in handler.path), None)
        if cut is None or handler.command == "HEAD" or self.cuts == 0:
            return None
        self.cuts -= 1
        return cut

    def _refusal(self, handler: BaseHTTPRequestHandler) -> Refusal | None:
        path, host = urlsplit(handler.path).path, handler.headers.get("Host", "")
        if self.bucket_in_host and not host.startswith(f"{self.bucket_in_host}."):
            return Refusal(403, "SecondLevelDomainForbidden", "Please use virtual hosted style to access.")
        if handler.command == "PUT":
            return self._put_refusal(handler, path)
        for part, refusal in self.refusals.items():
            if part in path and (handler.command == "GET" or refusal.also_head):
                return refusal
        return self.if_match if handler.headers.get("If-Match") else None

    def _put_refusal(self, handler: BaseHTTPRequestHandler, path: str) -> Refusal | None:
        is_conditional = handler.headers.get("If-None-Match") or handler.headers.get("If-Match")
        if is_conditional and not self.knows_conditional_puts:
            return Refusal(501, "NotImplemented", "A header is not known")
        return next((refusal for part, refusal in self.lost_puts.items() if part in path), None)

    def _ask(self, handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "host"}
        path = handler.path
        if self.bucket_in_host:
            path = f"/{self.bucket_in_host}{path}"
        if not self.is_range_known:
            headers.pop("Range", None)
        if not self.is_token_known:
            address = urlsplit(path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            query.pop("list-type", None)
            path = f"{address.path}?{urlencode(query)}"
        connection = http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=60)
        try:
            body = handler.rfile.read(int(headers.get("Content-Length", 0)))
            connection.request(handler.command, path, body or None, headers)
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()


@contextmanager
def peculiar(endpoint: str) -> Iterator[Peculiar]:
    """Serves on loopback; `url` says where."""
    store = Peculiar(endpoint)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            store.answer(self)

        def do_HEAD(self) -> None:
            store.answer(self)

        def do_PUT(self) -> None:
            store.answer(self)

        def do_DELETE(self) -> None:
            store.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

        def handle(self) -> None:
            with suppress(OSError):  # the client went away
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        for event in store.silent.values():
            event.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _refuse(handler: BaseHTTPRequestHandler, refusal: Refusal) -> None:
    body = f"<Error><Code>{refusal.code}</Code><Message>{refusal.said}</Message></Error>".encode()
    _send(handler, refusal.status, {"Content-Type": "application/xml"}, body, cut=None)


def _send(
    handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: bytes, *, cut: int | None
) -> None:
    length = {name.lower(): value for name, value in headers.items()}.get("content-length")
    handler.send_response(status)
    for name, value in headers.items():
        if name.lower() not in _HOP_BY_HOP:
            handler.send_header(name, value)
    is_head = handler.command == "HEAD"
    handler.send_header("Content-Length", (length or "0") if is_head else str(len(body)))
    handler.end_headers()
    if not is_head:
        handler.wfile.write(body if cut is None else body[:cut])
    if cut is not None:
        handler.close_connection = True
