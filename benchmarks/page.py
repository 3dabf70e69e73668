"""Measured claims as a table for the terminal and as the page docs/performance.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.claims import Claim, Outcome, Samples
from benchmarks.results import Circumstances, Result

_PAGE = """\
# Performance

This page is written by `python -m benchmarks --write`, which replaces what it measured and leaves the rest.
Both sides of a row are measured in turn in one go; figures are medians, with the least and the most in
brackets. A ratio is the first side divided by the second. The last column says in which call a row was
measured.

| Claim | First side | Second side | Ratio | Wanted | Holds | Call |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

## The calls

{calls}

## What limits each

{limits}
"""


def _samples(samples: Samples) -> str:
    low, high = min(samples.values), max(samples.values)
    digits = 0 if samples.median >= 1_000 else 2
    return (
        f"{samples.label}: {samples.median:,.{digits}f} {samples.unit.value}"
        f" ({low:,.{digits}f} to {high:,.{digits}f}, n={len(samples.values)})"
    )


def _wanted(claim: Claim) -> str:
    return f"{claim.aim.value} {claim.bound:g}"


def _row(claim: Claim, result: Result | None, calls: Sequence[Circumstances]) -> str:
    if result is None:
        return f"| {claim.text} | | | | {_wanted(claim)} | not measured | |"
    measured = result.measurement
    cells = (
        claim.text,
        _samples(measured.first),
        _samples(measured.second),
        f"{measured.ratio:.2f}",
        _wanted(claim),
        "yes" if claim.holds(measured) else "**no**",
        str(calls.index(result.around) + 1),
    )
    return f"| {' | '.join(cells)} |"


def lines_of(outcome: Outcome) -> list[str]:
    """For the terminal."""
    measured = outcome.measurement
    if measured is None:
        return [f"{outcome.claim.name}: NOT MEASURED: {outcome.trouble}"]
    verdict = "holds" if outcome.holds else "DOES NOT HOLD"
    return [
        f"{outcome.claim.name}: ratio {measured.ratio:.2f}, wanted {_wanted(outcome.claim)}: {verdict}",
        f"  {_samples(measured.first)}",
        f"  {_samples(measured.second)}",
    ]


def page_of(claims: Sequence[Claim], results: Mapping[str, Result]) -> str:
    """The whole of docs/performance.md."""
    known = [(claim, results.get(claim.name)) for claim in claims]
    calls = list(dict.fromkeys(result.around for _, result in known if result is not None))
    limits = [
        f"- {claim.text}: {result.measurement.limited_by}" for claim, result in known if result is not None
    ]
    return _PAGE.format(
        rows="\n".join(_row(claim, result, calls) for claim, result in known),
        calls="\n".join(f"{number}. {_told(call)}" for number, call in enumerate(calls, 1)),
        limits="\n".join(limits),
    )


def _told(call: Circumstances) -> str:
    return (
        f"`{call.command}`, {call.when}, at revision {call.revision}, on {call.machine}; load when it began:"
        f" {call.load}"
    )
