"""What a measurement says about its claim, and how it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main, write_page
from benchmarks.claims import Aim, Claim, Measurement, Options, Outcome, Samples, Unavailable, Unit
from benchmarks.page import lines_of, page_of
from benchmarks.registry import CLAIMS
from benchmarks.results import Circumstances, Result, load, save

AROUND = Circumstances("python -m benchmarks", "2030-01-01 00:00 UTC", "abc1234", "2 cores", "0.10")


def _claim(aim: Aim, bound: float) -> Claim:
    def none(options: Options) -> Measurement:
        raise Unavailable("aws could not be installed: no network")

    return Claim("one-node", "One node against tar.", aim, bound, none)


def _measured() -> Measurement:
    slow = Samples("tar", Unit.SECONDS, (9.0, 10.0, 20.0))
    return Measurement(slow, Samples("loomtui", Unit.SECONDS, (4.0, 5.0, 6.0)), "The disk limits it.")


@pytest.mark.parametrize(
    ("aim", "bound", "holds"),
    [
        (Aim.AT_LEAST, 2.0, True),
        (Aim.AT_LEAST, 2.1, False),
        (Aim.AT_MOST, 2.0, True),
        (Aim.AT_MOST, 1.9, False),
    ],
)
def test_a_claim_holds_by_the_ratio_of_medians(aim: Aim, bound: float, holds: bool) -> None:
    outcome = Outcome(_claim(aim, bound), _measured())
    assert outcome.holds is holds
    assert ("DOES NOT HOLD" in lines_of(outcome)[0]) is not holds


def test_what_was_not_measured_does_not_hold_and_says_why() -> None:
    outcome = Outcome(_claim(Aim.AT_LEAST, 1.0), None, "aws could not be installed: no network")
    assert not outcome.holds
    assert "no network" in lines_of(outcome)[0]
    assert "| not measured |" in page_of([outcome.claim], {})


def test_the_page_shows_both_sides_with_their_spread() -> None:
    page = page_of([_claim(Aim.AT_LEAST, 1.5)], {"one-node": Result(_measured(), AROUND)})
    assert "tar: 10.00 s (9.00 to 20.00, n=3) | loomtui: 5.00 s (4.00 to 6.00, n=3) | 2.00 |" in page
    assert "| at least 1.5 | yes | 1 |" in page
    assert "The disk limits it." in page
    assert "1. `python -m benchmarks`, 2030-01-01 00:00 UTC, at revision abc1234" in page


def test_a_call_replaces_what_it_measured_and_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, names = tmp_path / "performance.json", [claim.name for claim in CLAIMS[:3]]
    monkeypatch.setattr("benchmarks.__main__._RESULTS", known)
    monkeypatch.setattr("benchmarks.__main__._PAGE", tmp_path / "performance.md")
    earlier = replace(AROUND, when="2029-01-01 00:00 UTC")
    save(known, dict.fromkeys(names, Result(_measured(), earlier)))
    write_page(
        [Outcome(CLAIMS[0], _measured()), Outcome(CLAIMS[1], None, "no network")],
        AROUND,
    )
    assert [load(known)[name].around for name in names] == [AROUND, earlier, earlier]
    page = (tmp_path / "performance.md").read_text()
    assert page.count("2029-01-01") == page.count("2030-01-01") == 1
    rows = [line for line in page.splitlines() if line.startswith("| ") and "n=3" in line]
    assert [row.split(" | ")[-1] for row in rows] == ["1 |", "2 |", "2 |"]
    assert page.count("| not measured |") == len(CLAIMS) - 3


def test_every_claim_has_a_name_of_its_own_and_is_listed() -> None:
    names = [claim.name for claim in CLAIMS]
    assert len(set(names)) == len(names)
    told = CliRunner().invoke(main, ["--list"])
    assert told.exit_code == 0
    assert [line.partition(":")[0] for line in told.output.splitlines()] == names


def test_an_unknown_claim_is_refused_by_name() -> None:
    told = CliRunner().invoke(main, ["nothing"])
    assert told.exit_code == 2
    assert "nothing" in told.output
