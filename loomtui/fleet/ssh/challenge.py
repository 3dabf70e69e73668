"""What a server asks in keyboard-interactive authentication (RFC 4256, section 3.2), as it may be shown.

Whatever it says is hostile: the words are cleaned and bounded, and so is how much is asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from paramiko import Message

from loomtui.fleet.ssh.client import SSHException
from loomtui.text import clean, clean_line

_MOST_PROMPTS = 20  # at a time; a server could announce four billion
_WORDS_LIMIT = 20_000
_MOST_LINES = 24  # a menu of devices is long
_PROMPT_LIMIT = 200

#: How PAM, BSD authentication and Kerberos ask for the account's password. RFC 4256 does not tell a password
#: from a code: there are only the words, so whatever is worded otherwise is taken for a code.
_PASSWORD = re.compile(r"(?:\S+'s )?password(?: for \S+)?:?", re.IGNORECASE)


@dataclass(frozen=True)
class Prompt:
    """One question, on one line. `before` are the lines that the server says before it."""

    before: tuple[str, ...]
    text: str
    echo: bool  # whether what is typed may be seen

    @property
    def for_password(self) -> bool:
        return not self.echo and _PASSWORD.fullmatch(self.text) is not None


@dataclass(frozen=True)
class Challenge:
    """Questions that are answered together. There may be none: then the server only says something."""

    lines: tuple[str, ...]  # what the server says to all of them
    prompts: tuple[Prompt, ...]


def read_challenge(message: Message) -> Challenge:
    """Reads SSH_MSG_USERAUTH_INFO_REQUEST behind its number. Raises SSHException if it asks too much."""
    name, instruction = message.get_string(), message.get_string()
    message.get_string()  # the language, which nobody uses any more
    count = message.get_int()
    if count > _MOST_PROMPTS:
        raise SSHException(f"the server asks {count} questions at a time")
    lines = _lines(name, instruction)
    prompts = tuple(_prompt(lines, message.get_string(), echo=message.get_boolean()) for _ in range(count))
    return Challenge(lines, prompts)


def _prompt(lines: tuple[str, ...], text: bytes, *, echo: bool) -> Prompt:
    """OpenSSH puts what PAM has to say before the question on lines of their own into the prompt."""
    *before, last = clean(text, limit=_WORDS_LIMIT).rstrip().split("\n")
    return Prompt(_lines(*lines, *before), clean_line(last, limit=_PROMPT_LIMIT), echo)


def _lines(*parts: str | bytes) -> tuple[str, ...]:
    text = "\n".join(clean(part, limit=_WORDS_LIMIT) for part in parts)
    lines = [line for line in (clean_line(line, limit=_PROMPT_LIMIT) for line in text.split("\n")) if line]
    return tuple(lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], "…"])
