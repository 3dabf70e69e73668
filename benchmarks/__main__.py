"""Measures what loomtui claims about speed and size, both sides of each claim in one go.

python -m benchmarks [NAME ...] [--small] [--rounds N] [--write]
"""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from platformdirs import user_cache_path

from benchmarks.claims import Claim, Options, Outcome, Unavailable
from benchmarks.page import lines_of, page_of
from benchmarks.registry import CLAIMS
from benchmarks.results import Circumstances, Result, load, save

_ROOT = Path(__file__).parents[1]
_PAGE = _ROOT / "docs" / "performance.md"
_RESULTS = _PAGE.with_suffix(".json")
#: loomtui as it was when every archive was read on the operator's machine.
_BEFORE = "f8750cd"


def _memory_gigabytes() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _revision() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def circumstances() -> Circumstances:
    """This machine, now."""
    return Circumstances(
        command=" ".join(["python -m benchmarks", *sys.argv[1:]]),
        when=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        revision=_revision(),
        machine=f"{os.cpu_count()} cores {_processor()}, {_memory_gigabytes():.0f} GB, Linux"
        f" {platform.release()}, Python {platform.python_version()}",
        load=f"{os.getloadavg()[0]:.2f}",
    )


def outcome_of(claim: Claim, options: Options) -> Outcome:
    """Measures it in a folder of its own. One that fails takes nothing from the others, which took hours."""
    gc.collect()
    try:
        # A cluster may still be removing gigabytes in there.
        with tempfile.TemporaryDirectory(
            prefix=f"{claim.name}-", dir=options.work, ignore_cleanup_errors=True
        ) as folder:
            return Outcome(claim, claim.measure(replace(options, work=Path(folder))))
    except Unavailable as error:
        return Outcome(claim, None, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the claim does not hold
        traceback.print_exc()
        return Outcome(claim, None, f"{type(error).__name__}: {error}".replace("\n", " "))


def write_page(outcomes: Sequence[Outcome], around: Circumstances) -> None:
    """What was measured replaces what was known of it; what could not be measured changes nothing."""
    results = load(_RESULTS)
    for outcome in outcomes:
        if outcome.measurement is not None:
            results[outcome.claim.name] = Result(outcome.measurement, around)
    save(_RESULTS, results)
    _PAGE.write_text(page_of(CLAIMS, results), encoding="utf-8")


def chosen(names: Sequence[str]) -> list[Claim]:
    """The claims of those names, or all.

    Raises:
        click.BadParameter: There is no claim of a name.
    """
    known = {claim.name: claim for claim in CLAIMS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.BadParameter(f"there is no claim {unknown[0]!r}; there are: {', '.join(known)}")
    return [known[name] for name in names] if names else list(CLAIMS)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME ...]")
@click.option(
    "--small", is_flag=True, help="Little data: shows that the programs work, not that claims hold."
)
@click.option("--rounds", default=3, show_default=True, help="How often each side is measured.")
@click.option("--write", is_flag=True, help="Put what was measured into docs/performance.md.")
@click.option(
    "--work", type=click.Path(path_type=Path, file_okay=False), help="A folder on a disk with room."
)
@click.option("--before", default=_BEFORE, show_default=True, help="The revision of loomtui as it was.")
@click.option("--list", "listing", is_flag=True, help="Say what there is, and measure nothing.")
def main(
    names: Sequence[str], small: bool, rounds: int, write: bool, work: Path | None, before: str, listing: bool
) -> None:
    """Measure what loomtui claims about speed and size; exit with 1 where a claim does not hold."""
    claims = chosen(names)
    if listing:
        for claim in claims:
            click.echo(f"{claim.name}: {claim.text} ({claim.aim.value} {claim.bound:g})")
        return
    peers = user_cache_path("loomtui-benchmarks")
    around = circumstances()
    outcomes = []
    with tempfile.TemporaryDirectory(
        prefix="loomtui-benchmarks-", dir=work, ignore_cleanup_errors=True
    ) as folder:
        shared = Path(folder) / "shared"
        shared.mkdir()
        options = Options(small, rounds, Path(folder), peers, before, shared)
        for claim in claims:
            outcomes.append(outcome_of(claim, options))
            click.echo("\n".join(lines_of(outcomes[-1])))
    if write:
        write_page(outcomes, around)
    sys.exit(0 if all(outcome.holds for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
