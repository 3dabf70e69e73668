"""Whether a host key is on the list that RevokedHostKeys of ssh_config(5) names.

The list is a text with a public key a line, or a KRL (PROTOCOL.krl of OpenSSH), which `ssh-keygen` reads.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from paramiko import PKey

from loomtui.fleet.ssh.hostcerts import HostCertificate
from loomtui.fleet.ssh.localfiles import read_file

_KRL = b"SSHKRL\n\0"
_SECONDS = 15.0


def keys_behind(shown: PKey) -> tuple[bytes, ...]:
    """The key that a server shows, and of its certificate: itself, and the authority that has signed it.

    Any of them may be revoked (`sshkey_check_revoked` of authfile.c). Raises ValueError for a certificate
    that cannot be read.
    """
    certificate = getattr(shown, "public_blob", None)
    if certificate is None:
        return (shown.asbytes(),)
    blob: bytes = certificate.key_blob
    return shown.asbytes(), blob, HostCertificate(blob).authority


def revoked_in(file: Path, keys: Iterable[bytes]) -> str:
    """Where one of these keys is on the list (`file:line`, or the file), or '' if none is.

    Raises OSError if the list cannot be read, ValueError if nobody can tell.
    """
    content = read_file(file)
    if content.startswith(_KRL):
        return str(file) if any(_is_in_krl(file, key) for key in keys) else ""
    wanted = set(keys)
    for number, line in enumerate(content.splitlines(), 1):
        words = line.split()
        if words and not words[0].startswith(b"#") and _key_of(words, number) in wanted:
            return f"{file}:{number}"
    return ""


def _key_of(words: Sequence[bytes], number: int) -> bytes:
    """Raises ValueError for a line that is none: what it was to revoke, nobody knows."""
    with contextlib.suppress(binascii.Error):
        key = base64.b64decode(words[1]) if len(words) > 1 else b""
        if key and _kind(key) == words[0]:
            return key
    raise ValueError(f"line {number} is no public key")


def _kind(key: bytes) -> bytes:
    return key[4 : 4 + int.from_bytes(key[:4])]


def _is_in_krl(krl: Path, key: bytes) -> bool:
    """`ssh-keygen -Q` ends with 0 for a key that is not on the list, with 1 for one that is, else with 255.

    Raises OSError, ValueError.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        raise ValueError("it is in binary form (KRL), and there is no `ssh-keygen` to read it")
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder) / "host.pub"
        shown.write_bytes(_kind(key) + b" " + base64.b64encode(key) + b"\n")
        try:
            done = subprocess.run(
                [program, "-Q", "-f", krl, shown],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ValueError("`ssh-keygen` does not come to an end with it") from error
    if done.returncode not in (0, 1):
        raise ValueError("`ssh-keygen` cannot read it")
    return done.returncode == 1
