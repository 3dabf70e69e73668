"""The operator's desk: `loomtui …` in a process of its own, against a lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.terminal import Terminal
from tests.lab.client import Lab

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Desk:
    """`home` holds all that loomtui keeps; nobody is at the keyboard but where there is a terminal."""

    lab: Lab
    home: Path
    more: Mapping[str, str] = field(default_factory=dict)  # of the environment, before what is there

    def loomtui(self, *args: str, timeout: float = 300) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "loomtui", *args],
            cwd=self.home,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @property
    def environment(self) -> dict[str, str]:
        folders = {f"XDG_{name}_HOME": str(self.home / name.lower()) for name in ("STATE", "CACHE", "CONFIG")}
        own = {"HOME": str(self.home), "PYTHONPATH": str(_ROOT)}
        return {
            **self.lab.environment,
            "LOOMTUI_INVENTORY": str(self.lab.inventory_path),
            **folders,
            **own,
            **self.more,
        }

    def terminal(self, *args: str) -> Terminal:
        """`loomtui …` for somebody who types."""
        return Terminal(*args, env=self.environment, cwd=self.home)

    def plan(self, *args: str) -> tuple[Done, Path]:
        """The plan is kept in the file, refused or not."""
        path = self.home / "plan.json"
        path.unlink(missing_ok=True)
        return self.loomtui("plan", *args, "--json", "-o", str(path)), path

    def restore(self, plan: Path) -> Done:
        return self.loomtui("restore", "--plan", str(plan), "--yes")
