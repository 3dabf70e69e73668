"""What is said of the time that a node takes to unpack."""

from __future__ import annotations

import pytest

from loomtui.backups.model import Compression
from loomtui.restore.planning.unpacking_time import unpacking_words

GB = 10**9


@pytest.mark.parametrize(
    ("compression", "size", "tools", "cores", "words"),
    [
        (
            Compression.BZIP2,
            60 * GB,
            {"bzip2"},
            8,
            "bzip2 takes about 59 min to unpack it; lbzip2 would take about 6 min on 8 cores: "
            "install it there",
        ),
        (
            Compression.BZIP2,
            60 * GB,
            {"bzip2", "lbzip2"},
            8,
            "lbzip2 takes about 6 min to unpack it on 8 cores",
        ),
        (Compression.BZIP2, 60 * GB, {"bzip2"}, 1, "bzip2 takes about 59 min to unpack it"),
        (Compression.BZIP2, 60 * GB, {"bzip2"}, None, "bzip2 takes about 59 min to unpack it"),
        (Compression.BZIP2, GB // 2, {"bzip2"}, 8, ""),
        (Compression.BZIP2, 600 * GB, {"bzip2"}, 1, "bzip2 takes about 9.8 h to unpack it"),
        (Compression.ZSTD, 60 * GB, {"zstd"}, 2, "zstd takes about 3 min to unpack it"),
        (Compression.ZSTD, 60 * GB, set(), 2, ""),
        (Compression.XZ, 60 * GB, {"xz"}, 2, ""),
        (Compression.NONE, 60 * GB, set(), 2, ""),
    ],
)
def test_the_time_and_what_would_save_some(
    compression: Compression, size: int, tools: set[str], cores: int | None, words: str
) -> None:
    assert unpacking_words(compression, size, frozenset(tools), cores) == words
