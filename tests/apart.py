"""Commands that make Debian trees for tests: what they mount and start ends with them."""

from __future__ import annotations

import subprocess

#: Put before a command: it has mounts and processes of its own, also when whoever started it is killed.
APART = ("nice", "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS = 1800


def run_apart(command: list[str], failure: type[Exception]) -> None:
    """Raises `failure` with the end of what the command printed."""
    done = subprocess.run(
        [*APART, *command],
        env={"PATH": _PATH, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        timeout=_SECONDS,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise failure(f"{command[0]} failed with status {done.returncode}:\n{done.stdout[-3000:]}")
