"""Journals of LevelDB, as far as heights need them: 32 KiB blocks of checksummed records, each a write batch.

Sources: LevelDB doc/log_format.md, db/write_batch.cc, db/version_edit.cc, util/crc32c.h; tendermint 0.27.3
blockchain/store.go (key `blockStore`); tendermint/iavl nodedb.go (root keys).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

#: Records never cross a block; a tail of a journal that begins at a multiple of this can be read as well.
BLOCK_SIZE = 32 * 1024


def records(data: bytes) -> Iterator[bytes]:
    """The write batches of a journal, or of its tail from a block boundary on. Never raises.

    A torn tail or a bad checksum ends it, as it ends LevelDB's own recovery.
    """
    raise NotImplementedError


def puts(batch: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each put in a write batch; a malformed rest ends it. Never raises."""
    raise NotImplementedError


def write_batch(sequence: int, items: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A write batch of puts; `sequence` is the number of the first."""
    raise NotImplementedError


def journal(batches: Iterable[bytes]) -> bytes:
    """A journal that holds these records."""
    raise NotImplementedError


def manifest(*, log_number: int, next_file: int, last_sequence: int) -> bytes:
    """The smallest valid MANIFEST: no tables, everything in the journal `log_number`."""
    raise NotImplementedError


def store_height(data: bytes) -> int | None:
    """The height of the block store, from its journal (or a tail of it). None: it is not in there."""
    raise NotImplementedError


def app_height(data: bytes) -> int | None:
    """The last version saved to app.db, from its journal (or a tail of it). None: it is not in there."""
    raise NotImplementedError
