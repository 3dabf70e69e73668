"""What a hostile node, object or file may say."""

from __future__ import annotations

import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

#: A command that leaves a trace wherever it is run; see `Canary`.
CALL = "canary"

#: Text that a shell would run.
CODE = (
    f"$({CALL})",
    f"`{CALL}`",
    f"; {CALL} #",
    f"\n{CALL}\n",
    f"| {CALL}",
    f"&& {CALL} &",
    f"'; {CALL}; '",
    f'"; {CALL}; "',
    f"'\"'\"'; {CALL}; '",
    f"\\'; {CALL}; \\'",
    f"$(({CALL}))",
    f"${{x:-$({CALL})}}",
    f"<({CALL})",
    f"){CALL}(",
    f"*) {CALL};; x",
    f"\nEOF\n{CALL}\n",
    f"a[$({CALL})]",
)
#: Arguments that a program would take for an option.
OPTIONS = (
    f"--to-command={CALL}",
    f"--use-compress-program={CALL}",
    "--checkpoint=1",
    f"--checkpoint-action=exec={CALL}",
    f"-I{CALL}",
    "-exec",
    "-rf",
    "--",
    "-",
    "--help",
    "-n",
    "-e",
)
#: What a terminal takes for an order, and characters that nobody sees.
CONTROLS = (
    "\x1b[2J",
    "\x1b[31m",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;title\x1b\\",
    "\x1b]8;;http://evil\x07",
    "\x1bPq#0\x1b\\",
    "\x1b_G\x1b\\",
    "\x1bc",
    "\x1b(0",
    "\x1b",
    "\x1b]",
    "\x1b[",
    "\x9b2J",
    "\x9d0;t\x9c",
    "\x90",
    "\x07",
    "\x08",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x7f",
    "\x85",
    "\u2028",
    "\u202e",
    "\u2066",
    "\u200b",
    "\u061c",
    "\ufeff",
    "\U000e0041",
)
#: What markup, formats and other languages make of text.
MARKUP = (
    "[bold red]",
    "[/]",
    "[/data]",
    "[@click=app.bell]x[/]",
    "[link=http://evil]",
    "%s%n%x",
    "%(name)s",
    "{0.__class__}",
    "{x!r}",
    "<script>",
    "![x](http://evil/)",
    "| a | b |",
    "- ",
    ": ",
    "&a *a",
    "!!python/object/apply:os.system [canary]",
    "\\u0000",
    "null",
    "1e999",
)
PATHS = ("../", "..", "../../../../etc/passwd", "/etc/passwd", "~", "~root", "/", "//", ".", "*", "?", "[a]")
PLAIN = ("a", "app.db", "val-1", " ", "é", "漢字", "\U0001f600", "'", '"', "\\", "$", "!", "#", "\t", "\n")
LONG = ("A" * 5_000, "(" * 600, "\\" * 300, "á" * 2_000)

_FRAGMENTS = st.sampled_from((*CODE, *OPTIONS, *CONTROLS, *MARKUP, *PATHS, *PLAIN, *LONG))
_CHARACTERS = st.characters(exclude_categories=["Cs"])


def texts(*, nul: bool = False, max_parts: int = 5) -> st.SearchStrategy[str]:
    """Hostile text of any length, with NUL where it is asked for."""
    parts = _FRAGMENTS | st.text(_CHARACTERS, max_size=10)
    joined = st.lists(parts, min_size=1, max_size=max_parts).map("".join)
    if nul:
        return st.tuples(joined, st.sampled_from(("", "\0", "\0canary"))).map("".join)
    return joined.map(lambda text: text.replace("\0", ""))


def byte_strings() -> st.SearchStrategy[bytes]:
    """Hostile bytes, UTF-8 or not."""
    return st.one_of(
        texts(nul=True).map(lambda text: text.encode("utf-8", "replace")),
        st.lists(st.sampled_from([b"\xff", b"\xc3", b"\x80", b"\x1b[2J", b"a", b"\n"]) | st.binary()).map(
            b"".join
        ),
    )


def file_names(*, controls: bool = True) -> st.SearchStrategy[str]:
    """Names that a file of Linux may have: one component, at most 100 bytes here."""

    def name(text: str) -> str:
        kept = text if controls else re.sub(r"[\x00-\x1f\x7f]", "", text)
        short = kept.replace("/", "").replace("\0", "").encode()[:100].decode("utf-8", "ignore")
        return short if short not in ("", ".", "..") else "x"

    return texts(max_parts=3).map(name)


@dataclass(frozen=True)
class Canary:
    """A command that a test puts in the way of hostile text; it must never be run."""

    trace: Path

    @classmethod
    def put(cls, folder: Path, trace: Path) -> Canary:
        """Makes the command in a folder of the PATH."""
        command = folder / CALL
        command.write_text(f'#!/bin/sh\n: >>"{trace}"\n')
        command.chmod(0o755)
        return cls(trace)

    @property
    def sang(self) -> bool:
        return self.trace.exists()


def shells() -> list[str]:
    """The POSIX shells of this machine."""
    return [path for name in ("dash", "bash", "busybox") if (path := shutil.which(name))] or ["/bin/sh"]


def harmless(said: object) -> None:
    """Nothing in it is an order to a terminal, or hides from who reads it."""
    odd = {sign for sign in str(said) if sign not in "\t\n" and _is_odd(sign)}
    assert not odd, (odd, said)


def _is_odd(sign: str) -> bool:
    """A control character, half a character, a break of lines, a turn of direction, or of no width."""
    unseen = (
        sign in "\xad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff" or "\U000e0000" <= sign < "\U000e0080"
    )
    turns = unicodedata.bidirectional(sign) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return unseen or turns or unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign == "\u061c"
