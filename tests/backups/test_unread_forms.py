"""Objects that were meant as backups and that loomtui cannot read: their refusals say what they are."""

from __future__ import annotations

import pytest

from loomtui.backups.archive import Reading, read
from loomtui.backups.compression import detect
from loomtui.backups.etags import plain_etag
from loomtui.backups.model import Compression
from loomtui.errors import ArchiveRejected
from tests.backups.making import pack, tar_with

TAR = tar_with(("loom.yml", "a: 1"), ("x", bytes(2_000)))
PACKED = pack(TAR, Compression.BZIP2)
SIGNATURE = b"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"


def chunked(body: bytes, header: bytes = b";chunk-signature=" + SIGNATURE, end: bytes = b"\r\n") -> bytes:
    """A stream as an uploader sends it; a store that does not know the framing keeps it."""
    return b"%x%s\r\n%s\r\n0%s\r\n%s" % (len(body), header, body, header, end)


#: By what gpg, age, openssl, lz4 and others wrote, cut to their first bytes and filled up.
FORMS = {
    "signed chunks": (chunked(PACKED), "aws-chunked"),
    "signed chunks of a tar": (chunked(TAR), "aws-chunked"),
    "chunks with a checksum behind them": (
        chunked(PACKED, b"", b"x-amz-checksum-crc32:sOO8/Q==\r\n\r\n"),
        "aws-chunked",
    ),
    "signed chunks of what is no archive": (chunked(b"hello" * 200), "aws-chunked"),
    "lz4": (b"\x04\x22\x4d\x18\x64\x40\xa7" + bytes(600), "packed with lz4"),
    "legacy lz4": (b"\x02\x21\x4c\x18" + bytes(600), "packed with lz4"),
    "zip": (b"PK\x03\x04" + bytes(600), "packed with zip"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(600), "packed with 7z"),
    "gpg, for a key": (b"\x85\x02\x0c\x03\x4f\x1c" + b"\x99" * 600, "encrypted with GnuPG"),
    "gpg, with a passphrase": (b"\x8c\x0d\x04\x09\x03\x02" + b"\x99" * 600, "encrypted with GnuPG"),
    "gpg, new packets": (b"\xc1\xc0\x4c\x03" + b"\x99" * 600, "encrypted with GnuPG"),
    "gpg, armored": (b"-----BEGIN PGP MESSAGE-----\n\nhQIM" + b"A" * 600, "encrypted with GnuPG"),
    "age": (b"age-encryption.org/v1\n-> X25519 " + b"A" * 600, "encrypted with age"),
    "openssl": (b"Salted__" + b"\x99" * 600, "encrypted with OpenSSL"),
    "a web page": (b"<!DOCTYPE html>\n<html>" + b" " * 600, "web page"),
    "an answer of S3": (b'<?xml version="1.0"?>\n<Error><Code>' + b" " * 600, "web page"),
}


@pytest.mark.parametrize("form", FORMS)
def test_what_it_is_stands_in_the_refusal(form: str) -> None:
    body, what = FORMS[form]
    with pytest.raises(ArchiveRejected, match="it is no archive") as caught:
        read((body,), Reading())
    assert what in caught.value.reason
    assert caught.value.advice


@pytest.mark.parametrize("head", [b"\xff" * 600, b"1a\r\nhello" * 100, b"\x85\x02\x0c\x09" + b"\x99" * 600])
def test_what_nothing_tells_of_is_no_archive_and_no_more(head: bytes) -> None:
    with pytest.raises(ArchiveRejected, match="neither tar nor bzip2, gzip, xz or Zstandard"):
        detect(head)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ('"abc"', '"abc"'),
        ("abc", '"abc"'),
        ('W/"abc"', '"abc"'),
        ('w/"abc"', '"abc"'),
        ("'abc'", '"abc"'),
        ('"abc-gzip"', '"abc"'),
        ('"abc--gzip"', '"abc"'),
        ('W/"abc;br"', '"abc"'),
        ('"abc-38"', '"abc-38"'),
        ('W/"abc-38"', '"abc-38"'),
        ("", ""),
        ('""', ""),
    ],
)
def test_an_etag_has_one_form_however_it_is_written(given: str, plain: str) -> None:
    assert plain_etag(given) == plain
    assert plain_etag(plain) == plain


@pytest.mark.parametrize(
    "given", ['"a\nexit 1\n"', '"a\rb"', 'a"b', '"a\\b"', '"a b"', '"\u00e4"', '"' + "a" * 201 + '"']
)
def test_an_etag_that_could_mean_more_than_itself_is_none(given: str) -> None:
    """It is written into a file of curl's, and stands on a line of its own before a script's text."""
    assert plain_etag(given) == ""
