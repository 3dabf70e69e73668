"""`python -m tests.lab up | down | status | hold`: a lab by hand, or for another program."""
# ruff: noqa: T201 - a program that prints

from __future__ import annotations

import shlex
import sys
import time

from tests.lab import places
from tests.lab.client import Lab, lab, start, stop
from tests.lab.needs import LabError
from tests.lab.tree import SUDO_USER

_USAGE = "usage: python -m tests.lab up | down | status | hold"


def main(argv: list[str]) -> int:
    commands = {"up": _up, "down": _down, "status": _status, "hold": _hold}
    if len(argv) != 1 or argv[0] not in commands:
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        return commands[argv[0]]()
    except LabError as error:
        print(error, file=sys.stderr)
        return 1


def _up() -> int:
    begun = time.monotonic()
    started, _ = start(lifeline=False)
    print(f"# up after {time.monotonic() - begun:.0f} s")
    _describe(started)
    return 0


def _down() -> int:
    for index, told in list(places.living()):
        stop(index, told["guardian"])
    places.sweep()
    return 0


def _status() -> int:
    places.sweep()
    indexes = [index for index, _ in places.living()]
    for index in indexes:
        _describe(Lab.at(index))
        for name, address in Lab.at(index).addresses.items():
            loom = Lab.at(index).run(name, "systemctl is-active loom", check=False).stdout.strip()
            print(f"# {name:10} {address:15} loom is {loom}")
    return 0 if indexes else 1


def _hold() -> int:
    """Says how to reach a lab, and keeps it for as long as standard input is open."""
    with lab() as started:
        _describe(started)
        sys.stdout.flush()
        sys.stdin.read()
    return 0


def _describe(lab: Lab) -> None:
    for name, value in lab.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f"export LOOMTUI_INVENTORY={lab.inventory_path}")
    files = f"-i {lab.folder}/id_ed25519 -o UserKnownHostsFile={lab.folder}/known_hosts"
    print(f"# ssh {files} {SUDO_USER}@{next(iter(lab.addresses.values()))}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
