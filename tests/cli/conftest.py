"""Running `loomtui` as an operator does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, Protocol

import pytest

from loomtui.cli import failures
from loomtui.cli.app import app
from loomtui.drill.practice import Practice, practice
from loomtui.inventory import load
from tests.signing import anna as anna

ROOT = Path(__file__).parents[2]
_PROCESS_SECONDS = 280  # a whole drill takes less


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
    def __call__(self, *args: str, env: Mapping[str, str] | None = None) -> Done: ...


def command(*args: str) -> Sequence[str]:
    return [sys.executable, "-m", "loomtui", *args]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where `loomtui` is called."""
    path = tmp_path / "cwd"
    path.mkdir()
    return path


@pytest.fixture
def loomtui(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`loomtui …` in this process, with an empty home and nobody at the keyboard."""

    def run(*args: str, env: Mapping[str, str] | None = None) -> Done:
        out, err = _pipe(), _pipe()
        with monkeypatch.context() as patch, Path(os.devnull).open(encoding="utf-8") as nobody:
            patch.chdir(folder)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            for name, stream in (("stdin", nobody), ("stdout", out), ("stderr", err)):
                patch.setattr(sys, name, stream)
            status = failures.call(app, args)
        return _done(status, _read(out), _read(err))

    return run


@pytest.fixture
def loomtui_process(home: Path, folder: Path) -> Run:
    """The same in a process of its own: for what becomes of a process, and for what is loaded into it."""

    def run(*args: str, env: Mapping[str, str] | None = None) -> Done:
        done = subprocess.run(
            command(*args),
            cwd=folder,
            env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROCESS_SECONDS,
            check=False,
        )
        return _done(done.returncode, done.stdout, done.stderr)

    return run


def _pipe() -> TextIOWrapper:
    """As standard output is when another program reads it."""
    return TextIOWrapper(BytesIO(), encoding="utf-8", errors="replace")


def _read(stream: TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _done(status: int, out: str, err: str) -> Done:
    assert "Traceback" not in err, err
    return Done(status, out, err)


@dataclass(frozen=True)
class Cluster:
    """A practice cluster, and `loomtui` in an environment that knows its inventory and its S3."""

    practice: Practice
    run: Run

    def __call__(self, *args: str, env: Mapping[str, str] | None = None) -> Done:
        own = {**self.practice.environment, "LOOMTUI_INVENTORY": str(self.practice.inventory_path)}
        return self.run(*args, env={**own, **(env or {})})

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


@pytest.fixture(scope="module")
def healthy() -> Iterator[Practice]:
    """A practice cluster of two validators and a backup node that is well."""
    with practice("healthy", 2, block_seconds=0.5) as cluster:
        yield cluster


@pytest.fixture
def cluster(healthy: Practice, loomtui: Run) -> Cluster:
    return Cluster(healthy, loomtui)
