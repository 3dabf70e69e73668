"""What a configuration says of one host, whoever read it; and the reader of what `ssh -G` prints.

Facts: `dump_client_config` of readconf.c (6.8 to 10.5): one `keyword value` a line, keywords in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from loomtui.errors import CallError
from loomtui.fleet.ssh.openssh.lines import matches_list
from loomtui.text import clean_line

#: The names of keys that OpenSSH takes where none is named: four to eight, which differ between versions.
_DEFAULT_KEY = re.compile(r"~/\.ssh/id_[a-z0-9_]{1,20}")
_FEWEST_DEFAULTS = 4
_YES = ("yes", "true")


@dataclass(frozen=True)
class Asked:
    """What is asked for: the words of `ssh -l USER -p PORT HOST`. None: not said, so the file may say it."""

    host: str
    user: str | None = None
    port: int | None = None
    proxied: bool = True  # False: it is reached over another host already, whatever its own ProxyJump says


@dataclass(frozen=True)
class Algorithms:
    """Lists as ssh_config(5) writes them, with `+`, `-`, `^` and patterns. '': nothing is said."""

    ciphers: str = ""
    macs: str = ""
    kex: str = ""
    host_keys: str = ""
    public_keys: str = ""


@dataclass(frozen=True)
class SshOptions:
    """Names of files may hold tokens, but for `user_known_hosts` and `identity_agent`."""

    host_name: str
    user: str
    port: int
    identity_files: tuple[str, ...] = ()  # (): none is named, so the defaults are meant
    certificate_files: tuple[str, ...] = ()
    identity_agent: str = ""  # '': SSH_AUTH_SOCK
    identities_only: bool = False
    user_known_hosts: tuple[str, ...] = ()
    global_known_hosts: tuple[str, ...] = ()
    revoked_host_keys: str = ""
    host_key_alias: str = ""
    strict: bool = False  # StrictHostKeyChecking yes: nobody is asked about an unknown key
    address_family: str = ""  # inet, inet6; '': any
    bind_address: str = ""
    proxy_jump: str = ""  # '': none
    proxy_command: str = ""  # '': none
    proxy_gives_socket: bool = False  # ProxyUseFdpass
    algorithms: Algorithms = Algorithms()


def from_program(text: str) -> SshOptions:
    """Reads what `ssh -G` printed. Raises CallError if that is not what is expected.

    Several known_hosts files stand on one line, without quotes. Where a name in it has a blank, nobody can
    tell where it ends: such a line is given as one name, see `as_files`.
    """
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        found.setdefault(keyword.lower(), []).append(value)

    def one(keyword: str) -> str:
        return found.get(keyword, [""])[0]

    port = one("port")
    if not (one("hostname") and one("user") and port.isdecimal() and 0 < int(port) < 65536):
        raise CallError(f"`ssh -G` gives no host, port and user: {clean_line(text, limit=200)!r}")
    keys = tuple(found.get("identityfile", ()))
    return SshOptions(
        host_name=one("hostname"),
        user=one("user"),
        port=int(port),
        identity_files=() if are_default_keys(keys) else keys,
        certificate_files=tuple(found.get("certificatefile", ())),
        identity_agent=one("identityagent"),
        identities_only=is_yes(one("identitiesonly")),
        user_known_hosts=as_files(one("userknownhostsfile")),
        global_known_hosts=as_files(one("globalknownhostsfile")),
        revoked_host_keys=one("revokedhostkeys"),
        host_key_alias=one("hostkeyalias"),
        strict=is_yes(one("stricthostkeychecking")),
        address_family=family(one("addressfamily")),
        bind_address=one("bindaddress"),
        proxy_jump=one("proxyjump"),
        proxy_command=one("proxycommand"),
        proxy_gives_socket=not one("proxyjump") and is_yes(one("proxyusefdpass")),
        algorithms=algorithms({keyword: values[0] for keyword, values in found.items()}),
    )


def algorithms(found: Mapping[str, str]) -> Algorithms:
    return Algorithms(
        ciphers=found.get("ciphers", ""),
        macs=found.get("macs", ""),
        kex=found.get("kexalgorithms", ""),
        host_keys=found.get("hostkeyalgorithms", ""),
        public_keys=found.get("pubkeyacceptedalgorithms", found.get("pubkeyacceptedkeytypes", "")),
    )


def family(value: str) -> str:
    return "" if value.lower() == "any" else value.lower()


def is_yes(value: str) -> bool:
    return value.lower() in _YES


def are_default_keys(files: Sequence[str]) -> bool:
    return len(files) >= _FEWEST_DEFAULTS and all(map(_DEFAULT_KEY.fullmatch, files))


def as_files(line: str) -> tuple[str, ...]:
    """The names of files on one line, or the whole line as one name if a name may have a blank in it."""
    names = tuple(line.split(" "))
    if line.lower() in ("", "none"):
        return ()
    return names if all(name.startswith(("/", "~")) for name in names) else (line,)


def chosen(wanted: str, usual: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The algorithms that a list of ssh_config(5) leaves, in their order.

    `usual` is what is meant where nothing is said; `known` are all that there are. Fact: `kex_assemble_names`
    of kex.c.
    """
    return _chosen(wanted, tuple(usual), tuple(known))


@lru_cache(maxsize=256)  # it is the same for all nodes
def _chosen(wanted: str, usual: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    if not wanted:
        return usual
    if wanted.startswith("-"):
        return tuple(name for name in usual if not matches_list(name, wanted[1:]))
    added = wanted.removeprefix("+").removeprefix("^").split(",")
    if wanted.startswith("+"):
        added = [*usual, *added]
    elif wanted.startswith("^"):
        added = [*added, *usual]
    return tuple(dict.fromkeys(name for pattern in added for name in known if matches_list(name, pattern)))
