"""Whether a drill is solved: looked at on the nodes themselves, and never asked of the engine."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from loomtui.drill.meeting import ask
from loomtui.drill.node.keys import KeyFileError, KeyPanicError, identity, read_node_key
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.drill.practice import Identity, Practice
from loomtui.drill.scenarios.expectations import Check, RedisChoice
from loomtui.drill.scenarios.words import chosen_nodes
from loomtui.inventory.load import load

LOOK_SECONDS = 30.0  # for a chain to make a block after its nodes have met
_EVERY = 0.2
_CONFLICT = "Found conflicting vote from ourselves"
#: What a refused drill must not have touched; a living node writes the rest by itself.
_WATCHED = ("etc", "home/ubuntu/chaindata/config", "home/ubuntu/genesis.json", "home/ubuntu/loom.yml")
_OWN_WRITES = frozenset({"addrbook.json", "priv_validator.json"})

Digests = Mapping[str, str]


@dataclass(frozen=True)
class Checked:
    """One check: what it asks, in words, and why it does not hold; empty: it holds."""

    words: str
    wrong: str = ""

    @property
    def holds(self) -> bool:
        return not self.wrong


class Inspector:
    """`before`: what was on the nodes when the drill began."""

    def __init__(self, cluster: Practice) -> None:
        self._cluster = cluster
        inventory = load(cluster.inventory_path)
        self._ports = {node.name: inventory.loom_of(node).ports.rpc for node in inventory.nodes}
        self._before = {name: self._digests(name) for name in cluster.names}

    def look(self, checks: Sequence[Check], seconds: float = LOOK_SECONDS) -> tuple[Checked, ...]:
        """Each is given time until it holds; all of them together at most that long."""
        deadline = time.monotonic() + seconds
        return tuple(self._look(check, deadline) for check in checks)

    def _look(self, check: Check, deadline: float) -> Checked:
        nodes = chosen_nodes(check.nodes, self._cluster.names)
        judge = self._judge(check, nodes)
        words = f"{check.verb.replace('_', ' ')}: {', '.join(nodes)}"
        while True:
            wrong = judge()
            if not wrong or time.monotonic() > deadline:
                return Checked(words, wrong)
            time.sleep(_EVERY)

    def _judge(self, check: Check, nodes: Sequence[str]) -> Callable[[], str]:
        if check.moves is not None:
            return _Growth(self, nodes, self._cluster.scenario.height(check.moves.above)).wrong
        if check.uses_redis is not None:
            redis = check.uses_redis.redis
            return lambda: _first(self._redis(name, redis) for name in nodes)
        judges: Mapping[str, Callable[[str], str]] = {
            "meshed": lambda name: self._unmet(name, nodes),
            "own_keys": self._keys,
            "signed_once": self._conflict,
            "untouched": self._touched,
            "down": self._running,
        }
        judge = judges[check.verb]
        return lambda: _first(judge(name) for name in nodes)

    def ask(self, name: str, what: str) -> Any:
        """What the node's RPC answers; None: nothing."""
        try:
            return ask(self._ports[name], what)
        except (OSError, HTTPException, KeyError, ValueError):
            return None

    def _unmet(self, name: str, nodes: Sequence[str]) -> str:
        told = self.ask(name, "net_info") or {"peers": []}
        met = {peer["node_info"]["id"] for peer in told["peers"]}
        missing = [
            other for other in nodes if other != name and self._cluster.identities[other].node_id not in met
        ]
        return f"{name} is not connected to {', '.join(missing)}" if missing else ""

    def _keys(self, name: str) -> str:
        config = self._cluster.working_directory(name) / "chaindata/config"
        try:
            node = identity(read_node_key(config / "node_key.json")[32:])
            validator = PrivValidator.load(config / "priv_validator.json").address
        except (OSError, ValueError, KeyFileError, KeyPanicError) as error:
            return f"{name} has no keys that can be read: {type(error).__name__}"
        found, own = Identity(node, validator), self._cluster.identities[name]
        if found == own:
            return ""
        what = "node key" if found.node_id != own.node_id else "validator key"
        return f"the {what} on {name} is not the one that the chain knows it by"

    def _conflict(self, name: str) -> str:
        journal = self._cluster.node_root(name) / "var/log/journal.jsonl"
        told = journal.read_text("utf-8", "replace") if journal.exists() else ""
        return f"{name} has signed one height twice" if _CONFLICT in told else ""

    def _touched(self, name: str) -> str:
        now, before = self._digests(name), self._before[name]
        changed = sorted(path for path in now.keys() | before.keys() if now.get(path) != before.get(path))
        return f"{name}: {', '.join(changed[:3])} changed" if changed else ""

    def _running(self, name: str) -> str:
        active = self._cluster.shell(name, "systemctl is-active loom").stdout.strip()
        return f"the service on {name} is {active}" if active == "active" else ""

    def _redis(self, name: str, choice: RedisChoice) -> str:
        text = (self._cluster.working_directory(name) / "loom.yml").read_text("utf-8", "replace")
        is_new = f"//{self._cluster.redis}" in text
        return "" if is_new == (choice is RedisChoice.NEW) else f"{name}: its Redis is another one"

    def _digests(self, name: str) -> Digests:
        root = self._cluster.node_root(name)
        found = {}
        for top in _WATCHED:
            for path in (root / top, *(root / top).rglob("*")):
                if path.is_file() and path.name not in _OWN_WRITES:
                    digest = hashlib.sha256(path.read_bytes()).hexdigest()
                    found[str(path.relative_to(root))] = digest
        return found


class _Growth:
    """Blocks above a height on every node, one more than at the first look, with one app hash for each."""

    def __init__(self, inspector: Inspector, nodes: Sequence[str], above: int) -> None:
        self._inspector = inspector
        self._nodes = nodes
        self._above = above
        self._first: dict[str, int] = {}

    def wrong(self) -> str:
        heights = {name: self._height(name) for name in self._nodes}
        for name, height in heights.items():
            first = self._first.setdefault(name, max(height, self._above))
            if height <= first:
                return f"{name} has made no block above {first}"
        lowest = min(heights.values())
        hashes = {self._app_hash(name, lowest) for name in self._nodes}
        return "" if len(hashes) == 1 else f"the app hashes at block {lowest} differ"

    def _height(self, name: str) -> int:
        told = self._inspector.ask(name, "status")
        return int(told["sync_info"]["latest_block_height"]) if told else -1

    def _app_hash(self, name: str, height: int) -> str:
        told = self._inspector.ask(name, f"block?height={height}")
        return str(told["block_meta"]["header"]["app_hash"]) if told else f"none on {name}"


def _first(found: Iterator[str]) -> str:
    return next((wrong for wrong in found if wrong), "")
