"""`curl` and `wget` on a host that lacks them, as far as a restore uses them. First argument: which."""

from __future__ import annotations

import re
import shutil
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

_FLAGS = frozenset("sSfLgkO")
_REFUSED, _CUT, _TIMEOUT, _HTTP, _USAGE = 7, 18, 28, 22, 2


@dataclass
class Request:
    url: str = ""
    urls: list[str] = field(default_factory=list)  # all of a command line
    output: str = "-"
    headers: list[str] = field(default_factory=list)
    seconds: float = 300.0
    fail: bool = False
    fail_early: bool = False
    write_out: str = ""
    span: str = ""


def main(kind: str, arguments: list[str]) -> int:
    if "--version" in arguments or "-V" in arguments:
        sys.stdout.write("curl 7.88.1 (practice)\n" if kind == "curl" else "GNU Wget 1.21.3 (practice)\n")
        return 0
    request = Request(fail=kind == "wget")
    try:
        (_read_curl if kind == "curl" else _read_wget)(request, arguments)
    except (ValueError, IndexError, OSError) as error:
        sys.stderr.write(f"{kind}: {error}\n")
        return _USAGE
    status = 0
    for url in request.urls or [request.url]:
        request.url = url
        status = _fetch(kind, request)
        sys.stdout.flush()
        if status and request.fail_early:
            break
    return status


def _read_curl(request: Request, arguments: list[str]) -> None:
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if re.fullmatch(r"-[a-zA-Z]{2,}", word) and word[1] in _FLAGS:
            rest.insert(0, f"-{word[2:]}")
            word = word[:2]
        elif re.match(r"-[a-zA-Z].", word):
            rest.insert(0, word[2:])
            word = word[:2]
        if word in ("-K", "--config"):
            _read_config(request, rest.pop(0))
        elif word.startswith("-"):
            _set(request, word.lstrip("-"), rest)
        else:
            request.urls.append(word)


def _read_config(request: Request, name: str) -> None:
    text = sys.stdin.read() if name == "-" else open(name, encoding="utf-8").read()  # noqa: PTH123, SIM115
    for line in text.splitlines():
        match = re.match(r'\s*-*([\w-]+)\s*[=:\s]?\s*(?:"((?:[^"\\]|\\.)*)"|(\S*))\s*$', line)
        if match and not line.lstrip().startswith("#"):
            value = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
            _set(request, match[1], [value] if value else [])


def _set(request: Request, name: str, rest: list[str]) -> None:
    if name == "url":
        request.url = rest.pop(0)
    elif name in ("o", "output"):
        request.output = rest.pop(0)
    elif name in ("H", "header"):
        request.headers.append(rest.pop(0))
    elif name in ("m", "max-time"):
        request.seconds = float(rest.pop(0))
    elif name in ("r", "range"):
        request.span = rest.pop(0)
    elif name in ("w", "write-out"):
        request.write_out = rest.pop(0)
    elif name in ("f", "fail"):
        request.fail = True
    elif name == "fail-early":
        request.fail_early = True
    elif name in (
        "connect-timeout",
        "retry",
        "retry-delay",
        "retry-max-time",
        "noproxy",
        "speed-time",
        "speed-limit",
        "proto",
        "max-filesize",
    ):
        rest.pop(0)
    elif name not in (
        "s",
        "silent",
        "S",
        "show-error",
        "L",
        "location",
        "g",
        "globoff",
        "retry-connrefused",
        "no-progress-meter",
        "q",
        "k",
    ):
        raise ValueError(f"option {name}: is unknown")


def _read_wget(request: Request, arguments: list[str]) -> None:
    rest = list(arguments)
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if word in ("-O", "--output-document", "-qO"):
            request.output = value or rest.pop(0)
        elif word in ("-qO-", "-O-"):
            request.output = "-"
        elif word == "--header":
            request.headers.append(value or rest.pop(0))
        elif word in ("-T", "--timeout"):
            request.seconds = float(value or rest.pop(0))
        elif word in ("-i", "--input-file"):
            name = value or rest.pop(0)
            request.url = (sys.stdin.read() if name == "-" else open(name, encoding="utf-8").read()).strip()  # noqa: PTH123, SIM115
        elif word in ("-t", "--tries"):
            _ = value or rest.pop(0)
        elif not word.startswith("-"):
            request.url = word + equals + value


def _fetch(kind: str, request: Request) -> int:
    if not request.url.startswith(("http://", "https://")):
        sys.stderr.write(f"{kind}: (3) URL rejected\n")
        return 3
    upstream_request = urllib.request.Request(request.url)  # noqa: S310
    for header in request.headers:
        name, _, value = header.partition(":")
        upstream_request.add_header(name.strip(), value.strip())
    if request.span:
        upstream_request.add_header("Range", f"bytes={request.span}")
    try:
        with urllib.request.urlopen(upstream_request, timeout=request.seconds) as reply:  # noqa: S310
            _save(reply, request, reply.status)
            if reply.length:
                message = f"transfer closed with {reply.length} bytes remaining to read"
                return _complain(kind, request, message, _CUT)
        return 0
    except urllib.error.HTTPError as error:
        if not request.fail:
            _save(error, request, error.code)
            return 0
        return _complain(kind, request, f"The requested URL returned error: {error.code}", _HTTP)
    except TimeoutError:
        return _complain(kind, request, "Operation timed out", _TIMEOUT)
    except OSError as error:
        slow = "timed out" in str(error)
        return _complain(kind, request, f"Failed to connect: {error}", _TIMEOUT if slow else _REFUSED)


def _save(reply: Any, request: Request, status: int) -> None:
    if request.output == "-":
        shutil.copyfileobj(reply, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        with open(request.output, "wb") as file:  # noqa: PTH123
            shutil.copyfileobj(reply, file)
    if request.write_out:
        sys.stdout.write(request.write_out.replace("%{http_code}", str(status)).replace("\\n", "\n"))


def _complain(kind: str, request: Request, message: str, status: int) -> int:
    sys.stderr.write(f"{kind}: ({status}) {message}\n")
    if request.write_out:
        sys.stdout.write(request.write_out.replace("%{http_code}", "000").replace("\\n", "\n"))
    return status if kind == "curl" else {_HTTP: 8}.get(status, 4)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except BrokenPipeError:
        sys.exit(23)
