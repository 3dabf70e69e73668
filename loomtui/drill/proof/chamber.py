"""The process in which a proof's node lives, without a network that leads anywhere.

Started by `loomtui.drill.serve`, which ends it with all that it has started and removes its folder. It is
told what to start and watches it, because nobody else reaches what is in here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

from loomtui.drill.loopback import free_network, free_ports
from loomtui.drill.machines import P2P_PORT
from loomtui.drill.meeting import ask
from loomtui.drill.proof.isolation import isolate
from loomtui.drill.replying import Obey, reply_to_lines

_EVERY = 0.1  # seconds
_END_SECONDS = 10.0
_TAIL_BYTES = 8_000


@dataclass(frozen=True)
class Task:
    program: Sequence[str]  # with its arguments
    home: str
    rpc_port: int
    height: int  # of the restored data: what the node has when it answers
    blocks: int  # to be made above it; 0: it has only to answer
    answer_seconds: float  # for its start, and what it replays
    block_seconds: float  # for each block


@dataclass
class Watched:
    """What was seen of the node."""

    status: int | None = None  # with which it ended by itself; None: it did not
    answered_seconds: float | None = None  # after its start; None: never
    moved_seconds: float | None = None  # after it answered; None: the blocks were not made
    first: int | None = None  # the height of its first answer
    height: int | None = None  # of its last one
    log: str = ""  # the end of what it printed


def watch(task: Task, log: Path) -> Watched:
    """Starts the node, waits for its blocks, ends it."""
    with log.open("wb") as output, _running(task, output) as process:
        seen = _watch(task, process)
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        seen.log = file.read().decode("utf-8", "replace")
    return seen


def _watch(task: Task, process: subprocess.Popen[bytes]) -> Watched:
    seen = Watched()
    began = time.monotonic()
    deadline = began + task.answer_seconds
    while time.monotonic() < deadline:
        seen.status = process.poll()
        height = _height(task.rpc_port) if seen.status is None else None
        if seen.status is not None:
            break
        if height is not None:
            if seen.answered_seconds is None:
                seen.answered_seconds, seen.first = time.monotonic() - began, height
                deadline = time.monotonic() + max(task.blocks, 1) * task.block_seconds
            seen.height = height
            if height >= task.height + task.blocks:
                seen.moved_seconds = time.monotonic() - began - seen.answered_seconds
                break
        time.sleep(_EVERY)
    return seen


@contextmanager
def _running(task: Task, output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        list(task.program),
        cwd=task.home,
        env=_environment(task.home),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(home: str) -> Mapping[str, str]:
    """Nothing of the operator's own: no credentials and no proxy."""
    return {"HOME": home, "PATH": os.defpath, "LANG": "C.UTF-8"}


def _height(port: int) -> int | None:
    try:
        return int(ask(port, "status")["sync_info"]["latest_block_height"])
    except (OSError, HTTPException, LookupError, TypeError, ValueError):
        return None


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, required=True)
    root = parser.parse_args(argv).root
    os.umask(0o077)
    os.chdir(root)

    def start() -> tuple[object, Obey]:
        is_isolated = isolate()
        rpc, api = free_ports(2)
        address = f"{free_network(0, (P2P_PORT,))}.1"
        ready = {"root": str(root), "is_isolated": is_isolated, "address": address, "rpc": rpc, "api": api}
        return ready, obey

    def obey(command: str, **task: object) -> object:
        if command != "watch":
            raise KeyError(command)
        return asdict(watch(TypeAdapter(Task).validate_python(task), root / "loom.log"))

    return reply_to_lines(start)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
