"""Host certificates: an authority of known_hosts vouches for a host key.

Format: PROTOCOL.certkeys of OpenSSH.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

from loomtui.text import clean_line


class HostCertificate:
    """What a server showed as its host key. Raises ValueError if it cannot be read."""

    def __init__(self, blob: bytes) -> None:
        kind = blob[4 : 4 + int.from_bytes(blob[:4])]
        try:
            read = load_ssh_public_identity(kind + b" " + base64.b64encode(blob))
        except (UnsupportedAlgorithm, IndexError, OverflowError) as error:
            raise ValueError(str(error)) from error
        if not isinstance(read, SSHCertificate):
            raise ValueError("no certificate")
        self._read = read
        signer = read.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        self.authority = base64.b64decode(signer.split()[1])  # the key that has signed it

    def problem(self, host: str, now: Callable[[], float] = time.time) -> str:
        """Why it does not vouch for this host at this time, or '' if it does. The authority is not judged."""
        names = [clean_line(name, limit=100) for name in self._read.valid_principals]
        if self._read.type is not SSHCertificateType.HOST:
            return "is one for users"
        if self._read.critical_options:
            return "has conditions that are not known here"
        if host.lower() not in (name.lower() for name in names):
            return f"is for {', '.join(names[:5]) or 'no host at all'}"
        if now() < self._read.valid_after:
            return "is not valid yet"
        if now() >= self._read.valid_before:
            return "has expired"
        try:
            self._read.verify_cert_signature()
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            return "is not signed by the authority that it names"
        return ""
