"""The state of Tendermint as state.db keeps it: who decides at which height, in Amino.

Written independently of `loomtui.loom.chainstate`, which reads real databases: tests check one by the other.
Sources: tendermint 0.27.3 state/state.go, state/store.go, state/execution.go (`updateState`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from loomtui.drill.node.blocks import Block, Genesis, Validator, timestamp
from loomtui.drill.node.keys import identity
from loomtui.drill.node.varint import read_varint, varint

GENESIS_DOC, STATE, VALIDATORS, PARAMS = b"genesisDoc", b"stateKey", b"validatorsKey", b"consensusParamsKey"

#: On a DPOS chain the stakes take the place of the powers in the genesis, and rewards let them grow.
STAKE, REWARD = 1_250_000_000_000, 3_962
_LEAST_STAKE = 1_000_000  # a lower power is not a stake, but one of a genesis

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = bytes.fromhex("0a0208081206") + b"0.27.3"
_CONSENSUS_PARAMS = bytes.fromhex("0a10088080c00a10ffffffffffffffffff01120408a08d061a090a0765643235353139")
_KEY_PREFIX = bytes.fromhex("1624de6420")

Validators = tuple[Validator, ...]


@dataclass(frozen=True)
class State:
    """After the block of `height`; each set by address, as Tendermint sorts it."""

    chain_id: str
    height: int
    block_hash: str
    time: str  # of the block; of the genesis where there is none
    last_validators: Validators  # who signed this block
    validators: Validators  # who decides on the next one
    next_validators: Validators  # and on the one behind it
    last_change: int
    app_hash: str

    @classmethod
    def of_genesis(cls, genesis: Genesis) -> State:
        """Before the first block."""
        members = _sorted(genesis.validators)
        return cls(genesis.chain_id, 0, "", genesis.time, (), members, members, 1, "")

    def after(self, block: Block, app_hash: str) -> State:
        """What the application elects in a block decides two heights later."""
        members = block.elected or self.next_validators
        return State(
            self.chain_id,
            block.height,
            block.hash,
            block.time,
            self.validators,
            self.next_validators,
            _sorted(replace(entry, power=_rewarded(entry.power)) for entry in members),
            block.height + 2,
            app_hash,
        )

    def stored(self) -> list[tuple[bytes, bytes]]:
        """What is written with it, in order."""
        height = self.height
        params = _number(2, 1) if height else _bytes(1, _CONSENSUS_PARAMS) + _number(2, 1)
        sets = [(b"%s:%d" % (VALIDATORS, height + 2), stored_set(self.next_validators, height + 2))]
        if not height:
            sets = [
                (VALIDATORS + b":1", stored_set(self.validators, 1)),
                (VALIDATORS + b":2", _number(2, 1)),
            ]
        return [*sets, (b"%s:%d" % (PARAMS, height + 1), params), (STATE, self.encode())]

    def encode(self) -> bytes:
        last = self.height > 0
        block_hash = bytes.fromhex(self.block_hash)
        parts = _number(1, 1) + _bytes(2, hashlib.sha256(block_hash).digest())
        return b"".join(
            (
                _bytes(1, _VERSION),
                _bytes(2, self.chain_id.encode()),
                _number(3, self.height),
                _bytes(5, _bytes(1, block_hash) + _bytes(2, parts)) if last else b"",
                _bytes(6, _time(self.time)),
                _bytes(7, encode_set(self.next_validators)),
                _bytes(8, encode_set(self.validators)),
                _bytes(9, encode_set(self.last_validators)) if last else b"",
                _number(10, self.last_change),
                _bytes(11, _CONSENSUS_PARAMS),
                _number(12, 1),
                _bytes(14, bytes.fromhex(self.app_hash)),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> State:
        """Raises LookupError, ValueError for what is no state."""
        fields = _fields(data)
        block_time = _fields(fields.get(6, [b""])[0])
        return cls(
            fields[2][0].decode(),
            _plain(fields, 3),
            _fields(fields.get(5, [b""])[0]).get(1, [b""])[0].hex().upper(),
            timestamp(
                _EPOCH + timedelta(seconds=_plain(block_time, 1), microseconds=_plain(block_time, 2) // 1000)
            ),
            _read_set(fields.get(9, [b""])[0]),
            _read_set(fields.get(8, [b""])[0]),
            _read_set(fields.get(7, [b""])[0]),
            _plain(fields, 10),
            fields.get(14, [b""])[0].hex().upper(),
        )


def read_validators(stored: bytes) -> Validators:
    """The value of `validatorsKey:H`; none where it only names the height of the last change."""
    return _read_set(_fields(stored).get(1, [b""])[0])


def _sorted(members: Iterable[Validator]) -> Validators:
    return tuple(sorted(members, key=lambda entry: entry.address))


def _rewarded(power: int) -> int:
    return power + REWARD if power >= _LEAST_STAKE else STAKE


def stored_set(members: Validators, height: int) -> bytes:
    return _bytes(1, encode_set(members)) + _number(2, height)


def encode_set(members: Sequence[Validator]) -> bytes:
    """With its first member as the proposer: the stand-in takes turns by height."""
    entries = [_member(entry) for entry in members]
    return b"".join(_bytes(1, entry) for entry in entries) + (_bytes(2, entries[0]) if entries else b"")


def _member(entry: Validator) -> bytes:
    public = base64.b64decode(entry.public_key)
    return _bytes(1, bytes.fromhex(entry.address)) + _bytes(2, _KEY_PREFIX + public) + _number(3, entry.power)


def _read_set(data: bytes) -> Validators:
    members = []
    for raw in _fields(data).get(1, []):
        entry = _fields(raw)
        public = entry[2][0].removeprefix(_KEY_PREFIX)
        encoded = base64.b64encode(public).decode()
        members.append(Validator(identity(public).upper(), encoded, _plain(entry, 3)))
    return tuple(members)


def _time(text: str) -> bytes:
    since = datetime.fromisoformat(text).astimezone(UTC) - _EPOCH
    return _number(1, since // timedelta(seconds=1)) + _number(2, since.microseconds * 1000)


def _number(field: int, value: int) -> bytes:
    """Nothing for a zero, as amino leaves it out."""
    return varint(field << 3) + varint(value) if value else b""


def _bytes(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value if value else b""


def _fields(data: bytes) -> dict[int, list[bytes]]:
    """Every field's values; a number as the bytes of its varint."""
    fields: dict[int, list[bytes]] = {}
    at = 0
    while at < len(data):
        (key, at), start = read_varint(data, at), 0
        if key & 7 == 2:
            size, start = read_varint(data, at)
            at = start + size
        else:
            start, at = at, read_varint(data, at)[1]
        fields.setdefault(key >> 3, []).append(data[start:at])
    return fields


def _plain(fields: dict[int, list[bytes]], field: int) -> int:
    return read_varint(fields[field][0], 0)[0] if field in fields else 0
