"""Looking at a practice cluster until something holds."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from loomtui.drill.practice import Practice

T = TypeVar("T")


def until(look: Callable[[], T], seconds: float = 30) -> T:
    """What `look` returns as soon as it is true; fails after a deadline."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s; last: {found!r}")
        time.sleep(0.05)


def ask(practice: Practice, name: str, path: str) -> Any:
    """The RPC's result; None where nothing answers."""
    text = (practice.working_directory(name) / "loom.yml").read_text()
    port = re.search(r'^RPCListenAddress: "tcp://127.0.0.1:(\d+)"$', text, re.MULTILINE)
    assert port
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/{path}", timeout=5) as reply:
            return json.loads(reply.read())["result"]
    except OSError:
        return None


def height(practice: Practice, name: str) -> int:
    status = ask(practice, name, "status")
    return int(status["sync_info"]["latest_block_height"]) if status else -1


def heights(practice: Practice) -> list[int]:
    return [height(practice, name) for name in practice.names]


def peers(practice: Practice, name: str) -> int:
    told = ask(practice, name, "net_info")
    return int(told["n_peers"]) if told else -1


def log(practice: Practice, name: str) -> str:
    return practice.shell(name, "journalctl -u loom -o cat --no-pager").stdout
