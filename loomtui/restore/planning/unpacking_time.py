"""How long a node takes to unpack an archive, and what a tool that it lacks would save. Pure.

The rates are those of a whole pipeline (curl, decompressor, tar) on two cores of an AMD EPYC, with 268 MB of
LevelDB tables: they tell minutes from hours, and no more. The line to S3 is not in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loomtui.backups.model import Compression

#: Shorter than this, nobody waits for it.
_WORTH_SECONDS = 60
#: A tool is worth an advice if it makes unpacking so many times as fast.
_WORTH_RATIO = 1.5


@dataclass(frozen=True)
class _Tool:
    name: str
    bytes_a_second: float  # of unpacked data
    uses_cores: bool = False  # the rate is that of one core, and grows with them


#: The fastest one first; the last one is what every machine has.
_TOOLS: Mapping[Compression, tuple[_Tool, ...]] = {
    Compression.BZIP2: (_Tool("lbzip2", 20e6, uses_cores=True), _Tool("bzip2", 17e6)),
    Compression.GZIP: (_Tool("pigz", 157e6), _Tool("gzip", 95e6)),
    Compression.ZSTD: (_Tool("zstd", 394e6),),
}


def unpacking_words(
    compression: Compression, unpacked_bytes: int, tools: frozenset[str], cores: int | None
) -> str:
    """A sentence without its end, for an archive that takes long; empty for others and unknown ones."""
    known = _TOOLS.get(compression, ())
    there = [tool for tool in known if tool.name in tools]
    if not there:
        return ""
    seconds = unpacked_bytes / _rate(there[0], cores)
    if seconds < _WORTH_SECONDS:
        return ""
    words = f"{there[0].name} takes about {_roughly(seconds)} to unpack it{_on_cores(there[0], cores)}"
    best = known[0]
    saved = unpacked_bytes / _rate(best, cores)
    if best.name in tools or seconds < _WORTH_RATIO * saved:
        return words
    return (
        f"{words}; {best.name} would take about {_roughly(saved)}{_on_cores(best, cores)}: install it there"
    )


def _rate(tool: _Tool, cores: int | None) -> float:
    return tool.bytes_a_second * max(1, cores or 1) if tool.uses_cores else tool.bytes_a_second


def _roughly(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _on_cores(tool: _Tool, cores: int | None) -> str:
    return f" on {cores} cores" if tool.uses_cores and cores else ""
