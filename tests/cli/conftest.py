"""Running `loomtui` as an operator does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from loomtui.drill.practice import Practice
from loomtui.inventory import load

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output as one JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Run(Protocol):
    def __call__(self, *args: str, timeout: float = 120, env: Mapping[str, str] | None = None) -> Done: ...


def command(*args: str) -> Sequence[str]:
    return [sys.executable, "-m", "loomtui", *args]


@pytest.fixture
def loomtui(home: Path, tmp_path: Path) -> Run:
    """`loomtui …` in a process of its own, with an empty home and nobody at the keyboard."""
    folder = tmp_path / "cwd"
    folder.mkdir()

    def run(*args: str, timeout: float = 120, env: Mapping[str, str] | None = None) -> Done:
        done = subprocess.run(
            command(*args),
            cwd=folder,
            env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@dataclass(frozen=True)
class Cluster:
    """A practice cluster, and `loomtui` in an environment that knows its inventory and its S3."""

    practice: Practice
    run: Run

    def __call__(self, *args: str, timeout: float = 180, env: Mapping[str, str] | None = None) -> Done:
        own = {**self.practice.environment, "LOOMTUI_INVENTORY": str(self.practice.inventory_path)}
        return self.run(*args, timeout=timeout, env={**own, **(env or {})})

    @property
    def name(self) -> str:
        return load(self.practice.inventory_path).cluster

    def inventory_with(self, folder: Path, old: str, new: str) -> str:
        """The path of a copy of the inventory in which something is different."""
        text = self.practice.inventory_path.read_text(encoding="utf-8")
        assert old in text
        path = folder / "changed.yml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return str(path)
