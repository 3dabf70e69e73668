"""A test that this machine cannot do is skipped with the reason, and fails in CI."""

from __future__ import annotations

import os

import pytest

from tests import ability


@pytest.fixture(params=[False, True], ids=["elsewhere", "in CI"])
def outcome(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[BaseException]:
    """How a test that cannot be done ends."""
    if request.param:
        monkeypatch.setenv("CI", "true")
        return pytest.fail.Exception
    monkeypatch.delenv("CI", raising=False)
    return pytest.skip.Exception


def test_the_reason_is_told(outcome: type[BaseException]) -> None:
    with pytest.raises(outcome, match="needs the moon"):
        ability.give_up("needs the moon")


def test_a_program_that_is_missing_is_named_with_its_package(outcome: type[BaseException]) -> None:
    assert ability.program("sh", "dash").endswith("/sh")
    with pytest.raises(outcome, match="no loom-moon: install Debian's package moon"):
        ability.program("loom-moon", "moon")


def test_only_root_may_do_some(outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    ability.root()
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    with pytest.raises(outcome, match="root"):
        ability.root()
