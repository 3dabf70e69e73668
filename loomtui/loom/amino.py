"""Amino as Tendermint 0.27 stores it: the wire format of protobuf, read strictly and at a bounded cost.

Source: go-amino 0.14.1 binary-decode.go: the numbers of a message's fields never descend, and only a field
that is a list comes more than once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_MAX_FIELD = 2**29

Value = int | bytes
Message = Mapping[int, Sequence[Value]]


def read_message(data: bytes) -> Message:
    """Maps each field number to its values: numbers as they are (64 bits, no sign), bytes for all else.

    Raises ValueError. The cost grows with the length of `data`, so the caller has to bound that.
    """
    fields: dict[int, list[Value]] = {}
    at = last = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if not 0 < number < _MAX_FIELD or number < last:
            raise ValueError("fields out of order")
        last = number
        value, at = _value(data, at, kind)
        fields.setdefault(number, []).append(value)
    return fields


def _value(data: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == _VARINT:
        return _varint(data, at)
    if kind == _BYTES:
        size, at = _varint(data, at)
    elif kind in _FIXED_SIZES:
        size = _FIXED_SIZES[kind]
    else:
        raise ValueError("no such kind of field")
    if at + size > len(data):
        raise ValueError("cut off")
    return data[at : at + size], at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number >= 2**64:
                break
            return number, at
    raise ValueError("no number")


def number(message: Message, field: int) -> int:
    """A signed number; 0 if the field is left out, as amino does with zeros. Raises ValueError."""
    value = _single(message, field, 0)
    if not isinstance(value, int):
        raise ValueError("no number")
    return value - 2**64 if value >= 2**63 else value


def data_of(message: Message, field: int) -> bytes:
    """Bytes; none if the field is left out. Raises ValueError."""
    value = _single(message, field, b"")
    if not isinstance(value, bytes):
        raise ValueError("no bytes")
    return value


def inner(message: Message, field: int) -> Message:
    """The message in a field; an empty one if the field is left out. Raises ValueError."""
    return read_message(data_of(message, field))


def list_of(message: Message, field: int, *, limit: int) -> Sequence[bytes]:
    """Every value of a list of messages. Raises ValueError, also for more than `limit`."""
    values = message.get(field, ())
    messages = [value for value in values if isinstance(value, bytes)]
    if len(messages) != len(values) or len(messages) > limit:
        raise ValueError("no list, or too long")
    return messages


def _single(message: Message, field: int, missing: Value) -> Value:
    values = message.get(field, (missing,))
    if len(values) != 1:
        raise ValueError("more than one")
    return values[0]
