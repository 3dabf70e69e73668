"""A claim about speed or size, what was measured for it, and whether it holds."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Unavailable(Exception):
    """A claim cannot be measured here; the text says what is missing and how to get it."""


class Aim(Enum):
    """On which side of its bound a ratio has to lie."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


class Unit(Enum):
    """What values are counted in; the value is how a table names it."""

    SECONDS = "s"
    CPU_MILLISECONDS = "ms CPU"
    BYTES = "bytes"
    MEGABYTES = "MB"  # 10^6 bytes


@dataclass(frozen=True)
class Samples:
    """What one side took, round by round."""

    label: str
    unit: Unit
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True)
class Measurement:
    """Both sides of a claim, measured in turn, so that what else the machine does hits both."""

    first: Samples
    second: Samples
    limited_by: str  # a sentence: what keeps the faster side from being faster

    @property
    def ratio(self) -> float:
        """The first side's median divided by the second's."""
        return self.first.median / self.second.median


@dataclass(frozen=True)
class Options:
    """How much is measured, and where."""

    small: bool  # quick and little data: shows that the program works, not that the claim holds
    rounds: int
    work: Path  # an empty folder for what a benchmark makes; it has room for some 20 GB unless `small`
    peers: Path  # where other tools are installed, kept from call to call
    before: str  # the git revision that stands for loomtui as it was
    shared: Path  # what takes long to make is kept there for the other claims of the same call


@dataclass(frozen=True)
class Claim:
    """`measure` raises Unavailable where a peer cannot be had."""

    name: str  # as it is typed: lower case, with hyphens
    text: str  # a sentence: what is compared with what
    aim: Aim
    bound: float
    measure: Callable[[Options], Measurement]

    def holds(self, measurement: Measurement) -> bool:
        if self.aim is Aim.AT_LEAST:
            return measurement.ratio >= self.bound
        return measurement.ratio <= self.bound


@dataclass(frozen=True)
class Outcome:
    """A claim and what came of it: a measurement, or why there is none."""

    claim: Claim
    measurement: Measurement | None
    trouble: str = ""

    @property
    def holds(self) -> bool:
        return self.measurement is not None and self.claim.holds(self.measurement)
