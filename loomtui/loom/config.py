"""Loom's and Tendermint's configuration files, as far as they matter to a restore.

Sources: loomchain config/config.go, cmd/loom/common/config.go, viper 1.0.3; tendermint 0.27.3 config/toml.go.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from loomtui.loom.documents import member, string
from loomtui.loom.secrets import mask_secrets as mask_secrets
from loomtui.text import clean_line

_MAX_CHARS = 64 * 1024
_MAX_BRACKETS = 1_000  # PyYAML's time grows with the square of the nesting
_MAX_DOTS = 300  # on one line: TOML's dotted keys cost the square of their parts
_MAX_VALUES = 10_000
_FOLDERS = (".", "config", "../../..")
_SUFFIXES = ("json", "toml", "yaml", "yml", "properties", "props", "prop", "hcl")
#: What PyYAML lets through on malformed scalars, beside its own errors.
_YAML_ERRORS = (
    yaml.YAMLError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    TypeError,
    RecursionError,
)
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^\s/]*@)?(?P<host>\[[^\]\s]*\]|[^\s/:]*)", re.IGNORECASE
)
_HOST_AND_PORT = re.compile(
    r"(?:[^\s@/]*@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}"
)
_IPV4 = re.compile(r"(?P<host>[0-9]{1,3}(?:\.[0-9]{1,3}){3})")
_OWN_HOSTS = re.compile(r"|localhost|0\.0\.0\.0|127\.[0-9.]+|\[::1?\]", re.IGNORECASE)
#: The same as sed does it in remote/change/redis.sh.
_REDIS = re.compile(r"(?P<head>rediss?://(?:[^\s/\"',]*@)?)(?P<place>[^\s/\"',?#]*)")
REDIS_PLACE = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}")
_LISTEN = re.compile(r"(?:[a-z0-9]+://)?.*:(?P<port>[0-9]{1,5})", re.DOTALL)


@dataclass(frozen=True)
class LoomYml:
    """What matters in a loom.yml. A field that is not set has Loom's default."""

    app_store_version: int | None = None  # None: the default of the node's build
    rpc_listen: str | None = None  # RPCListenAddress, Tendermint's RPC
    redis_uris: tuple[str, ...] = ()  # passwords are hidden
    foreign_addresses: tuple[
        tuple[str, str], ...
    ] = ()  # (field, address) of other machines, passwords hidden
    problem: str | None = None


@dataclass(frozen=True)
class TendermintConfig:
    """What matters in a config.toml."""

    p2p_port: int | None = None  # of [p2p] laddr
    external_address: str = ""
    moniker: str = ""
    problem: str | None = None
    unreadable: bool = False  # nothing in it counts


def read_loom_yml(text: str) -> LoomYml:
    """Never raises. Field names count in upper or lower case, as viper reads them."""
    try:
        values = tuple(_leaves(load_loom_yml(text)))
    except ValueError as error:
        return LoomYml(problem=str(error))
    fields = _by_lower_case(values)
    version, problem = _version(fields.get("appstore.version"))
    addresses = tuple(
        (clean_line(path, limit=120), mask_secrets(clean_line(value, limit=300)))
        for path, value in values
        if isinstance(value, str) and is_foreign(value)
    )
    return LoomYml(
        app_store_version=version,
        rpc_listen=_text(fields, "rpclistenaddress") or None,
        redis_uris=tuple(address for _, address in addresses if address.lower().startswith("redis")),
        foreign_addresses=addresses,
        problem=problem,
    )


def loom_yml_fields(text: str) -> Mapping[str, object]:
    """Every value of a loom.yml by its dotted path in lower case. Raises ValueError with a phrase."""
    return _by_lower_case(_leaves(load_loom_yml(text)))


def _by_lower_case(values: Iterable[tuple[str, object]]) -> dict[str, object]:
    return {path.lower(): value for path, value in values}


def redis_place(uri: str) -> tuple[str, int] | None:
    """Host and port of a Redis URI, or None if it is none. The default port is 6379."""
    match = _REDIS.match(uri)
    place = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?", match["place"]) if match else None
    if place is None or not place[1]:
        return None
    return place[1].strip("[]"), int(place[2] or 6379)


