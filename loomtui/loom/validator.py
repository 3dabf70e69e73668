"""The validator key and its signing state, which Loom keeps in one file: `priv_validator.json`.

Source: tendermint 0.22.8 and 0.27.3, privval/priv_validator.go.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from loomtui.loom.amino_json import FormFault, first_of, validator_faults
from loomtui.loom.documents import base64_bytes, integer, member, read_object, string
from loomtui.loom.nodekey import validator_address
from loomtui.text import clean_line

_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, order=True)
class SigningState:
    """The last thing that was signed. Nothing at or below it is signed again."""

    height: int
    round: int
    step: int  # 0 nothing, 1 proposal, 2 prevote, 3 precommit


@dataclass(frozen=True)
class ValidatorFacts:
    """What may be known of a `priv_validator.json`. Nothing private is in here."""

    address: str | None  # 40 upper-case hex digits
    public_key: str | None  # base64 of 32 bytes
    signing: SigningState | None
    hsm: bool = False  # the key is in a hardware module: the file works only with its own
    problem: str | None = None
    absent: bool = False  # it is known that there is no such file: no key is held
    closed: bool = False  # it could not be seen: whether there is one is not known either
    form_faults: tuple[FormFault, ...] = ()  # with which no node starts, although the numbers can be told


def read_validator(text: str | bytes) -> ValidatorFacts:
    """The facts of a `priv_validator.json`; its private part is dropped. Never raises.

    `address` is what follows from the public key; if the file says otherwise, `problem` says so.
    """
    try:
        document = read_object(text, limit=_MAX_BYTES)
    except ValueError as error:
        return ValidatorFacts(None, None, None, problem=str(error))
    hsm = document.get("priv_key") is None and document.get("key_id") is not None
    faults, signing = validator_faults(document), _signing(document)
    public = base64_bytes(member(document, "pub_key", "value"), 32)
    if public is None:
        no_key = "pub_key is not base64 of 32 bytes"
        return ValidatorFacts(None, None, signing, hsm, no_key, form_faults=faults)
    address, key = validator_address(public), base64.b64encode(public).decode("ascii")
    form_problem = first_of(faults) if faults else None
    problem = _problem(document, public, hsm) or form_problem
    return ValidatorFacts(address, key, signing, hsm, problem, form_faults=faults)


def is_sound(facts: ValidatorFacts) -> bool:
    """Whether the facts, which somebody else wrote down, are such as `read_validator` gives."""
    texts = [facts.problem or "", *(part for fault in facts.form_faults for part in _parts(fault))]
    if any(clean_line(text) != text for text in texts):
        return False
    signing = facts.signing
    if signing is not None and not all(
        0 <= number < 2**63 for number in (signing.height, signing.round, signing.step)
    ):
        return False
    if facts.public_key is None:
        return facts.address is None
    public = base64_bytes(facts.public_key, 32)
    return public is not None and facts.address == validator_address(public)


def _parts(fault: FormFault) -> tuple[str, ...]:
    return fault.field, fault.found, fault.wanted


def _problem(document: Mapping[str, object], public: bytes, hsm: bool) -> str | None:
    if _signing(document) is None:
        return "last_height, last_round and last_step are not all whole numbers from 0 on"
    if string(document.get("address")).upper() != validator_address(public):
        return f"address is not {validator_address(public)}, which its public key makes"
    if hsm:
        return None
    private = base64_bytes(member(document, "priv_key", "value"), 64)
    if private is None:
        return "priv_key is not base64 of 64 bytes"
    if private[32:] != public:
        return "priv_key and pub_key are not a pair"
    return None


def _signing(document: Mapping[str, object]) -> SigningState | None:
    """A field that is absent counts as 0, as in Go."""
    values = [integer(document.get(name, 0)) for name in ("last_height", "last_round", "last_step")]
    height, round_, step = (value if value is not None and value >= 0 else None for value in values)
    if height is None or round_ is None or step is None:
        return None
    return SigningState(height, round_, step)
