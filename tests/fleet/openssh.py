"""SSH configurations for tests, and programs that stand in for `ssh`."""

from __future__ import annotations

import os
from pathlib import Path

from loomtui.fleet.ssh.sshconfig import Routes, Target
from loomtui.inventory.model import Node, SshSettings


def target(config: Path, host: str = "node", **settings: object) -> Target:
    routes = Routes(SshSettings.model_validate({"config_file": config, **settings}))
    return routes.target(Node(name="n1", host=host))


def written(folder: Path, text: str) -> Path:
    path = folder / "config"
    path.write_text(text)
    return path


def stand_in(folder: Path, body: str, version: str = "OpenSSH_9.2p1 Debian-2") -> str:
    """A folder for PATH with an `ssh` of this version."""
    folder.mkdir(exist_ok=True)
    path = folder / "ssh"
    path.write_text(f'#!/bin/sh\n[ "$1" != -V ] || {{ echo "{version}" >&2; exit; }}\n{body}\n')
    path.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"
