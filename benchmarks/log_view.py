"""What the logs screen does under a flood: keys answered, memory, and every line kept or counted.

    python benchmarks/log_view.py [--seconds 60] [--nodes 5] [--rate 2000]

All of it is real: `loomtui` in a terminal of its own, SSH to each node of a practice cluster, journals that
grow by `--rate` lines a second each. A key is answered when what it changes is in the terminal's output.
Exit status 1 where a promise does not hold: 99 % of the keys within 100 ms, memory flat (the second half
of the flood adds less than 10 MiB), every line of every journal kept or counted.
"""

from __future__ import annotations

import argparse
import fcntl
import multiprocessing
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loomtui.drill.environment import surroundings
from loomtui.drill.practice import practice

_SIZE = (50, 160)  # rows, columns
_TICK_SECONDS = 0.1
_WAIT_SECONDS = 60.0
_WITHIN_MS = 100.0
_FLAT_MIB = 10.0
_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()][A-Z0-9]")
_COUNTED = re.compile(r"([\d,]+) of ([\d,]+) lines(?:\s+([\d,]+) older lines skipped)?")
#: A key that shows something, what appears, the key that takes it back, and what appears then.
_PAIRS = (
    ("1", b"hidden", "1", b"following"),
    ("k", b"not following", "G", b"following"),
    ("space", b"selected", "space", b"not following"),
    ("p", b"paused", "p", b"following"),
)
_ENTRY = (
    b'{"__REALTIME_TIMESTAMP": "%d", "_SYSTEMD_UNIT": "loom.service", "PRIORITY": "6", "_PID": "1", '
    b'"MESSAGE": "I[2026-11-22|03:14:02.001] Executed block                      module=state '
    b'height=%d validTxs=0"}\n'
)


class Flood:
    """Lets every journal grow at the same rate, in one write each tick, from a process of its own."""

    def __init__(self, journals: list[Path], rate: int) -> None:
        self._over = multiprocessing.Event()
        self._lines = multiprocessing.Value("q", 0)
        self._process = multiprocessing.Process(target=self._run, args=(journals, rate), daemon=True)
        self._process.start()

    def _run(self, journals: list[Path], rate: int) -> None:
        files = [path.open("ab", buffering=0) for path in journals]
        began, lines = time.monotonic(), 0
        while not self._over.wait(_TICK_SECONDS):
            due = int((time.monotonic() - began) * rate) - lines
            block = b"".join(_ENTRY % (time.time_ns() // 1000, lines + number) for number in range(due))
            for file in files:
                file.write(block)
            lines += due
        self._lines.value = lines

    def stop(self) -> int:
        """How many lines each journal got."""
        self._over.set()
        self._process.join()
        return int(self._lines.value)


class Terminal:
    """A program in a terminal, and all that it writes."""

    def __init__(self, command: list[str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *_SIZE, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)
        self._seen = bytearray()
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while select.select([self._ours], [], []):
            try:
                found = os.read(self._ours, 1 << 16)
            except OSError:
                return
            with self._news:
                self._seen += found
                self._news.notify_all()

    def press(self, key: str) -> int:
        """The length of what was seen before it."""
        with self._news:
            seen = len(self._seen)
        os.write(self._ours, b" " if key == "space" else key.encode())
        return seen

    def wait_for(self, sign: bytes, since: int) -> float:
        """When it was there, by the monotonic clock. Raises TimeoutError."""
        deadline = time.monotonic() + _WAIT_SECONDS
        with self._news:
            while sign not in _plain(self._seen[since:]):
                if not self._news.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{sign!r} did not come: {_plain(self._seen[-3000:])!r}")
            return time.monotonic()

    def text(self, since: int) -> str:
        with self._news:
            return _plain(self._seen[since:]).decode("utf-8", "replace")

    @property
    def memory_mib(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _plain(output: bytes | bytearray) -> bytes:
    return _ESCAPES.sub(b"", bytes(output))


@contextmanager
def _logs_screen(inventory: Path) -> Iterator[Terminal]:
    terminal = Terminal([sys.executable, "-m", "loomtui", "-i", str(inventory)])
    try:
        terminal.wait_for(b"nodes", 0)
        since = terminal.press("o")
        terminal.wait_for(b"following", since)
        yield terminal
    finally:
        terminal.end()


def _press_keys(terminal: Terminal, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of each answer, and MiB of memory once a second."""
    answers: list[float] = []
    memory: list[float] = []
    until = time.monotonic() + seconds
    number, sampled = 0, 0.0
    while time.monotonic() < until:
        key, sign, back, sign_back = _PAIRS[number % len(_PAIRS)]
        for pressed, wanted in ((key, sign), (back, sign_back)):
            began = time.monotonic()
            answers.append(1000 * (terminal.wait_for(wanted, terminal.press(pressed)) - began))
            time.sleep(0.13)
        number += 1
        if time.monotonic() - sampled >= 1:
            sampled = time.monotonic()
            memory.append(terminal.memory_mib)
    return answers, memory


def _counted(terminal: Terminal) -> int:
    """Kept and skipped, once nothing comes any more."""
    last, same = -1, 0
    deadline = time.monotonic() + _WAIT_SECONDS
    while same < 5 and time.monotonic() < deadline:
        terminal.press("t")  # so that the line with the counts is drawn anew
        time.sleep(1)
        found = _COUNTED.findall(terminal.text(0)[-200_000:])
        numbers = [int(part.replace(",", "") or 0) for part in found[-1][1:]] if found else [0]
        same = same + 1 if sum(numbers) == last else 0
        last = sum(numbers)
    return last


def _lines(journals: list[Path]) -> int:
    """Of the service, as `journalctl -u` shows them."""
    return sum(
        line.count(b'"loom.service"') > 0 for path in journals for line in path.read_bytes().splitlines()
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--nodes", type=int, default=5)
    parser.add_argument("--rate", type=int, default=2000, help="lines a second from each node")
    wanted = parser.parse_args()
    with practice("healthy", wanted.nodes - 1) as cluster, surroundings(cluster):
        journals = sorted(cluster.inventory_path.parent.rglob("var/log/journal.jsonl"))
        with _logs_screen(cluster.inventory_path) as terminal:
            _counted(terminal)  # until then every node is listened to, from its journal's first line on
            flood = Flood(journals, wanted.rate)
            answers, memory = _press_keys(terminal, wanted.seconds)
            flooded = flood.stop() * len(journals)
            return _tell(answers, memory, _counted(terminal), _lines(journals), flooded)


def _tell(answers: list[float], memory: list[float], counted: int, written: int, flooded: int) -> int:
    ordered = sorted(answers)
    high = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    growth = memory[-1] - memory[len(memory) // 2]
    print(f"lines   {written:,} in the journals ({flooded:,} of the flood), {counted:,} kept or counted")
    print(f"keys    {len(answers)} pressed; median {statistics.median(answers):.0f}, p99 {high:.0f}, "
          f"max {ordered[-1]:.0f} ms")  # fmt: skip
    print(
        f"memory  {memory[0]:.0f} MiB at first, {max(memory):.0f} at most, {growth:+.1f} in the second half"
    )
    holds = high <= _WITHIN_MS and growth <= _FLAT_MIB and counted == written
    print("all of it holds" if holds else "NOT all of it holds")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
