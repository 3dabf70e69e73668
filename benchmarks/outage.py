"""How long the chain stands still in a restore of a tiny data set, against loomtui as it was.

Everything that does not grow with the data is in it: stop, config files, units, start, and consensus.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path

from benchmarks.calls import ROOT, Desk, downtime, downtime_by_keys, sides
from benchmarks.claims import Aim, Claim, Measurement, Options, Samples, Unavailable
from benchmarks.interleaved import Side, in_turn
from loomtui.drill.practice import practice
from loomtui.inventory.load import load

_LAB = (sys.executable, "-m", "tests.lab", "hold")
_LAB_TOLD = "# ssh"  # begins the last line that a lab says of itself
_LAB_NEEDS = "Linux, root, systemd-nspawn and debootstrap (tests/lab/README.md)"


@dataclass(frozen=True)
class _Cluster:
    name: str
    environment: Mapping[str, str]  # for loomtui: its inventory, and what reaches S3


@contextlib.contextmanager
def _practice(options: Options) -> Iterator[_Cluster]:
    with practice("clean-restore", 1 if options.small else 4, options.work) as cluster:
        inventory = {"LOOMTUI_INVENTORY": str(cluster.inventory_path)}
        yield _Cluster(load(cluster.inventory_path).cluster, {**cluster.environment, **inventory})


@contextlib.contextmanager
def _lab() -> Iterator[_Cluster]:
    """The lab is a program of its own, which ends with this one.

    Raises:
        Unavailable: It does not come up.
    """
    with subprocess.Popen(_LAB, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as lab:
        assert lab.stdout is not None
        told = list(takewhile(lambda line: not line.startswith(_LAB_TOLD), lab.stdout))
        environment = dict(shlex.split(line)[1].split("=", 1) for line in told if line.startswith("export "))
        if "LOOMTUI_INVENTORY" not in environment:
            raise Unavailable(f"the lab of real nodes did not come up; it needs {_LAB_NEEDS}.")
        yield _Cluster(load(Path(environment["LOOMTUI_INVENTORY"])).cluster, environment)


def _measured(
    options: Options, start: Callable[[], AbstractContextManager[_Cluster]]
) -> tuple[Samples, Samples]:
    """Every restore is of a cluster that the last one did not leave: one that was restored is another one."""

    def once(package: Path) -> float:
        home = Path(tempfile.mkdtemp(prefix="home-", dir=options.work))
        with start() as cluster:
            return downtime(Desk(package, home, cluster.environment, options.peers), cluster.name)

    before, now = (Side(label, partial(once, package)) for label, package in sides(options).items())
    return in_turn(before, now, 1 if options.small else options.rounds)


def on_practice(options: Options) -> Measurement:
    limit = (
        "Five nodes share this machine's cores: Python stand-ins for loom and systemd start, and make blocks."
    )
    return Measurement(*_measured(options, partial(_practice, options)), limit)


def on_lab(options: Options) -> Measurement:
    if os.geteuid() != 0:
        raise Unavailable(f"the lab of real nodes needs {_LAB_NEEDS}.")
    limit = "Stopping and starting the services, and the consensus, which has to wait for votes."
    return Measurement(*_measured(options, _lab), limit)


def by_keys(options: Options) -> Measurement:
    """Each restore is of a cluster of its own."""

    def once(how: Callable[[Desk, str], float]) -> float:
        home = Path(tempfile.mkdtemp(prefix="home-", dir=options.work))
        with _practice(options) as cluster:
            return how(Desk(ROOT, home, cluster.environment, options.peers), cluster.name)

    keys = Side("the screens, carrying on", partial(once, lambda desk, _name: downtime_by_keys(desk)))
    batch = Side("restore --yes", partial(once, downtime))
    first, second = in_turn(keys, batch, 1 if options.small else options.rounds)
    return Measurement(first, second, "The screens are drawn by the process that drives the run.")


CLAIMS = (
    Claim(
        "outage-lab",
        "Downtime of five real nodes with a tiny data set, staged first: loomtui before against loomtui.",
        Aim.AT_LEAST,
        1.8,
        on_lab,
    ),
    Claim(
        "outage-practice",
        "The same on a practice cluster of five nodes.",
        Aim.AT_LEAST,
        1.5,
        on_practice,
    ),
    Claim(
        "outage-keys",
        "Downtime of a practice cluster of five nodes that is restored by keys, carrying on, against --yes.",
        Aim.AT_MOST,
        1.3,
        by_keys,
    ),
)
