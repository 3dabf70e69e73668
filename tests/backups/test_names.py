from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.backups.model import Compression
from loomtui.backups.names import read_key

AT = datetime(2018, 9, 6, 15, 55, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("key", "prefix", "host"),
    [
        ("2018-09-06--155501-ip-10-2-0-4.tar.bz2", "", "ip-10-2-0-4"),
        ("2018-09-06--155501-loom.example.com.tar.bz2", "", "loom.example.com"),
        ("backups/2018-09-06--155501-n_1.tar.bz2", "backups/", "n_1"),
        ("a/b/2018-09-06--155501-n1.tar.bz2", "a", "n1"),
        ("nightly-2018-09-06--155501-n1.tar.bz2", "nightly-", "n1"),
        ("x/nightly-2018-09-06--155501-n1.tar.bz2", "x/nightly-", "n1"),
    ],
)
def test_key_of_backup_sh_tells_host_and_time(key: str, prefix: str, host: str) -> None:
    assert read_key(key, prefix) == (host, AT, Compression.BZIP2)


@pytest.mark.parametrize(
    ("suffix", "compression"),
    [
        (".tar.bz2", Compression.BZIP2),
        (".tar.gz", Compression.GZIP),
        (".tgz", Compression.GZIP),
        (".tar.zst", Compression.ZSTD),
        (".tar.xz", Compression.XZ),
        (".tar", Compression.NONE),
    ],
)
def test_suffix_tells_the_compression(suffix: str, compression: Compression) -> None:
    assert read_key(f"2018-09-06--155501-n1{suffix}", "") == ("n1", AT, compression)
    assert read_key(f"anything{suffix}", "") == (None, None, compression)


@pytest.mark.parametrize(
    "key",
    [
        "prefix",
        "latest.zip",
        "2018-09-06--155501-.tar.bz2",
        "2018-13-06--155501-n1.tar.bz2",
        "2018-09-06--155501-n1\x1b[2J.tar.bz2",
        "2018-09-06--155501-../../etc.tar.bz2",
        "2018-09-06--155501-n1.tar.bz2.part",
        "٢٠١٨-09-06--155501-n1.tar.bz2",
        "2018-09-06--155501-" + "n" * 300 + ".tar.bz2",
    ],
)
def test_other_keys_tell_neither_host_nor_time(key: str) -> None:
    host, taken_at, _ = read_key(key, "prefix")
    assert (host, taken_at) == (None, None)


@given(st.text(), st.text())
def test_any_key_is_read(key: str, prefix: str) -> None:
    host, taken_at, _ = read_key(key, prefix)
    assert (host is None) == (taken_at is None)
