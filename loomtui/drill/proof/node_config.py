"""The configuration of the node that a proof starts: new keys, and no address of another machine.

What the chain's application needs of the cluster's loom.yml stays; what leads elsewhere goes. Source of the
names: loomchain 350994c config/config.go.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from loomtui.backups.model import Contents
from loomtui.drill import machines
from loomtui.drill.history import Keys
from loomtui.drill.machines import P2P_PORT, Machine
from loomtui.drill.node.blocks import Validator
from loomtui.drill.node.documents import loom_genesis, tendermint_genesis
from loomtui.drill.node.keys import node_key_text
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.drill.node.settings import config_toml
from loomtui.errors import Refused
from loomtui.loom.config import is_foreign, load_loom_yml, loom_yml_fields
from loomtui.loom.databases import LOOM_CONFIG, LOOM_GENESIS, TENDERMINT_CONFIG, TENDERMINT_GENESIS
from loomtui.restore.planning.external_addresses import named_addresses

#: Of the only validator, in units of stake.
_POWER = 10
#: Whole parts of a loom.yml that are about other machines, about keys, or about where files lie.
_DROPPED = frozenset(
    {
        "peers",
        "persistentpeers",
        "eventdispatcheruri",
        "eventdispatcher",
        "hsmconfig",
        "dposv2oracleconfig",
        "oracleconfig",
        "rootdir",
        "genesisfile",
        "rpclistenaddress",
        "rpcbindaddress",
        "unsaferpcbindaddress",
        "unsaferpcenabled",
        "logdestination",
        "contractlogdestination",
    }
)
#: A key that ends so switches something on that talks to another chain.
_SWITCH = "oracleenabled"
#: Wherever it stands: in a URL, an address, or a name with dots and a port.
_ANY_HOST = re.compile(
    r"""[a-z][a-z0-9+.-]*://(?:[^\s/@"']*@)?(?P<of_url>\[[0-9a-f:.]*\]|[^\s/:,"']+)
    | (?P<ipv4>\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b)
    | (?P<ipv6>\[[0-9a-f:.]{2,45}\]):
    | (?P<name>\b[a-z0-9-]+(?:\.[a-z0-9-]+)+):[0-9]{1,5}\b""",
    re.IGNORECASE | re.VERBOSE,
)
_OWN = re.compile(r"localhost|0\.0\.0\.0|127(?:\.[0-9]{1,3}){3}|\[::1?\]", re.IGNORECASE)

Texts = Mapping[str, str]  # by their place below the working directory


@dataclass(frozen=True)
class Identity:
    """New for each proof; the node's folder ends with it."""

    keys: Keys

    @classmethod
    def new(cls) -> Identity:
        return cls(Keys.new(random.SystemRandom()))

    @property
    def validator(self) -> Validator:
        return self.keys.as_validator(_POWER)


@dataclass(frozen=True)
class Origin:
    """What is known of the cluster's own configuration."""

    loom_yml: str | None
    genesis: str | None  # Tendermint's
    loom_genesis: str | None

    @classmethod
    def of(cls, data: Contents, config: Contents | None) -> Origin:
        """`data`'s own comes first, because it is of the same moment."""
        texts = {**(config.texts if config is not None else {}), **data.texts}
        return cls(
            texts.get(LOOM_CONFIG), data.genesis_doc or texts.get(TENDERMINT_GENESIS), texts.get(LOOM_GENESIS)
        )


def rendered(origin: Origin, machine: Machine, identity: Identity, chain_id: str | None) -> Texts:
    """All of the node's files that hold no key. Raises Refused while another machine's address is in them."""
    loom_yml = machines.loom_yml(machine)
    if origin.loom_yml is not None:
        loom_yml = isolated(origin.loom_yml, machine)
    toml = config_toml(machine.hostname, P2P_PORT, strict=False, listen=machine.address, pex=False)
    refuse_foreign(loom_yml, toml)
    genesis = origin.genesis
    if genesis is None:
        genesis = tendermint_genesis([identity.validator], chain_id=chain_id)
    return {
        LOOM_CONFIG: loom_yml,
        LOOM_GENESIS: origin.loom_genesis or loom_genesis([identity.validator]),
        TENDERMINT_GENESIS: genesis,
        TENDERMINT_CONFIG: toml,
        "chaindata/config/addrbook.json": json.dumps({"key": identity.keys.node_id[:24], "addrs": []}),
    }


def write(machine: Machine, texts: Texts, identity: Identity) -> None:
    machine.config.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in texts.items():
        (machine.home / name).write_text(text)
    node_key = machine.config / "node_key.json"
    node_key.touch(0o600)
    node_key.write_text(node_key_text(identity.keys.node))
    PrivValidator(machine.config / "priv_validator.json", identity.keys.validator).save()


def isolated(text: str, machine: Machine) -> str:
    """The loom.yml without whatever names another machine. Raises Refused if it cannot be read."""
    try:
        loom_yml_fields(text)  # bounds what its aliases make of it
        document = load_loom_yml(text)
    except ValueError as error:
        raise Refused(
            f"the cluster's loom.yml cannot be read: {error}", advice="Mend its config backup."
        ) from None
    kept = _table({name: value for name, value in document.items() if str(name).lower() not in _DROPPED})
    own = load_loom_yml(machines.loom_yml(machine))
    kept |= {name: own[name] for name in ("RPCListenAddress", "RPCBindAddress")}
    kept["LogDestination"] = ""
    written: str = yaml.safe_dump(kept, sort_keys=False)
    return written


def _table(table: Mapping[object, object]) -> dict[object, object]:
    return {
        name: False if str(name).lower().endswith(_SWITCH) else _without_others(value)
        for name, value in table.items()
        if not _is_elsewhere(value)
    }


def _without_others(value: object) -> object:
    if isinstance(value, dict):
        return _table(value)
    if isinstance(value, list):
        return [_without_others(part) for part in value if not _is_elsewhere(part)]
    return value


def _is_elsewhere(value: object) -> bool:
    return isinstance(value, str) and is_foreign(value)


def refuse_foreign(loom_yml: str, toml: str) -> None:
    """Raises Refused if the files that will be read name another machine in whatever form."""
    named = [f"{one.file}: {one.field}" for one in named_addresses(loom_yml, toml)]
    for name, text in ((LOOM_CONFIG, loom_yml), (TENDERMINT_CONFIG, toml)):
        named += [f"{name}: {host}" for host in _hosts(text) if not _OWN.fullmatch(host)]
    if named:
        raise Refused(
            f"another machine's address would be left in the proof's configuration: {', '.join(named[:3])}",
            advice="Nothing was started. Write it in the form that docs/drills.md names, or take it out.",
        )


def _hosts(text: str) -> Iterator[str]:
    """Whatever reads as a host, comments apart."""
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            for match in _ANY_HOST.finditer(line):
                yield match[match.lastgroup or 0]
