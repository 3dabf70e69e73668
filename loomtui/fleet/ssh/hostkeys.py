"""Strict checking of SSH host keys against OpenSSH's known_hosts files.

Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". Patterns, negations, hashed names, `[host]:port`,
`@revoked` and `@cert-authority` are understood, which paramiko's own reader leaves out in part.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from loomtui.fleet.ssh.hostcerts import HostCertificate
from loomtui.fleet.ssh.localfiles import read_file

_WRITING = threading.Lock()


class Verdict(StrEnum):
    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"  # the host is known, by another key
    REVOKED = "revoked"
    INVALID = "invalid"  # a known authority has signed its certificate, which does not hold


@dataclass(frozen=True)
class KnownHost:
    """One line of a known_hosts file."""

    marker: str  # '', '@revoked', '@cert-authority'
    names: tuple[str, ...]
    key_type: str
    key: bytes
    where: str  # file:line

    def covers(self, host: str) -> bool:
        is_covered = False
        for name in self.names:
            if name.startswith("!") and fnmatch.fnmatchcase(host, _pattern(name[1:])):
                return False
            is_covered = is_covered or _same(name, host)
        return is_covered


def fingerprint(key: bytes) -> str:
    """The fingerprint as `ssh-keygen -l` prints it: SHA256 and base64 without padding."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")


def host_name(host: str, port: int) -> str:
    """How known_hosts names a host: in lower case, with the port if it is not 22."""
    host = host.lower()
    return host if port == 22 else f"[{host}]:{port}"


