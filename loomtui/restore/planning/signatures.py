"""Signatures of plan files: `ssh-keygen -Y`, and the form of what it makes (PROTOCOL.sshsig of OpenSSH)."""

from __future__ import annotations

import base64
import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from loomtui.errors import LoomtuiError
from loomtui.programs import run_at_terminal, run_program
from loomtui.text import clean_line

#: What a signature is for: one that was made for something else does not count.
NAMESPACE = "loomtui-plan"

_PROGRAM = "ssh-keygen"
_SECONDS = 30.0
_PATIENCE_SECONDS = 300.0  # of a person who is asked for a passphrase
_TOOL = "Install OpenSSH 8.2 or later here."
_ARMOUR = re.compile(rb"\s*-----BEGIN SSH SIGNATURE-----\s(.+?)-----END SSH SIGNATURE-----\s*", re.DOTALL)
_MAGIC = b"SSHSIG"
_LENGTH = 4  # bytes of a number


class SignatureToolError(Exception):
    """`ssh-keygen` cannot be started, or did not end."""


@dataclass(frozen=True)
class Key:
    """A public key as it travels."""

    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` writes it."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip('=')}"

    @property
    def line(self) -> str:
        """As a .pub file has it."""
        kind = self.blob[_LENGTH : _LENGTH + int.from_bytes(self.blob[:_LENGTH], "big")]
        return f"{kind.decode('ascii')} {base64.b64encode(self.blob).decode()}"


def key_of(signature: bytes) -> Key:
    """The key that a signature says it was made with. Raises ValueError: it is none."""
    match = _ARMOUR.fullmatch(signature)
    if match is None:
        raise ValueError("it is no SSH signature")
    data = base64.b64decode(b"".join(match[1].split()), validate=True)
    start = len(_MAGIC) + _LENGTH  # of the version
    blob = data[start + _LENGTH : start + _LENGTH + int.from_bytes(data[start : start + _LENGTH], "big")]
    if not data.startswith(_MAGIC) or not blob:
        raise ValueError("it is no SSH signature")
    return Key(blob)


def why_not_good(text: bytes, signature: bytes, name: str, key: Key) -> str:
    """Why this is no signature of `text` by that key, in words; empty: it is one.

    Blocks. Raises SignatureToolError.
    """
    with tempfile.TemporaryDirectory(prefix="loomtui-") as folder:
        allowed, beside = Path(folder) / "allowed", Path(folder) / "signature"
        allowed.write_text(f'{name} namespaces="{NAMESPACE}" {key.line}\n', encoding="ascii")
        beside.write_bytes(signature)
        words = [_PROGRAM, "-Y", "verify", "-f", str(allowed), "-I", name, "-n", NAMESPACE, "-s", str(beside)]
        try:
            ended = run_program(words, _SECONDS, stdin=text)
        except (OSError, ValueError) as error:
            raise SignatureToolError(_not_started(error)) from error
    if ended.status is None:
        raise SignatureToolError(f"{_PROGRAM} was ended: it took more than {_SECONDS:g} s")
    if ended.status == 0:
        return ""
    return clean_line(ended.complained, limit=200) or f"{_PROGRAM} ended with status {ended.status}"


def made_signature(text: bytes, key: Key, private: Path | None, *, asks: bool) -> bytes:
    """The signature of `text`. `private` None: the SSH agent has the key.

    `asks`: for a passphrase, or for a touch. Blocks. Raises LoomtuiError.
    """
    with tempfile.TemporaryDirectory(prefix="loomtui-") as folder:
        copy, public = Path(folder) / "plan", Path(folder) / "key.pub"
        copy.write_bytes(text)
        public.write_text(f"{key.line}\n", encoding="ascii")
        words = [_PROGRAM, "-Y", "sign", "-f", str(private or public), "-n", NAMESPACE, str(copy)]
        try:
            status, said = _signed(words, asks=asks)
            made = copy.with_name("plan.sig").read_bytes() if status == 0 else b""
        except (OSError, ValueError) as error:
            raise LoomtuiError(f"the plan cannot be signed: {_not_started(error)}", advice=_TOOL) from error
    if status is None:
        raise LoomtuiError(f"the plan is not signed: {_PROGRAM} was ended, for it took too long.")
    if not made:
        raise LoomtuiError(
            f"the plan is not signed: {_PROGRAM} ended with status {status}{f': {said}' if said else ''}",
            advice="Let your agent hold the key (ssh-add FILE), or sign at a terminal, which can ask you.",
        )
    return made


def _signed(words: list[str], *, asks: bool) -> tuple[int | None, str]:
    if asks:
        return run_at_terminal(words, _PATIENCE_SECONDS), ""
    ended = run_program(words, _SECONDS)
    return ended.status, clean_line(ended.complained, limit=200)


def _not_started(error: OSError | ValueError) -> str:
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f"{_PROGRAM} cannot be started: {clean_line(why, limit=120)}"
