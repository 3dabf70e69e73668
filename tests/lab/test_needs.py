"""A machine without what the lab needs says so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.lab import cgroups
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


def _instead_of(program: str, script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("part", "what"),
    [("loop", "loop devices with ext4"), ("overlay", "overlayfs"), ("tmpfs", "tmpfs mounts")],
)
def test_what_the_kernel_does_not_give_is_named(
    possible: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, what: str
) -> None:
    real = shutil.which("mount")
    script = f'case "$*" in *{part}*) echo "mount: not here" >&2; exit 32 ;; esac; exec {real} "$@"'
    _instead_of("mount", script, tmp_path, monkeypatch)
    assert missing() == f"the lab of real nodes needs {what}, which cannot be had here: mount: not here"


def test_container_without_rights_is_told(
    possible: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _instead_of("unshare", "echo 'unshare: Operation not permitted' >&2; exit 1", tmp_path, monkeypatch)
    assert "namespaces of its own (CAP_SYS_ADMIN)" in missing()


@pytest.mark.parametrize("groups", [[], [Path("/proc/1")]])
def test_control_groups_that_cannot_be_written_are_told(
    possible: None, monkeypatch: pytest.MonkeyPatch, groups: list[Path]
) -> None:
    monkeypatch.setattr(cgroups, "own_groups", lambda: groups)
    assert missing().startswith("the lab of real nodes needs control groups")
