"""The signing states: they change by a decision, never by accident.

A validator refuses to sign at or below the last height in its own file; that file is the only guard against
signing twice. If older data is put back beside newer files, the chain stands still with everything green
(docs/loom.md 7, C1). If a file is lowered while its blocks live on elsewhere, the validator signs
twice (C4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from loomtui.loom.signing import Signer, forecast
from loomtui.loom.validator import SigningState, ValidatorFacts
from loomtui.restore.plan import Prediction, RemedyKind, Scope, SigningAction, SigningChoice, ValidatorPower

_NOTHING_SIGNED = SigningState(0, 0, 0)


@dataclass(frozen=True)
class SigningCase:
    """What was seen of one node's validator file."""

    name: str
    live: ValidatorFacts | None
    backup: ValidatorFacts | None


def choose_signing(case: SigningCase, scope: Scope, living_height: int | None) -> SigningChoice:
    """What happens to the file without a reset: the node keeps its own key, with the newest state known.

    `living_height` is the height of the chain that goes on without this node; None means that there is none.
    """
    live = case.live if case.live is not None and case.live.address else None
    backup = case.backup if case.backup is not None and case.backup.address else None
    if live is None and backup is None:
        return SigningChoice(
            SigningAction.NONE, None, None, None, None, "no validator key anywhere: it will not sign"
        )
    if live is not None and (backup is None or _is_newest(live, backup)):
        return _choice(
            SigningAction.KEEP, live, live, backup, "the node's own state is the newest: never lowered"
        )
    assert backup is not None  # noqa: S101 - one of the two is there
    own = live if live is not None and live.address == backup.address else None
    if own is not None and own.signing is not None:
        return _choice(
            SigningAction.RESTORE, backup, own, backup, "the backup's state is newer than the node's"
        )
    if scope is Scope.NODES and living_height is not None:
        raised = _choice(
            SigningAction.RAISE,
            backup,
            None,
            backup,
            f"the chain lives on at {living_height}: the backup's key, with that height as its last",
        )
        return replace(raised, result_height=max(living_height, raised.backup_height or 0))
    return _choice(SigningAction.RESTORE, backup, None, backup, _why_lost(live, own))


def _why_lost(live: ValidatorFacts | None, own: ValidatorFacts | None) -> str:
    if own is not None:
        return "the state in the node's own file cannot be read"
    if live is not None:
        return f"the node holds another validator's key ({live.address})"
    return "the node has none"


def _is_newest(live: ValidatorFacts, backup: ValidatorFacts) -> bool:
    if live.address != backup.address:
        return False
    return (live.signing or _NOTHING_SIGNED) >= (backup.signing or _NOTHING_SIGNED)


def _choice(
    action: SigningAction,
    result: ValidatorFacts,
    live: ValidatorFacts | None,
    backup: ValidatorFacts | None,
    reason: str,
) -> SigningChoice:
    return SigningChoice(action, result.address, _height(live), _height(backup), _height(result), reason)


def _height(facts: ValidatorFacts | None) -> int | None:
    if facts is None:
        return None
    return (facts.signing or _NOTHING_SIGNED).height


def reset_choice(choice: SigningChoice) -> SigningChoice:
    """The same file with the signing state set to nothing. A node without a key stays as it is."""
    if choice.action is SigningAction.NONE:
        return choice
    return replace(
        choice,
        action=SigningAction.RESET,
        result_height=0,
        reason="the whole cluster goes back: its signing state starts anew, confirmed by the operator",
    )


def predict(
    height: int | None,
    choices: Mapping[str, SigningChoice],
    validators: Sequence[ValidatorPower],
    *,
    whole_set_in_plan: bool,
) -> Prediction:
    """Whether the chain can move from `height` on.

    `validators` is the set at that height, or None if it is not known.
    """
    if not validators:
        return Prediction(
            False,
            height,
            0,
            0,
            "Who decides on the next block is not known: state.db in the data does not tell its validators. "
            "So whether the chain can move is not known either.",
            remedy="Choose another data backup (--data KEY).",
            remedy_kind=RemedyKind.OTHER_DATA,
        )
    by_address = {choice.address: (name, choice) for name, choice in choices.items() if choice.address}
    signers = [_signer(validator, by_address.get(validator.address)) for validator in validators]
    # An archive whose journals were just rotated does not tell its height. Then only a signing state of
    # nothing is surely not ahead of it.
    outlook = forecast(height or 0, signers)
    anew = [Signer(one.name, one.address, one.power, one.state and _NOTHING_SIGNED) for one in signers]
    may_reset = whole_set_in_plan and forecast(height or 0, anew).moves
    kind, remedy = (RemedyKind.NONE, "") if outlook.moves else _remedy(validators, by_address, may_reset)
    sentence = outlook.sentence if height is not None else _without_height(outlook.moves)
    power, total = outlook.signing_power, outlook.total_power
    return Prediction(outlook.moves, height, power, total, sentence, outlook.stuck, remedy, kind)


def predict_catching_up(living_height: int | None) -> Prediction:
    """The same for a restore of some nodes: the chain has to live on without them."""
    if living_height is not None:
        sentence = (
            f"The chain lives on at {living_height}; the restored nodes catch up with it from their peers."
        )
        return Prediction(True, living_height, 0, 0, sentence)
    return Prediction(
        False,
        None,
        0,
        0,
        "No node that is left out tells a height: does the chain live on without these nodes?",
        remedy="Bring the others up first, or restore every validator together; name those that are dead for "
        "good with --gone.",
        remedy_kind=RemedyKind.WHOLE_SET,
    )


def _without_height(moves: bool) -> str:
    unknown = "The height of the data cannot be read from its archive"
    if moves:
        return f"{unknown}, but every validator's signing state starts anew: the chain can go on."
    return f"{unknown}, so the signing states may be ahead of it, and then the chain would stand still."


def _signer(validator: ValidatorPower, held: tuple[str, SigningChoice] | None) -> Signer:
    if held is None:
        name = validator.node or f"validator {validator.address[:12]}"
        return Signer(name, validator.address, validator.power, None)
    name, choice = held
    return Signer(name, validator.address, validator.power, SigningState(choice.result_height or 0, 0, 0))


def _remedy(
    validators: Sequence[ValidatorPower], by_address: Mapping[str, object], may_reset: bool
) -> tuple[RemedyKind, str]:
    """The way out, as a type and for reading."""
    absent = [one.address[:12] for one in validators if one.address not in by_address]
    if absent and not may_reset:
        return RemedyKind.FIND_KEYS, f"No key for {', '.join(absent)} is on these nodes or in their backups."
    if not may_reset:
        return (
            RemedyKind.WHOLE_SET,
            "Restore every validator together, or restore newer data: only then is there a safe way.",
        )
    return (
        RemedyKind.RESET,
        "Reset the signing state of all restored validators. Safe only because every validator of the set is "
        "in this plan and will be stopped, or is gone: make sure that no other machine still runs with "
        "one of their keys.",
    )
