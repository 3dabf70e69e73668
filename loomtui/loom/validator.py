"""The validator key and its signing state, which Loom keeps in one file: `priv_validator.json`.

Source: tendermint 0.22.8 and 0.27.3, privval/priv_validator.go.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class SigningState:
    """The last thing that was signed; nothing at or below it is signed again."""

    height: int
    round: int
    step: int  # 0 nothing, 1 proposal, 2 prevote, 3 precommit


@dataclass(frozen=True)
class ValidatorFacts:
    """What may be known of a `priv_validator.json`: nothing private is in here."""

    address: str | None  # 40 upper-case hex digits
    public_key: str | None  # base64 of 32 bytes
    signing: SigningState | None
    hsm: bool = False  # the key is in a hardware module: the file works only with its own
    problem: str | None = None


def read_validator(text: str | bytes) -> ValidatorFacts:
    """The facts of a `priv_validator.json`; its private part is dropped. Never raises."""
    raise NotImplementedError
