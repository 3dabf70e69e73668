"""What an object is that begins with none of the forms that loomtui reads, so that its refusal can say so.

Sources: the framing is that of Signature Version 4 for streams (aws-chunked); lz4's magic numbers are in its
frame format, OpenPGP's packets in RFC 4880 sections 4.2 and 5.1, age's header in its specification,
`Salted__` in OpenSSL's enc(1), the others in file(1)'s magic.
"""

from __future__ import annotations

import re

#: Bytes of an archive, or of a web page, are none of these: each has a sign of its own.
_PACKED = (
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x02\x21\x4c\x18", "lz4 (legacy)"),
    (b"\x89LZO\x00", "lzop"),
    (b"LZIP", "lzip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"Rar!", "RAR"),
    (b"\x1f\x9d", "compress (.Z)"),
    (b"\x5d\x00\x00", "lzma"),
    (b"\xff\x06\x00\x00sNaPpY", "snappy"),
    (b"0707", "cpio"),
)
_ENCRYPTED = (
    (b"Salted__", "OpenSSL"),
    (b"age-encryption.org/", "age"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "age"),
    (b"-----BEGIN PGP MESSAGE-----", "GnuPG"),
    (b"-----BEGIN PKCS7-----", "OpenSSL"),
    (b"LUKS\xba\xbe", "LUKS"),
    (b"BORG", "Borg"),
)
_TEXTS = (b"<!doctype", b"<html", b"<?xml", b"<error", b"{")
#: A chunk's header: its length in hex, then its signature, which streams with a checksum behind them lack.
_SIGNED_CHUNK = re.compile(rb"[0-9a-fA-F]{1,16};chunk-signature=[0-9a-fA-F]{1,128}\r\n")
_CHUNK = re.compile(rb"[0-9a-fA-F]{1,16}\r\n")

_UNPACK = "Store it again as tar, with or without bzip2, gzip, xz or Zstandard; or choose another backup."
_DECRYPT = "Decrypt it and store it again; or choose another backup."
_UPLOAD = "Upload it again with a newer uploader, or choose another backup."


def behind_framing(head: bytes) -> bytes | None:
    """What the frame of an upload holds, where the body begins with one; None where it does not.

    The frame without a signature could begin anything: whoever asks looks at what it holds.
    """
    match = _SIGNED_CHUNK.match(head) or _CHUNK.match(head)
    return head[match.end() :] if match else None


def is_framed(head: bytes) -> bool:
    """Whether it begins with a signed chunk's header, which nothing else does."""
    return _SIGNED_CHUNK.match(head) is not None


def framed_words() -> tuple[str, str]:
    return (
        "it is no archive as it lies there: the framing of its upload (aws-chunked) was left in it",
        _UPLOAD,
    )


def words_for(head: bytes) -> tuple[str, str] | None:
    """What it is, as a sentence, and what can be done. None: nothing tells what it is."""
    for magic, packer in _PACKED:
        if head.startswith(magic):
            return f"it is no archive that loomtui reads: it is packed with {packer}", _UNPACK
    for magic, program in _ENCRYPTED:
        if head.startswith(magic):
            return _encrypted_words(program), _DECRYPT
    if _is_openpgp(head):
        return _encrypted_words("GnuPG"), _DECRYPT
    if head.lstrip()[:20].lower().startswith(_TEXTS):
        return (
            "it is no archive but a text, such as a web page or the answer of a server",
            "Choose another backup.",
        )
    return None


def _encrypted_words(program: str) -> str:
    return f"it is no archive that loomtui can look into: it is encrypted with {program}"


def _is_openpgp(head: bytes) -> bool:
    """Whether it begins with a session key, for a public key (packet 1) or for a passphrase (packet 3)."""
    if len(head) < 7 or not head[0] & 0x80:
        return False
    if head[0] & 0x40:
        tag = head[0] & 0x3F
        length = 1 if head[1] < 192 else 2 if head[1] < 224 else 5
    else:
        tag = head[0] >> 2 & 0x0F
        length = {0: 1, 1: 2, 2: 4}.get(head[0] & 0x03, 0)
    versions = {1: (3, 6), 3: (4, 5, 6)}.get(tag, ())
    return bool(length) and head[1 + length] in versions
