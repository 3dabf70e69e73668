"""bzip2, gzip, xz, zstd where the host lacks them: only `-d`, to standard output. `argv[1]`: which."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

_CHUNK = 256 * 1024


def _pieces(kind: str, source: BinaryIO) -> Iterator[bytes]:
    if kind == "zstd":
        import zstandard

        decoder = zstandard.ZstdDecompressor().decompressobj()
        while piece := source.read(_CHUNK):
            yield decoder.decompress(piece)
        if not decoder.eof:
            raise EOFError("Read error (39) : premature end")
        return
    import bz2
    import gzip
    import lzma

    opened: Any = {"bzip2": bz2, "gzip": gzip, "xz": lzma}[kind]
    opened = opened.open(source, "rb")
    while piece := opened.read(_CHUNK):
        yield piece


def main(kind: str, arguments: list[str]) -> int:
    if "--version" in arguments or "-V" in arguments:
        sys.stdout.write(f"{kind} (practice)\n")
        return 0
    flags = "".join(word[1:] for word in arguments if word.startswith("-") and not word.startswith("--"))
    files = [word for word in arguments if not word.startswith("-")]
    if "d" not in flags and "t" not in flags and "--decompress" not in arguments:
        sys.stderr.write(f"{kind}: only decompression is known here\n")
        return 1
    source = open(files[0], "rb") if files else sys.stdin.buffer  # noqa: PTH123, SIM115
    try:
        for piece in _pieces(kind, source):
            if "t" not in flags:
                sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - four libraries, each with errors of its own
        sys.stderr.write(f"{kind}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
