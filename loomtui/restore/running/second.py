"""Whether a plan was seen by two people: signed by somebody else than who runs it.

Where the inventory says `require_second`, this is asked before anything begins, and again when a run goes on.
docs/security.md says what it holds against, and what not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from loomtui.aio import Threads
from loomtui.errors import SecondMissing
from loomtui.fleet.ssh.own_keys import own_public_keys
from loomtui.inventory.model import Inventory, Signer
from loomtui.restore.events import Event, Json
from loomtui.restore.planning.signatures import Key, SignatureToolError, key_of, why_not_good
from loomtui.restore.planning.signed_plan import PlanFile
from loomtui.restore.record.run_store import Run
from loomtui.wording.quantities import joined

#: In an event's data: what is decided.
ASKED = "a second pair of eyes"
#: In an event's data: how that was had, who signed the plan, and who runs it.
ANSWER, SIGNER, RUNNERS = "second", "signer", "runners"

_THREADS = Threads("second")
_HOW = "Have another of the allowed_signers read it and sign it: loomtui plan sign PLAN."


class Answer(StrEnum):
    """How it was had. The values stay, because runs that were begun with them go on."""

    SIGNED = "signed"
    BREAK_GLASS = "break-glass"  # nobody signed: the cluster's name was typed instead


class Lacking(StrEnum):
    """What is missing of the second pair of eyes."""

    SIGNATURE = "signature"
    KNOWN_KEY = "known-key"  # it is signed, with a key of nobody that may sign
    GOOD_SIGNATURE = "good-signature"
    TOOL = "tool"  # to check it with
    KNOWN_RUNNER = "known-runner"
    ANOTHER = "another"  # who signed is who runs it


@dataclass(frozen=True)
class Seen:
    """How the second pair of eyes was had, for the journal."""

    message: str
    data: dict[str, Json]


async def seen(
    inventory: Inventory, file: PlanFile | None, *, break_glass: bool = False, events: Iterable[Event] = ()
) -> Seen | None:
    """None: the inventory wants none. `file` None: the plan was never written. `events`: of the run so far.

    Glass that was broken once in a run stays broken. Raises SecondMissing.
    """
    if not inventory.require_second:
        return None
    past = [event.data for event in events if event.data.get("asked") == ASKED]
    try:
        return await _seen_by_another(inventory, file, past)
    except SecondMissing as missing:
        if not break_glass and all(data.get(ANSWER) != Answer.BREAK_GLASS for data in past):
            raise
        answer = f"break glass, with the cluster's name typed, although {missing.what}"
        data: dict[str, Json] = {"asked": ASKED, "answer": answer, ANSWER: Answer.BREAK_GLASS.value}
        return Seen(
            f"without a second pair of eyes, as the operator typed the cluster's name: {missing.what}", data
        )


async def _seen_by_another(
    inventory: Inventory, file: PlanFile | None, past: Sequence[Mapping[str, Json]]
) -> Seen:
    """`past`: what was decided so far in the run. Raises SecondMissing."""
    signer, key, text = await _THREADS.run(_signer, inventory, file)
    runners = await _THREADS.run(_runners, inventory)
    if not runners:
        raise _missing(
            Lacking.KNOWN_RUNNER,
            "who runs this is not known: neither the SSH agent nor ~/.ssh has a key of the allowed_signers",
            "Let your agent hold yours (ssh-add, ssh -A), or have it listed there.",
        )
    if signer in runners and not any(_is_of_another(data, signer) for data in past):
        raise _missing(
            Lacking.ANOTHER,
            f"{signer} has signed this plan, and runs it as well: a key of {signer} is here",
            _HOW,
        )
    digest = hashlib.sha256(text).hexdigest()
    data: dict[str, Json] = {
        "asked": ASKED,
        "answer": f"signed by {signer} with {key.fingerprint}, run by {joined(runners)}",
        ANSWER: Answer.SIGNED.value,
        SIGNER: signer,
        "key": key.fingerprint,
        RUNNERS: list(runners),
        "sha256": digest,
    }
    return Seen(f"{signer} has signed the plan with {key.fingerprint}; {joined(runners)} runs it", data)


async def seen_of_run(inventory: Inventory, run: Run, *, break_glass: bool = False) -> Seen | None:
    """The same for a run that goes on.

    The journal of one that was taken over came from its nodes, where it may be anybody's word: it decides
    nothing here, and glass has to be broken once more. Raises SecondMissing, CallError.
    """
    events = () if run.generation else run.events()
    return await seen(inventory, run.first_plan(), break_glass=break_glass, events=events)


def _missing(lacking: Lacking, what: str, advice: str) -> SecondMissing:
    return SecondMissing(what, lacking=lacking.value, advice=advice)


def _is_of_another(data: Mapping[str, Json], signer: str) -> bool:
    """Whether somebody else has worked on the run already: then who signed it may help out."""
    runners = data.get(RUNNERS)
    return isinstance(runners, list) and signer not in runners


def _signer(inventory: Inventory, file: PlanFile | None) -> tuple[str, Key, bytes]:
    """Who has signed it, with which key, and what. Raises SecondMissing."""
    if file is None or file.signature is None:
        what = f"nobody else has signed this plan, and {inventory.cluster} wants a second pair of eyes"
        how = _HOW if file is not None else f"Write it with loomtui plan -o PLAN. {_HOW}"
        raise _missing(Lacking.SIGNATURE, what, how)
    try:
        key = key_of(file.signature)
    except ValueError:
        what = "what lies beside the plan as its signature is no SSH signature"
        raise _missing(Lacking.GOOD_SIGNATURE, what, _HOW) from None
    name = next((signer.name for signer in inventory.allowed_signers if signer.blob == key.blob), None)
    if name is None:
        what = f"the plan is signed with a key of nobody among the allowed_signers ({key.fingerprint})"
        raise _missing(Lacking.KNOWN_KEY, what, _HOW)
    try:
        problem = why_not_good(file.text, file.signature, name, key)
    except SignatureToolError as error:
        what = f"the signature of the plan cannot be checked: {error}"
        raise _missing(Lacking.TOOL, what, "Install OpenSSH 8.2 or later here.") from error
    if problem:
        what = (
            f"the signature of {name} is not one of this plan, which may have been changed since: {problem}"
        )
        raise _missing(Lacking.GOOD_SIGNATURE, what, _HOW)
    return name, key, file.text


def _runners(inventory: Inventory) -> tuple[str, ...]:
    """Everybody whose key is in the hands of who runs this."""
    own = own_public_keys(key_files(inventory))
    return tuple(dict.fromkeys(signer.name for signer in inventory.allowed_signers if signer.blob in own))


def key_files(inventory: Inventory) -> tuple[Path, ...]:
    """The private keys that the inventory names."""
    files = (inventory.ssh_of(node).key_file for node in inventory.nodes)
    return tuple(dict.fromkeys(path for path in (inventory.ssh.key_file, *files) if path is not None))


def signers_here(inventory: Inventory) -> tuple[tuple[Signer, Path | None], ...]:
    """The allowed signers whose keys are here, each with its file (None: in the agent). Blocks."""
    own = own_public_keys(key_files(inventory))
    return tuple((signer, own[signer.blob]) for signer in inventory.allowed_signers if signer.blob in own)
