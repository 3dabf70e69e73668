"""The bytes that a terminal gets while screens show hostile values: no order in them but Textual's own."""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path

import pytest

from loomtui.text import UNSHOWABLE, clean
from tests.cli.terminal import Terminal
from tests.screens.basics import CLUSTER
from tests.screens.hostile_app import SEEN, TEXT

#: What Textual 8.2.8 sends: colours and weights, the cursor to a place, the modes that it needs and how it
#: asks for them, the keyboard protocol, the shape of the pointer.
_OWN = re.compile(
    r"\x1b\[(?:(?:0|1|2|3|4|7|[34]8;2;\d+;\d+;\d+|[34]9)(?:;(?=\d)|(?=m)))*m"
    r"|\x1b\[\d+;\d+H"
    r"|\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"
    r"|\x1b\[\?(?:2026|2048)\$p"
    r"|\x1b\[(?:>25|<)u"
    r"|\x1b\]22;[a-z-]*\x07"
)
#: The title and its stack, and a bell with its notification: what calls an operator who does not type.
_CALLED = re.compile(
    r"\x1b\[2[23];2t|\x1b\]2;([^\x00-\x1f\x7f-\x9f]*)\x07|\x07\x1b\]9;loomtui: ([^\x00-\x1f\x7f-\x9f]*)\x07"
)
_COPIED = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")

ESC = "\x1b[27u"  # as the kitty protocol has it: what is typed right behind it makes no other key of it
ENTER = "\r"
PASTED = f"\x1b[200~{TEXT}pasted\x1b[201~"
HOME = (ESC, "Cluster health", True)

#: Keys, then words of what they open, then whether the hostile value is seen after them.
WALK: tuple[tuple[str, str, bool], ...] = (
    ("", "Unknown host key", True),
    (ESC, "memory only", False),
    (ESC, "An unfinished restore", False),
    (ENTER, "Cluster health", True),
    (ENTER, "Node", True),
    HOME,
    (" a", "1 node chosen", False),
    HOME,
    ("?", "Help: Cluster health", False),
    HOME,
    ("T", "high-contrast", False),
    HOME,
    ("'", "goes there", False),
    HOME,
    ("\x10", "Search for", False),
    HOME,
    ("b", "Backups", True),
    ("l" + ENTER, "Backup", True),
    (ESC, "Backups", True),
    ("@", "Which moment?", False),
    (ESC, "Backups", True),
    HOME,
    ("i", "Node keys", True),
    HOME,
    ("df", "Service definitions", True),
    HOME,
    ("o", "Logs", True),
    ("k" + ENTER, ", 2026-11-22", True),
    (ESC, "Logs", True),
    ("/", "Filter the logs", False),
    (PASTED, "pasted", False),
    (ESC, "Logs", True),
    ("0", "Whose lines?", False),
    (ESC, "Logs", True),
    HOME,
    ("u", "Runs", True),
    (ENTER, "Run", True),
    (ESC, "Runs", True),
    ("jw", "You watch", True),
    (ESC, "Runs", True),
    HOME,
    ("r", "choose the data", True),
    ("n", "Take these", False),
    (ESC, "choose the data", True),
    ("t", "Only backups taken before", False),
    (ESC, "choose the data", True),
    (ENTER, "Restore: the plan", True),
    ("x", "Step 1 of 8", False),
    ("xx", "Type the cluster's name", False),
    (CLUSTER + ENTER, "It is a production cluster", False),
    ("production" + ENTER, "Step 3 of 8", True),
    ("x", "leave a failed node out", True),
    ("m", "leave db2 out", False),
    (ESC, "leave a failed node out", True),
    ("v", "Roll back", False),
    (ESC, "leave a failed node out", True),
    ("e", "STOPPED", False),
    ("f", "No report", True),
    (ESC, "STOPPED", False),
)


def orders(raw: bytes | bytearray) -> set[str]:
    """All in it that could be an order to the terminal and is not one of Textual's."""
    text = _COPIED.sub("", _CALLED.sub("", _OWN.sub("", raw.decode("utf-8")))).replace("\r\n", "\n")
    return {*re.findall(r"\x1b.{0,20}", text), *UNSHOWABLE.findall(text)}


def copied(raw: bytes | bytearray) -> list[str]:
    """What was put on the operator's clipboard."""
    return [base64.b64decode(text).decode() for text in _COPIED.findall(raw.decode("utf-8"))]


def called(raw: bytes | bytearray) -> list[str]:
    """What was put into the title and into notifications."""
    return ["".join(texts) for texts in _CALLED.findall(raw.decode("utf-8")) if any(texts)]


@pytest.mark.slow
@pytest.mark.timeout(600)  # a frame of 200x60 takes long on a busy machine
@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_value_is_an_order(size: tuple[int, int], tmp_path: Path, home: Path) -> None:
    program = (sys.executable, "-m", "tests.screens.hostile_app")
    env = {"HOME": str(home), "COLORTERM": "truecolor"}
    with Terminal(program=program, env=env, cwd=tmp_path, size=size) as terminal:
        for keys, words, there in WALK:
            terminal.type(keys)
            terminal.expect(words, *([SEEN] if there else []))  # a frame comes in parts, in any order
        terminal.type("c" + "q")
        assert terminal.end() == 130
    assert not orders(terminal.raw)
    assert called(terminal.raw)
    assert all(clean(text) == text for text in called(terminal.raw))
    (text,) = copied(terminal.raw)
    assert SEEN in text
    assert clean(text) == text


@pytest.mark.parametrize(
    "sent", [TEXT, "\x1b[2J", "\x1b[H", "\x1b[8m", "\x1b]0;t\x07", "\x9b2J", "\x07", "\r", "\u202e"]
)
def test_the_test_knows_an_order_when_it_sees_one(sent: str) -> None:
    assert orders(f"\x1b[1;1Hseen\x1b[0;38;2;1;2;3m{sent}\x1b[?25l".encode())
    assert not orders(b"\x1b[1;1Hseen\x1b[0;1;38;2;1;2;3m\x1b[?25l\r\n")
