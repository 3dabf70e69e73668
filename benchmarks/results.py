"""What was measured so far, kept beside the page: all claims together take hours, one takes minutes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.claims import Measurement


@dataclass(frozen=True)
class Circumstances:
    """When and where it was measured, each as a page shows it."""

    command: str
    when: str
    revision: str
    machine: str
    load: str


@dataclass(frozen=True)
class Result:
    """A measurement of a claim, and what it was made in."""

    measurement: Measurement
    around: Circumstances


_RESULTS = TypeAdapter(dict[str, Result])


def load(path: Path) -> dict[str, Result]:
    """By name of the claim; nothing where there is no file. Raises ValueError for one of another form."""
    return _RESULTS.validate_json(path.read_bytes()) if path.exists() else {}


def save(path: Path, results: Mapping[str, Result]) -> None:
    path.write_bytes(_RESULTS.dump_json(dict(sorted(results.items())), indent=1) + b"\n")
