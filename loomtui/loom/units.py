"""systemd unit files: what is in force, and the one change that loomtui makes to them.

Sources: systemd.unit(5), systemd.service(5), systemd.syntax(7); loomchain cmd/loom/loom.go for the flags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class PeerFlag(StrEnum):
    PEERS = "--peers"  # Tendermint's seeds; also `-p`
    PERSISTENT = "--persistent-peers"


@dataclass(frozen=True)
class UnitFile:
    path: str
    text: str


@dataclass(frozen=True)
class PeerValue:
    """The value of a flag that is in force: of repeated flags the last one wins."""

    flag: PeerFlag
    value: str  # after systemd's unquoting
    file: str
    line: int  # 1-based, where the value begins


@dataclass(frozen=True)
class EffectiveUnit:
    """A unit with all its drop-ins applied."""

    files: tuple[UnitFile, ...]  # the fragment first, then the drop-ins in their order
    user: str = "root"
    group: str = ""  # empty: the user's own
    working_directory: str = "/"
    environment_files: tuple[str, ...] = ()
    exec_start: tuple[str, ...] = ()  # argv after systemd's quoting rules; $VAR is kept as written
    exec_start_file: str = ""  # which of `files` holds the command in force
    exec_start_line: int = 0  # 1-based
    peer_values: tuple[PeerValue, ...] = ()
    problems: tuple[str, ...] = ()  # sentences

    def text_of(self, path: str) -> str:
        """The text of one of its files. Raises KeyError."""
        for file in self.files:
            if file.path == path:
                return file.text
        raise KeyError(path)


def read_cat(text: str) -> EffectiveUnit:
    """Reads the output of `systemctl cat UNIT`. Never raises."""
    raise NotImplementedError


def read_unit(path: str, text: str) -> EffectiveUnit:
    """Reads one unit file. Never raises."""
    raise NotImplementedError


def rewrite_peers(text: str, values: Mapping[PeerFlag, str]) -> str:
    """The text of one unit file or drop-in with other peers; every other character stays as it is.

    A flag that the command lacks is appended to it. Raises ValueError with a sentence where the values
    cannot be changed in this file: no ExecStart, peers that come from a variable, a shell command.
    """
    raise NotImplementedError
