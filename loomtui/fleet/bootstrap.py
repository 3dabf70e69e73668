"""How a script reaches a node's shell, and how its own output is told from what is printed around it.

The text goes over standard input to a fixed line, so that no value and no script is part of a command.
"""

from __future__ import annotations

import os

from loomtui.errors import LoomtuiError
from loomtui.fleet.rights import Rights
from loomtui.text import clean_line

#: Reads the text of a script from standard input and runs it; what is left there is the script's own input.
#: Whatever comes before the line `NONCE:LENGTH` (a password that sudo did not want) is passed over; what a
#: login shell or sudo prints ends at the line NONCE of each output. A text without its last line is not run.
#: Within single quotes it means the same to csh, fish and zsh too: no quote, backslash, `!` or newline in it.
BOOTSTRAP = (
    'while IFS= read -r line; do case $line in "$1":*) break;; esac; line=; done; '
    'script=$(head -c "${line#*:}"); case $script in *"# end of script") ;; *) exit 97;; esac; '
    'nonce=$1; shift; for word; do word=$(printf "%b." "$word"); shift; set -- "$@" "${word%.}"; done; '
    'echo "$nonce"; echo "$nonce" >&2; eval "$script"'
)
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _./:=@%+,-")


def command(rights: Rights, nonce: str, args: tuple[str, ...]) -> str:
    """Raises LoomtuiError for an argument that no command can take, because it would end in the middle."""
    odd = next((arg for arg in args if "\0" in arg), None)
    if odd is not None:
        raise LoomtuiError(f"no command takes a NUL: {clean_line(odd, limit=80)!r}.")
    words = ("sh", "-c", BOOTSTRAP, "loomtui", nonce, *map(escaped, args))
    return rights.prefix + " ".join(f"'{word}'" for word in words)


def escaped(arg: str) -> str:
    """The argument as `printf %b` takes it: all that a login shell might take for its own is octal."""
    return "".join(chr(byte) if byte in _SAFE else f"\\0{byte:03o}" for byte in os.fsencode(arg))


def input_for(nonce: str, text: str) -> bytes:
    """What the bootstrap reads of a script's text."""
    script = text.encode()
    return f"{nonce}:{len(script)}\n".encode() + script


def lines_after(nonce: str, batch: tuple[bytes, ...]) -> tuple[bool, tuple[bytes, ...]]:
    """Whether the script has begun, and its lines. Lines before that are the noise of a login shell."""
    at = next((at for at, line in enumerate(batch, 1) if line.endswith(nonce.encode())), 0)
    return at > 0, batch[at:] if at else ()


def after(nonce: str, printed: bytes) -> tuple[bool, bytes]:
    """Whether the script has begun, and what it said itself.

    Before that come sudo's prompt and lecture, and the noise of a login shell; else that is all.
    """
    noise, begun, own = printed.partition(f"{nonce}\n".encode())
    return bool(begun), own if begun else noise


def last_line(stderr: bytes) -> str:
    """The last line that says something."""
    lines = [clean_line(line, limit=500) for line in stderr.splitlines()]
    return next((line for line in reversed(lines) if line), "")
