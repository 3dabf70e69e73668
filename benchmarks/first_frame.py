"""How long it takes from the call to the first frame that names the cluster, before any node has answered.

    python benchmarks/first_frame.py [ROUNDS]

Three sides, in turn: Python alone, the screens, and the screens with the libraries for nodes and S3 loaded
first, which they load after the first frame. The nodes are at addresses where nothing answers (RFC 5737).
"""

from __future__ import annotations

import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_CLUSTER = "first-frame"
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
_START = "from loomtui.cli import main; main()"
_SECONDS = 120.0


def seconds_to(sign: bytes, code: str, home: Path) -> float:
    """From the call until the terminal has received `sign`."""
    ours, theirs = pty.openpty()
    environ = {
        **os.environ,
        "HOME": str(home),
        "TERM": "xterm-256color",
        "COLUMNS": "120",
        "LINES": "40",
        "LOOMTUI_INVENTORY": str(home / "inventory.yml"),
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=home
    )
    os.close(theirs)
    try:
        return _wait(ours, sign) - began
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _wait(descriptor: int, sign: bytes) -> float:
    seen, deadline = b"", time.perf_counter() + _SECONDS
    while sign not in seen:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.perf_counter()))
        if not ready:
            raise SystemExit(f"no first frame within {_SECONDS:g} s: {seen[-500:]!r}")
        seen += os.read(descriptor, 65536)
    return time.perf_counter()


def main(rounds: int = 10) -> None:
    sides = {
        "Python alone": (b"here", "print('here')"),
        "first frame": (_CLUSTER.encode(), _START),
        "with paramiko and boto3 first": (_CLUSTER.encode(), f"import paramiko, boto3; {_START}"),
    }
    found: dict[str, list[float]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "inventory.yml").write_text(_INVENTORY, encoding="utf-8")
        for _ in range(rounds):
            for side, (sign, code) in sides.items():
                found[side].append(seconds_to(sign, code, home))
    for side, seconds in found.items():
        low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
        print(f"{side:30} {1000 * low:6.0f} {1000 * middle:6.0f} {1000 * high:6.0f} ms (min, median, max)")
    frame, loaded = (statistics.median(found[side]) for side in list(sides)[1:])
    print(
        f"ratio {loaded / frame:.2f}, {rounds} rounds, load {os.getloadavg()[0]:.1f} of {os.cpu_count()} CPUs"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
