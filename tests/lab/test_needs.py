"""A machine without what the lab needs says so, and fails in CI."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.lab.conftest import give_up
from tests.lab.needs import missing


def test_other_systems_and_users_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert missing() == "the lab of real nodes needs Linux"
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert missing() == "the lab of real nodes needs root"


def test_packages_that_lack_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        shutil, "which", lambda program: None if program == "debootstrap" else f"/bin/{program}"
    )
    assert missing() == "the lab of real nodes needs the Debian packages debootstrap"


def test_missing_program_is_a_skip_only_outside_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs root"):
        give_up("needs root")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="needs root"):
        give_up("needs root")