class KnownHosts:
    """The files as they are now. New keys go to the first one."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self.files = files

    def judge(self, host: str, port: int, key_type: str, key: bytes) -> tuple[Verdict, str]:
        """The verdict, and the file:line that it rests on ('' for an unknown host)."""
        for entry in self._about(host, port, "@revoked"):
            if entry.key == key:
                return Verdict.REVOKED, entry.where
        here = [entry for entry in self._covering(host_name(host, port)) if not entry.marker]
        # Like OpenSSH: a key that is known for the host without its port is good for the port too.
        bare = [entry for entry in self._covering(host.lower()) if not entry.marker]
        for entry in (*here, *bare):
            if (entry.key_type, entry.key) == (key_type, key):
                return Verdict.KNOWN, entry.where
        return (Verdict.CHANGED, here[0].where) if here else (Verdict.UNKNOWN, "")

    def judge_certificate(self, host: str, port: int, certificate: bytes) -> tuple[Verdict, str]:
        """The verdict, and what it rests on.

        UNKNOWN means that no known authority vouches, so the bare key counts.
        """
        try:
            shown = HostCertificate(certificate)
        except ValueError:
            return Verdict.UNKNOWN, ""
        authority = shown.authority
        for entry in self._about(host, port, "@revoked"):
            if entry.key == authority:
                return Verdict.REVOKED, entry.where
        known = next((e for e in self._about(host, port, "@cert-authority") if e.key == authority), None)
        if known is None:
            return Verdict.UNKNOWN, ""
        problem = shown.problem(host)
        return (Verdict.INVALID, f"{problem}; {known.where}") if problem else (Verdict.KNOWN, known.where)

    def has_authority(self, host: str, port: int) -> bool:
        """Whether the server is to be asked for a certificate."""
        return any(self._about(host, port, "@cert-authority"))

    def _about(self, host: str, port: int, marker: str) -> Iterator[KnownHost]:
        entries = (*self._covering(host_name(host, port)), *self._covering(host.lower()))
        return (entry for entry in dict.fromkeys(entries) if entry.marker == marker)

    def types(self, host: str, port: int) -> tuple[str, ...]:
        """The key types that the host is known by. The server is asked for these first."""
        entries = (*self._covering(host_name(host, port)), *self._covering(host.lower()))
        return tuple(dict.fromkeys(entry.key_type for entry in entries if not entry.marker))

    def add(self, host: str, port: int, key_type: str, key: bytes) -> None:
        """Appends the key to the first file, as a whole or not at all. Only the owner can read the file.

        Does nothing if there is no file to keep it in (`none`, /dev/null). Raises OSError.
        """
        if not self.files:
            return
        path = self.files[0].expanduser().resolve()  # a link into a folder of dotfiles stays a link
        if path.exists() and not path.is_file():
            return
        line = f"{host_name(host, port)} {key_type} {base64.b64encode(key).decode('ascii')}\n"
        with _WRITING:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = path.read_bytes() if path.exists() else b""
            if text and not text.endswith(b"\n"):
                text += b"\n"
            _replace(path, text + line.encode())

    def _covering(self, name: str) -> tuple[KnownHost, ...]:
        """The lines of all files that are about this name."""
        tables = (_table(path.expanduser()) for path in self.files)
        return tuple(entry for table in tables for entry in table.covering(name))


class _Table:
    """What one file held when it was read, and the lines that were looked up in it."""

    def __init__(self, stamp: tuple[int, ...], entries: tuple[KnownHost, ...]) -> None:
        self.stamp = stamp
        self._found: dict[str, tuple[KnownHost, ...]] = {}
        # Most lines are of one plain name. Whatever else there is has to be tried with every name.
        self._plain: dict[str, list[tuple[int, KnownHost]]] = {}
        self._others: list[tuple[int, KnownHost]] = []
        for place, entry in enumerate(entries):
            if any(_NOT_PLAIN.intersection(name) for name in entry.names):
                self._others.append((place, entry))
                continue
            for name in dict.fromkeys(map(str.lower, entry.names)):
                self._plain.setdefault(name, []).append((place, entry))

    def covering(self, name: str) -> tuple[KnownHost, ...]:
        """In the order of the file."""
        if name not in self._found:
            others = (each for each in self._others if each[1].covers(name))
            found = sorted((*self._plain.get(name, ()), *others), key=lambda each: each[0])
            self._found[name] = tuple(entry for _, entry in found)
        return self._found[name]


#: In patterns, negated ones and hashed ones. Brackets stand around a host with its port.
_NOT_PLAIN = frozenset("*?!|")
_TABLES: dict[Path, _Table] = {}


def _table(path: Path) -> _Table:
    """What the file holds now. It is read again if it was changed: each node asks several times."""
    try:
        status = path.stat()
    except OSError:
        return _Table((), ())  # absent: nobody is known by it
    stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
    known = _TABLES.get(path)
    if known is not None and known.stamp == stamp:
        return known
    try:
        text = read_file(path).decode("utf-8", "replace")
    except OSError:
        return _Table((), ())
    table = _TABLES[path] = _Table(stamp, tuple(parse(text, str(path))))
    return table


def parse(text: str, file: str) -> Iterator[KnownHost]:
    """The lines that hold a key; all others are passed over, as OpenSSH does."""
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        if len(fields) < 3:
            continue
        try:
            key = base64.b64decode(fields[2], validate=True)
        except ValueError:
            continue
        yield KnownHost(marker, tuple(fields[0].split(",")), fields[1], key, f"{file}:{number}")


def _same(name: str, host: str) -> bool:
    if name.startswith("|1|"):
        hashed = _hashed(name)
        return hashed is not None and hmac.digest(hashed[0], host.encode(), "sha1") == hashed[1]
    return fnmatch.fnmatchcase(host, _pattern(name.lower()))


@lru_cache(maxsize=100_000)
def _hashed(name: str) -> tuple[bytes, bytes] | None:
    """The salt and the digest of a hashed name, or None if it is none. Fact: `host_hash` of hostfile.c."""
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in name[3:].split("|"))
    except ValueError:
        return None
    return salt, digest


def _pattern(name: str) -> str:
    """OpenSSH knows `*` and `?` only; `[` is part of `[host]:port`."""
    return name.replace("[", "[[]")


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)  # mkstemp made it 0600
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
