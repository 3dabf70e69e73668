"""What a server shows as its certificate is hostile until an authority vouches for it."""

from __future__ import annotations

import base64
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import SSHCertificateBuilder, SSHCertificateType
from hypothesis import given
from hypothesis import strategies as st

from loomtui.fleet.ssh.hostcerts import HostCertificate

AUTHORITY = Ed25519PrivateKey.from_private_bytes(bytes(32))
HOST = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
_FOR_EVER = 2**64 - 1


def certificate(
    *names: bytes,
    kind: SSHCertificateType = SSHCertificateType.HOST,
    after: int = 0,
    before: int = _FOR_EVER,
    condition: bytes = b"",
) -> bytes:
    builder = (
        SSHCertificateBuilder()
        .public_key(HOST.public_key())
        .serial(1)
        .type(kind)
        .key_id(b"host")
        .valid_after(after)
        .valid_before(before)
    )
    builder = builder.valid_principals(list(names)) if names else _for_all(builder)
    if condition:
        builder = builder.add_critical_option(condition, b"")
    return base64.b64decode(builder.sign(AUTHORITY).public_bytes().split()[1])


def _for_all(builder: SSHCertificateBuilder) -> SSHCertificateBuilder:
    made: SSHCertificateBuilder = builder.valid_for_all_principals()  # type: ignore[no-untyped-call]
    return made


GOOD = certificate(b"node", b"10.0.0.1")


@pytest.mark.parametrize(
    ("shown", "host", "problem"),
    [
        (GOOD, "node", ""),
        (GOOD, "NODE", ""),
        (GOOD, "10.0.0.1", ""),
        (GOOD, "10.0.0.2", "is for node, 10.0.0.1"),
        (certificate(b"no\x1b[2Jde"), "node2", "is for node"),
        (certificate(), "node", "is for no host at all"),
        (certificate(b"*"), "node", "is for *"),
        (certificate(b"node", kind=SSHCertificateType.USER), "node", "is one for users"),
        (certificate(b"node", condition=b"force"), "node", "has conditions that are not known here"),
        (certificate(b"node", after=2_000), "node", "is not valid yet"),
        (certificate(b"node", before=1_000), "node", "has expired"),
        (certificate(b"node", after=1_000, before=1_001), "node", ""),
    ],
)
def test_what_a_certificate_vouches_for(shown: bytes, host: str, problem: str) -> None:
    assert HostCertificate(shown).problem(host, lambda: 1_000) == problem


def test_certificate_that_was_changed_after_it_was_signed() -> None:
    shown = HostCertificate(GOOD.replace(b"node", b"evil"))
    assert shown.problem("evil") == "is not signed by the authority that it names"


def readable(data: bytes) -> bool:
    try:
        HostCertificate(data)
    except ValueError:
        return False
    return True


@given(st.binary(max_size=200))
def test_what_is_no_certificate(data: bytes) -> None:
    assert not readable(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_byte_of_it_can_be_changed(at: int, by: int) -> None:
    changed = bytearray(GOOD)
    changed[at] ^= by
    try:
        shown = HostCertificate(bytes(changed))
    except ValueError:
        return
    assert shown.problem("node", time.time)


@given(st.integers(0, len(GOOD) - 1))
def test_certificate_that_is_cut_off(length: int) -> None:
    assert not readable(GOOD[:length])