def with_redis(text: str, place: str) -> str:
    """The loom.yml with HOST:PORT in every Redis URI; user, password, path and all else stay as they are.

    Raises ValueError with a sentence if that cannot be done for certain.
    """
    if not REDIS_PLACE.fullmatch(place):
        raise ValueError(f"{clean_line(place, limit=80)} is not HOST:PORT")
    lines = text.split("\n")
    changed = [
        line if line.lstrip().startswith("#") else _REDIS.sub(rf"\g<head>{place}", line) for line in lines
    ]
    after = "\n".join(changed)
    wanted = {path: _with_place(value, place) for path, value in _leaves(load_loom_yml(text))}
    if dict(_leaves(load_loom_yml(after))) != wanted:
        raise ValueError("the Redis address stands there in a form that is not changed by loomtui")
    return after


def _with_place(value: object, place: str) -> object:
    if not isinstance(value, str) or not value.lower().startswith("redis"):
        return value
    scheme, slashes, rest = value.partition("://")
    if not slashes:
        return value
    authority, slash, path = rest.partition("/")
    if "@" in path or "," in authority:
        raise ValueError(
            "a Redis URI has a user, password or list of hosts that cannot be told apart for certain"
        )
    user, at, _ = authority.rpartition("@")
    return f"{scheme}{slashes}{user}{at}{place}{slash}{path}"


def winning_config(names: Iterable[str]) -> str | None:
    """Which of these paths, relative to the working directory, Loom reads: the first one in viper's order."""
    ranks = {str(PurePosixPath(name)): name for name in names}
    for folder in _FOLDERS:
        for suffix in _SUFFIXES:
            name = ranks.get(str(PurePosixPath(folder, f"loom.{suffix}")))
            if name is not None:
                return name
    return None


def read_config_toml(text: str) -> TendermintConfig:
    """Never raises."""
    try:
        document = load_toml(text)
    except ValueError as error:
        return TendermintConfig(problem=str(error), unreadable=True)
    p2p = document.get("p2p")
    listen = string(member(p2p, "laddr"))
    match = _LISTEN.fullmatch(listen)
    port = int(match["port"]) if match else None
    bad = listen and (port is None or not 1 <= port <= 65535)
    return TendermintConfig(
        p2p_port=None if bad else port,
        external_address=clean_line(string(member(p2p, "external_address")), limit=300),
        moniker=clean_line(string(document.get("moniker")), limit=120),
        problem=f"[p2p] laddr has no port: {clean_line(listen, limit=80)}" if bad else None,
    )


def load_toml(text: str) -> Mapping[str, object]:
    """The document in a config.toml. Raises ValueError with a phrase."""
    if len(text) > _MAX_CHARS or any(line.count(".") > _MAX_DOTS for line in text.split("\n")):
        raise ValueError("larger than a config.toml can be")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("not TOML: loom ignores all of it and runs on its defaults") from None


def load_loom_yml(text: str) -> Mapping[object, object]:
    """The document in a loom.yml. Raises ValueError with a phrase."""
    if len(text) > _MAX_CHARS or text.count("[") + text.count("{") > _MAX_BRACKETS:
        raise ValueError("larger than a loom.yml can be")
    try:
        document = yaml.safe_load(text)
    except _YAML_ERRORS:
        raise ValueError("not YAML: loom ignores all of it and runs on its defaults") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ValueError("not a YAML mapping: loom ignores all of it and runs on its defaults")
    return document


def _leaves(document: object) -> Iterator[tuple[str, object]]:
    """Every value with its dotted path. Raises ValueError if aliases multiply them beyond reason."""
    pending: list[tuple[str, object]] = [("", document)]
    for _ in range(_MAX_VALUES):
        if not pending:
            return
        path, value = pending.pop()
        if isinstance(value, dict):
            pending += [(f"{path}.{_key(name)}".lstrip("."), value[name]) for name in reversed(value)]
        elif isinstance(value, list):
            pending += [(f"{path}[{at}]", value[at]) for at in reversed(range(len(value)))]
        else:
            yield path, value
    raise ValueError("more values than a loom.yml can have")


def _key(name: object) -> str:
    return str(name)[:80]


def _text(fields: Mapping[str, object], name: str) -> str:
    return clean_line(string(fields.get(name)), limit=300)


def _version(value: object) -> tuple[int | None, str | None]:
    if value is None:
        return None, None
    try:
        return int(str(value)[:20]), None
    except ValueError:
        return None, "AppStore.Version is not a number: every loom command would panic"


def is_foreign(value: str) -> bool:
    """Whether a value of a config file is an address of another machine."""
    text = value.strip()[:2000]
    match = _URL.match(text) or _HOST_AND_PORT.fullmatch(text) or _IPV4.fullmatch(text)
    if not match or match.groupdict().get("scheme", "").lower() == "file":
        return False
    return not _OWN_HOSTS.fullmatch(match["host"])
