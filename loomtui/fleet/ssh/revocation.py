"""Whether a host key is on the list that RevokedHostKeys of ssh_config(5) names.

The list is a text with a public key a line, or a KRL (PROTOCOL.krl of OpenSSH), which `ssh-keygen` reads.
"""

from __future__ import annotations

import base64
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

_KRL = b"SSHKRL\n\0"
_SECONDS = 15.0


def revoked_in(file: Path, keys: Iterable[bytes]) -> str:
    """Where one of these keys is on the list (`file:line`, or the file), or '' if none is.

    Raises OSError if the list cannot be read, ValueError if nobody can tell.
    """
    content = file.read_bytes()
    if content.startswith(_KRL):
        return str(file) if any(_is_in_krl(file, key) for key in keys) else ""
    wanted = set(keys)
    for number, line in enumerate(content.splitlines(), 1):
        for word in line.split()[:2]:
            with contextlib.suppress(ValueError):
                if base64.b64decode(word, validate=True) in wanted:
                    return f"{file}:{number}"
    return ""


def _is_in_krl(krl: Path, key: bytes) -> bool:
    """`ssh-keygen -Q` ends with 0 for a key that is not on the list, with 1 for one that is, else with 255.

    Raises OSError, ValueError.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        raise ValueError("it is in binary form (KRL), and there is no `ssh-keygen` to read it")
    kind = key[4 : 4 + int.from_bytes(key[:4])]
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder) / "host.pub"
        shown.write_bytes(kind + b" " + base64.b64encode(key) + b"\n")
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
