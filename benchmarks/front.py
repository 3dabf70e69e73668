"""An S3 endpoint in front of another one, that limits nobody, counts, and cuts connections where it is told.

    python -m benchmarks.front UPSTREAM FOLDER

Objects of a megabyte and more are copied into FOLDER once and sent from there by the kernel. All else is
asked of UPSTREAM. It only reads, and ends when its standard input closes. Prints its port; then it reads a
JSON line, the bytes at which the next downloads break, and answers with a line: how many bytes of large
objects it has sent since the last one.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlsplit

_LARGE = 1_000_000
_PIECE = 1024**2
_PASSED_ON = ("content-type", "etag", "last-modified", "content-range", "accept-ranges")


@dataclass(frozen=True)
class Front:
    """A running front, as a benchmark sees it."""

    url: str
    _process: subprocess.Popen[str] = field(repr=False, compare=False)

    def cut_at(self, places: Sequence[int]) -> int:
        """Breaks the next downloads, each at one of these bytes of its object.

        Gives the bytes of large objects that were sent since the last call.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(sorted(places)) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def sent(self) -> int:
        """The bytes of large objects that were sent since the last call."""
        return self.cut_at(())


@contextmanager
def front(upstream: str, folder: Path) -> Iterator[Front]:
    """In a process of its own, so that it does not take turns with anything that is measured."""
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.front", upstream, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Front(f"http://127.0.0.1:{int(process.stdout.readline())}", process)
        process.stdin.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, upstream: str, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.folder = folder
        self.lock = threading.Lock()
        self.copying = threading.Lock()
        self.cuts: deque[int] = deque()
        self.sent = 0

    def obey(self, line: str) -> int:
        with self.lock:
            self.cuts = deque(json.loads(line))
            sent, self.sent = self.sent, 0
        return sent

    def count(self, amount: int) -> None:
        with self.lock:
            self.sent += amount

    def cut_behind(self, first: int, end: int) -> int | None:
        """Where this download breaks, if it does."""
        with self.lock:
            if self.cuts and self.cuts[0] < end:
                return max(first, self.cuts.popleft())
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        self._pass_on("HEAD")

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path.strip("/").count("/") == 0:
            self._pass_on("GET")
            return
        about = self._ask("HEAD", place.path)
        about.read()
        size = int(about.headers.get("Content-Length") or 0)
        if about.status != 200 or size < _LARGE:
            self._pass_on("GET")
        else:
            self._give(about, place.path, size)

    def _ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.server.upstream)
        connection.request(method, path, headers=headers or {})
        return connection.getresponse()

    def _pass_on(self, method: str) -> None:
        wanted = ("Range", "If-Match", "If-None-Match", "Authorization", "x-amz-content-sha256", "x-amz-date")
        headers = {name: value for name in wanted if (value := self.headers.get(name))}
        answer = self._ask(method, self.path, headers)
        body = answer.read()
        self.send_response(answer.status)
        self._send_headers(answer)
        length = answer.headers.get("Content-Length") if method == "HEAD" else str(len(body))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(body)

    def _send_headers(self, answer: http.client.HTTPResponse) -> None:
        for name, value in answer.headers.items():
            if name.lower() in _PASSED_ON:
                self.send_header(name, value)

    def _give(self, about: http.client.HTTPResponse, path: str, size: int) -> None:
        etag = about.headers.get("ETag", "")
        wanted = self.headers.get("If-Match")
        if wanted and wanted.strip('"') != etag.strip('"'):
            self.send_error(412)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        first = int(asked[1]) if asked else 0
        end = min(size, int(asked[2]) + 1) if asked and asked[2] else size
        self.send_response(206 if asked else 200)
        self._send_headers(about)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{size}")
        self.send_header("Content-Length", str(end - first))
        self.end_headers()
        self.wfile.flush()
        cut = self.server.cut_behind(first, end)
        with self._copy(path, etag).open("rb") as file:
            self._send_file(file, first, end if cut is None else cut)
        if cut is not None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send_file(self, file: IO[bytes], first: int, end: int) -> None:
        """Counts each piece before it is sent: who has it all may ask for the number at once."""
        at = first
        while at < end:
            piece, done = min(_PIECE, end - at), 0
            self.server.count(piece)
            try:
                done = os.sendfile(self.connection.fileno(), file.fileno(), at, piece)
            except OSError:  # who asked is gone
                self.close_connection = True
                return
            finally:
                self.server.count(done - piece)
            at += done

    def _copy(self, path: str, etag: str) -> Path:
        copy = self.server.folder / hashlib.sha256(f"{path} {etag}".encode()).hexdigest()
        with self.server.copying:
            if not copy.exists():
                half = copy.with_suffix(".half")
                with half.open("wb") as file:
                    shutil.copyfileobj(self._ask("GET", path), file, _PIECE)
                half.rename(copy)
        return copy

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def _main(upstream: str, folder: str) -> None:
    server = _Server(upstream, Path(folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(cast(tuple[str, int], server.server_address)[1], flush=True)
    for line in sys.stdin:
        print(server.obey(line), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
