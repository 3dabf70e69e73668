"""Reads private keys in every form that OpenSSH reads: its own, PKCS#8 and PEM, plain and encrypted.

Facts: PROTOCOL.key of OpenSSH, RFC 7468 (PEM), RFC 5958 (PKCS#8); `sshkey_perm_ok` of authfile.c.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import os
import re
import shlex
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from paramiko import ECDSAKey, Ed25519Key, Message, PKey, RSAKey
from paramiko.ssh_exception import SSHException

from loomtui.fleet.ssh.localfiles import read_file

_LARGEST = 100_000  # bytes; an RSA key of 16384 bits has 13,000
_BLOCK = re.compile(rb"-----BEGIN (?P<label>[A-Z ]*PRIVATE KEY)-----\s.*?-----END (?P=label)-----", re.DOTALL)
_OPENSSH = b"OPENSSH PRIVATE KEY"
_OPENSSH_MAGIC = b"openssh-key-v1\0"
#: Those that `cryptography` can undo, and OpenSSH uses unless it is told otherwise.
_OPENSSH_CIPHERS = ("aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com")
_FOREIGN_FORM = "its form is one that loomtui cannot read"
_SSH2 = b"---- BEGIN SSH2 "  # RFC 4716, of ssh.com
_PUTTY = b"PuTTY-User-Key-File-"
_PUBLIC = re.compile(rb"(?:sk-)?(?:ssh|ecdsa)-[!-~]+ (?P<blob>[A-Za-z0-9+/=]+)(?:\s|$)")
_OPEN_TO_OTHERS = 0o077


class LockedError(Exception):
    """The key is encrypted, and there was no passphrase or a wrong one."""


class KeyUnusableError(Exception):
    """Says why, and what mends it."""


@dataclass(frozen=True)
class KeyFile:
    """A private key as it lies in its file. `public` is its public key if no passphrase hides it."""

    path: Path
    block: bytes
    is_openssh: bool
    is_locked: bool
    public: bytes | None = None

    @classmethod
    def read(cls, path: Path) -> KeyFile:
        """Raises OSError, KeyUnusableError."""
        content = read_file(path, _LARGEST)
        match = _BLOCK.search(content)
        if match is None:
            raise KeyUnusableError(_what_else(path, content))
        _check_mode(path)
        label, block = match["label"], match[0] + b"\n"
        if label == _OPENSSH:
            cipher, public = _openssh_header(path, block)
            file = cls(path, block, True, cipher != "none", public)
        else:
            file = cls(path, block, False, label.startswith(b"ENCRYPTED") or _has_locked_header(block))
        if file.is_locked:
            file._refuse_cipher()
        return file

    def key(self, passphrase: str | None) -> PKey:
        """Raises LockedError, KeyUnusableError."""
        if self.is_locked and passphrase is None:
            raise LockedError
        if self.public is not None and _kind(self.public).startswith(b"sk-"):
            raise KeyUnusableError(
                f"a security key has its private half; `ssh-add {_quoted(self.path)}` lets the agent use it"
            )
        password = passphrase.encode("utf-8", "surrogateescape") if self.is_locked and passphrase else None
        try:
            return _opened(self.block, password, is_openssh=self.is_openssh)
        except UnsupportedAlgorithm as error:
            raise self._unusable(_FOREIGN_FORM) from error
        except (ValueError, TypeError, SSHException) as error:
            if self.is_locked:
                raise LockedError from error
            raise self._unusable("it cannot be read as a private key") from error

    def _refuse_cipher(self) -> None:
        """Raises KeyUnusableError for a cipher that cannot be undone, before a passphrase is asked for."""
        if self.is_openssh:
            if _openssh_header(self.path, self.block)[0] not in _OPENSSH_CIPHERS:
                raise self._unusable(_FOREIGN_FORM)
            return
        try:
            load_pem_private_key(self.block, b"none")
        except UnsupportedAlgorithm as error:
            raise self._unusable(_FOREIGN_FORM) from error
        except (ValueError, TypeError):
            return  # of course it is not the passphrase

    def _unusable(self, why: str) -> KeyUnusableError:
        return KeyUnusableError(f"{why}; `ssh-keygen -p -f {_quoted(self.path)}` writes it in one that works")


def public_blob(path: Path) -> bytes | None:
    """The public key that a file holds, as it travels; None if it holds none that is in clear text."""
    with contextlib.suppress(OSError, KeyUnusableError, binascii.Error):
        content = read_file(path, _LARGEST)
        match = _PUBLIC.match(content.lstrip())
        if match:
            return base64.b64decode(match["blob"], validate=True)
        block = _BLOCK.search(content)
        if block and block["label"] == _OPENSSH:
            return _openssh_header(path, block[0])[1]
    return None


@lru_cache(maxsize=16)
def _opened(block: bytes, password: bytes | None, *, is_openssh: bool) -> PKey:
    """The key, made once for all nodes: the passphrase of one key costs a tenth of a second each time."""
    load = load_ssh_private_key if is_openssh else load_pem_private_key
    return _for_paramiko(load(block, password))


def _check_mode(path: Path) -> None:
    status = path.stat()
    if status.st_uid == os.getuid() and status.st_mode & _OPEN_TO_OTHERS:
        raise KeyUnusableError(
            f"others may read it, so it is not used, as by `ssh`; `chmod 600 {_quoted(path)}` mends that"
        )


def _what_else(path: Path, content: bytes) -> str:
    if _PUBLIC.match(content.lstrip()):
        return "it is a public key, and the agent does not hold its private half"
    if content.startswith(_PUTTY):
        return (
            f"it is one of PuTTY; `puttygen {_quoted(path)} -O private-openssh -o NEW` makes one that works"
        )
    if content.startswith(_SSH2):
        return f"it is one of ssh.com; `ssh-keygen -i -f {_quoted(path)} > NEW` makes one that works"
    return "it holds no private key"


def _openssh_header(path: Path, block: bytes) -> tuple[str, bytes]:
    """The cipher and the public key, which are never encrypted. Raises KeyUnusableError."""
    try:
        data = base64.b64decode(b"".join(block.split(b"\n")[1:-1]).split(b"-----")[0])
        if not data.startswith(_OPENSSH_MAGIC):
            raise ValueError
        message = Message(data[len(_OPENSSH_MAGIC) :])
        cipher = message.get_text()
        message.get_binary()  # how a passphrase becomes a key
        message.get_binary()
        if message.get_int() != 1:
            raise ValueError
        return cipher, message.get_binary()
    except (ValueError, IndexError, OverflowError) as error:
        raise KeyUnusableError(
            f"it is damaged; make it again, or see what `ssh-keygen -y -f {_quoted(path)}` says"
        ) from error


def _has_locked_header(block: bytes) -> bool:
    """As older forms of PEM have it (RFC 1421, section 4.6.1.1)."""
    return any(line.startswith(b"Proc-Type:") and b"ENCRYPTED" in line for line in block.splitlines())


def _kind(public: bytes) -> bytes:
    return bytes(Message(public).get_string())


def _for_paramiko(key: object) -> PKey:
    """Raises UnsupportedAlgorithm for a kind of key that SSH clients no longer use, or never did."""
    match key:
        case rsa.RSAPrivateKey():
            return RSAKey(key=key)
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1() | ec.SECP384R1() | ec.SECP521R1()):
            return ECDSAKey(vals=(key, key.public_key()))
        case ed25519.Ed25519PrivateKey():
            # It is made from its file's text only; this one is never written.
            text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")
            return Ed25519Key(file_obj=io.StringIO(text))
        case _:
            raise KeyUnusableError(
                "it is neither RSA nor ECDSA nor Ed25519; `ssh-keygen -t ed25519` makes a new one"
            )


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
