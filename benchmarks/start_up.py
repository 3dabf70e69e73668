"""How long it takes from the call to the help, and to the first frame, against programs that say hello."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.claims import Aim, Claim, Measurement, Options, Unavailable
from benchmarks.interleaved import Side, in_turn
from benchmarks.spent import as_installed

_CLUSTER = "first-frame"
#: Nodes at addresses where nothing answers (RFC 5737).
_INVENTORY = f"""\
cluster: {_CLUSTER}
production: false
s3: {{bucket: none, prefix: none/}}
nodes:
  - {{name: db1, role: validator, host: 192.0.2.1}}
  - {{name: db2, role: validator, host: 192.0.2.2}}
  - {{name: db3, role: validator, host: 192.0.2.3}}
  - {{name: db4, role: validator, host: 192.0.2.4}}
"""
_LOOMTUI = "from loomtui.cli import main; main()"
_ARGPARSE = """\
import argparse
parser = argparse.ArgumentParser(description="Says hello.")
parser.add_argument("--name", help="to whom")
print("hello", parser.parse_args().name)
"""
_TEXTUAL = """\
from textual.app import App
from textual.widgets import Footer, Header, Static
class Hello(App):
    def compose(self):
        yield Header()
        yield Static("hello-frame")
        yield Footer()
Hello().run()
"""
_SECONDS = 120.0
_ROUNDS = 10  # at least: they are short, and what else the machine does hits single ones

_Start = Callable[[Path, Mapping[str, str]], float]


def _help(code: str) -> _Start:
    def seconds(home: Path, environment: Mapping[str, str]) -> float:
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", code, "--help"],
            cwd=home,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - began

    return seconds


def _frame(code: str, sign: str) -> _Start:
    """Until the terminal has received `sign`."""

    def seconds(home: Path, environment: Mapping[str, str]) -> float:
        ours, theirs = pty.openpty()
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=home,
        )
        os.close(theirs)
        try:
            return _wait(ours, sign.encode()) - began
        finally:
            process.kill()
            process.wait()
            os.close(ours)

    return seconds


def _wait(descriptor: int, sign: bytes) -> float:
    seen, deadline = b"", time.perf_counter() + _SECONDS
    while sign not in seen:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.perf_counter()))
        if not ready:
            raise Unavailable(f"there was no first frame within {_SECONDS:g} s: {seen[-500:]!r}")
        seen += os.read(descriptor, 65536)
    return time.perf_counter()


def compared(
    first: tuple[str, _Start], second: tuple[str, _Start], limited_by: str
) -> Callable[[Options], Measurement]:
    def measure(options: Options) -> Measurement:
        home = options.work
        (home / "inventory.yml").write_text(_INVENTORY, encoding="utf-8")
        environment = {
            **as_installed(options.peers),
            "HOME": str(home),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TERM": "xterm-256color",
            "COLUMNS": "120",
            "LINES": "40",
            "LOOMTUI_INVENTORY": str(home / "inventory.yml"),
        }
        one, other = (Side(label, partial(seconds, home, environment)) for label, seconds in (first, second))
        in_turn(one, other, 1)  # Python compiles
        rounds = max(options.rounds, 1 if options.small else _ROUNDS)
        return Measurement(*in_turn(one, other, rounds), limited_by)

    return measure


CLAIMS = (
    Claim(
        "help",
        "`loomtui --help` takes at most twice as long as the help of a program of five lines with argparse.",
        Aim.AT_MOST,
        2.0,
        compared(
            ("loomtui --help", _help(_LOOMTUI)),
            ("argparse", _help(_ARGPARSE)),
            "The start of Python. The help is written beforehand (scripts/help.py): click alone takes twice"
            " as long to load as argparse, and every other call waits for it.",
        ),
    ),
    Claim(
        "first-frame",
        "The first frame that names the cluster comes soon after that of a Textual program of eight lines.",
        Aim.AT_MOST,
        1.3,
        compared(
            ("loomtui", _frame(_LOOMTUI, _CLUSTER)),
            ("Textual", _frame(_TEXTUAL, "hello-frame")),
            "Loading pydantic for the inventory, and the modules and styles of the screens. Libraries for"
            " nodes and S3 are loaded after the first frame.",
        ),
    ),
)
