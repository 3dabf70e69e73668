"""From the first command to the chain that moves: loomtui, loomtui as it was, and a script by hand.

Only one node is restored, because real nodes do not share their cores: the chain has one validator, and the
backup node's machine is gone for good. What answers at its address refuses connections.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.calls import ROOT, Desk, as_it_was
from benchmarks.claims import Aim, Claim, Measurement, Options
from benchmarks.interleaved import Side, in_turn
from benchmarks.peers import python_peer
from benchmarks.tables import Packing, tables_of
from benchmarks.testbed import NODE, Bed, key_of, testbed
from loomtui.fleet.fleet import Fleet, Refuse
from loomtui.fleet.probes.probe import look_at
from loomtui.loom.databases import STATE_NAMES

_KEY = key_of(Packing.BZIP2)
_GONE = "backup-1"
_MOVING_SECONDS = 300.0
_LOOK_SECONDS = 0.5


def _recovered_anew(options: Options, recover: Callable[[Bed], None]) -> float:
    """Every time with a cluster of its own, which nothing was restored to before."""
    with testbed(options, nodes=1) as bed:
        _done(bed, _GONE, "systemctl stop loom")
        bed.cluster.stop_ssh(_GONE)
        asyncio.run(bed.offer(tables_of(40 if options.small else 1_000), Packing.BZIP2))
        began = time.perf_counter()
        recover(bed)
        return time.perf_counter() - began


def _by_loomtui(package: Path, options: Options, bed: Bed) -> None:
    """Ends when `verify` has seen blocks. `package`: where that loomtui lies."""
    home = bed.cluster.root / "operator"
    home.mkdir()
    desk = Desk(package, home, {"LOOMTUI_INVENTORY": str(bed.path)}, options.peers)
    plan = str(home / "plan.yml")
    limit = ["--look-limit", "20MB"] if options.small and package == ROOT else []
    reset = ["--reset-signing-state", bed.inventory.cluster]
    only = ["--nodes", NODE, "--gone", _GONE]
    desk.loomtui("plan", "--data", _KEY, *only, *reset, *limit, "-o", plan)
    desk.loomtui("restore", "--plan", plan, "--yes")


def _by_hand(aws: Path, bed: Bed) -> None:
    """What the README of Loom's backups says, without a moment of thought, and nothing is checked."""
    _done(bed, NODE, "systemctl stop loom")
    _unpack_by_hand(aws, bed)
    _done(bed, NODE, "systemctl start loom")
    asyncio.run(_until_moving(bed))


def _done(bed: Bed, node: str, command: str) -> None:
    done = bed.cluster.shell(node, command)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr}")


def _unpack_by_hand(aws: Path, bed: Bed) -> None:
    home = bed.cluster.working_directory(NODE)
    source = f"s3://{bed.inventory.s3.bucket}/{_KEY}"
    copy = [str(aws), "s3", "cp", "--quiet", "--endpoint-url", bed.front.url, source, "backup.tar.bz2"]
    subprocess.run(copy, cwd=home, check=True)
    for database in STATE_NAMES:
        shutil.rmtree(home / database, ignore_errors=True)
    unpack = ["tar", "xjf", "backup.tar.bz2", "--exclude=chaindata/config"]
    subprocess.run(unpack, cwd=home, check=True)
    _reset_signing(home / "chaindata/config/priv_validator.json")


def _reset_signing(path: Path) -> None:
    """Without this the chain stands still: the validators signed higher blocks before."""
    state = json.loads(path.read_text(encoding="utf-8"))
    state |= {"last_height": "0", "last_round": "0", "last_step": 0}
    left = {name: value for name, value in state.items() if not name.startswith("last_sign")}
    path.write_text(json.dumps(left), encoding="utf-8")


async def _until_moving(bed: Bed) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(_MOVING_SECONDS), Fleet(bed.inventory, Refuse()) as fleet:
        while True:
            chain = (await look_at(fleet.session(NODE), None)).chain
            if chain is not None and (chain.height or 0) > bed.cluster.scenario.data_height:
                return
            await asyncio.sleep(_LOOK_SECONDS)


def _measure(options: Options, label: str, other: Callable[[Bed], None]) -> Measurement:
    other_side = Side(label, partial(_recovered_anew, options, other))
    loomtui = Side("loomtui", partial(_recovered_anew, options, partial(_by_loomtui, ROOT, options)))
    limit = "Decompressing bzip2 limits it, then the practice cluster's stand-ins, which are Python programs."
    return Measurement(*in_turn(other_side, loomtui, options.rounds), limit)


def _against_before(options: Options) -> Measurement:
    package = as_it_was(options)
    return _measure(options, f"loomtui at {options.before}", partial(_by_loomtui, package, options))


def _against_hand(options: Options) -> Measurement:
    aws = python_peer("aws", options.peers)
    return _measure(options, "by script, without a check", partial(_by_hand, aws))


CLAIMS = (
    Claim(
        "recover-before",
        "Time to recover a node with 1 GB .tar.bz2 that nobody has read, first command to chain moving:"
        " loomtui before against loomtui.",
        Aim.AT_LEAST,
        1.8,
        _against_before,
    ),
    Claim(
        "recover-by-hand",
        "The same: the README's way by script (stop, `aws s3 cp`, `tar xjf`, start) against loomtui, which"
        " checks.",
        Aim.AT_LEAST,
        1.0,
        _against_hand,
    ),
)
