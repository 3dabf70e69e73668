"""Asks the `ssh` program what its configuration says of a host: `ssh -G`, which connects to nothing.

Commands of `Match exec` are run by it, as they are for every `ssh HOST`.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from loomtui.errors import CallError
from loomtui.fleet.ssh.openssh.options import Asked
from loomtui.programs import Ended, run_program
from loomtui.text import clean_line

#: `-G` came with 6.8; since 8.4 the names of files in its answer have their tokens filled in.
_FIRST_VERSION = (6, 8)
_FILLS_IN_SINCE = (8, 4)
_VERSION = re.compile(rb"OpenSSH_(?:for_Windows_)?(\d{1,3})\.(\d{1,3})")
_LONGEST_ANSWER = 200_000  # bytes; usual are 5,000
_SECONDS = 15.0  # Match exec may ask the network


@dataclass(frozen=True)
class SshProgram:
    path: str
    version: tuple[int, int]

    @property
    def fills_in(self) -> bool:
        """Whether known_hosts files and the agent's socket come with their tokens filled in."""
        return self.version >= _FILLS_IN_SINCE

    def ask(self, asked: Asked, config: Path | None) -> str:
        """What `ssh -G` prints. `config` None: the files that it reads by itself, the machine's too.

        Raises CallError with the program's own sentence where it refuses.
        """
        if asked.host.startswith("-"):
            raise CallError(f"a host cannot be called {clean_line(asked.host, limit=80)!r}")
        words = [self.path, "-G"]
        words += [f"-F{config}"] if config else []
        words += [f"-l{asked.user}"] if asked.user else []
        words += [f"-p{asked.port}"] if asked.port else []
        words += [] if asked.proxied else ["-oProxyJump=none"]
        ended = _run([*words, "--", asked.host], _SECONDS)
        if ended.status == 0:
            return ended.said.decode("utf-8", "surrogateescape")
        if ended.status is None:
            raise CallError(
                f"`ssh -G {asked.host}` was ended: it took {_SECONDS:g} s, or said too much",
                advice="Look at the commands behind `Match exec` in the SSH configuration.",
            )
        raise CallError(
            f"`ssh` refuses its configuration for {asked.host}:"
            f" {clean_line(ended.complained, limit=400) or f'it ended with {ended.status}'}",
            advice="Mend what it names: `ssh` itself does not connect either.",
        )


@cache
def ssh_program(search: str | None) -> SshProgram | None:
    """The `ssh` of this search path (PATH), or None if there is none that can be asked."""
    path = shutil.which("ssh", path=search)
    if path is None:
        return None
    try:
        ended = _run([path, "-V"], _SECONDS)
    except CallError:
        return None
    match = _VERSION.match(ended.complained)
    if match is None:  # another maker's
        return None
    version = (int(match[1]), int(match[2]))
    return SshProgram(path, version) if version >= _FIRST_VERSION else None


def _run(words: list[str], seconds: float) -> Ended:
    try:
        return run_program(words, seconds, most=_LONGEST_ANSWER)
    except (OSError, ValueError) as error:
        raise CallError(f"`{words[0]}` cannot be started: {clean_line(str(error), limit=120)}") from error
