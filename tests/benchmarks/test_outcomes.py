"""The programs behind the claims: one that fails, and whole ones with little data."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import cuts, room, second_night
from benchmarks.__main__ import outcome_of
from benchmarks.claims import Aim, Claim, Measurement, Options, Unavailable


@pytest.fixture
def options(tmp_path: Path) -> Options:
    shared = tmp_path / "shared"
    shared.mkdir()
    return Options(True, 1, tmp_path, tmp_path / "peers", "HEAD", shared)


@pytest.mark.slow
@pytest.mark.parametrize("error", [Unavailable("no aws"), RuntimeError("no aws"), AssertionError("no aws")])
def test_a_claim_that_fails_does_not_end_the_others(options: Options, error: Exception) -> None:
    def fail(_options: Options) -> Measurement:
        raise error

    outcome = outcome_of(Claim("one", "One.", Aim.AT_LEAST, 1.0, fail), options)
    assert not outcome.holds
    assert "no aws" in outcome.trouble


@pytest.mark.slow
@pytest.mark.parametrize(
    "claim", [*cuts.CLAIMS, *room.CLAIMS, *second_night.CLAIMS], ids=lambda claim: claim.name
)
def test_what_does_not_depend_on_the_machine_holds_with_little_data(options: Options, claim: Claim) -> None:
    outcome = outcome_of(claim, options)
    assert outcome.holds, outcome
