"""What could harm a living chain needs a proof, and no state of a cluster brings it without."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loomtui.inventory.model import Role
from loomtui.loom.advice import Act, Advice, Do, ResetSigningStates, StartService
from loomtui.loom.databases import NEEDED_DATABASES, VALIDATOR
from loomtui.loom.diagnosis import Cluster, Diagnosis, NodeEvidence, diagnose
from loomtui.loom.health import NodeView, judge_cluster
from loomtui.loom.holders import Holder, Life, SoleHolder, StandingChain, Unproven
from loomtui.loom.logrules import RULES
from loomtui.loom.logrules.rule import Severity, rule
from loomtui.loom.validator import SigningState, ValidatorFacts

from .clusters import REGRESSION, node_id

_START = datetime(2026, 11, 22, 18, 48, tzinfo=UTC)
#: What no advice without a proof says: to put the signing state somewhere, to set it back, to start a node.
_HARM = re.compile(
    r"(?i)priv_validator\.json back|--reset-signing|reset .*signing|\bstart (?:it|the (?:node|service))\b"
    r"|systemctl start\b"
)
#: Said to keep from it.
_NOT = re.compile(r"(?i)do not start it")


@pytest.mark.parametrize("text", [*(do.template for do in Do), *(one.advice.text for one in RULES)])
def test_no_text_without_a_proof_lowers_a_signing_state_or_starts_a_node(text: str) -> None:
    assert not _HARM.search(_NOT.sub("", text))


@pytest.mark.parametrize("act", [Act.START, Act.RESET])
def test_what_needs_a_proof_is_no_plain_advice(act: Act) -> None:
    with pytest.raises(ValueError, match="without a proof"):
        Advice(act, "Do it.")


@pytest.mark.parametrize("act", [Act.MEND, Act.RESTART])
def test_no_rule_of_the_log_has_the_signing_state_mended(act: Act) -> None:
    with pytest.raises(ValueError, match="signing state"):
        rule(Severity.ERROR, "x", VALIDATOR, "x", "x", "Put it back.", act)


def test_a_proof_that_does_not_hold_cannot_be_made() -> None:
    one = Holder("n1", Life.STANDS, frozenset({"A"}), 9, members=frozenset({("A", 1)}), height=5)
    assert StandingChain((one,)).height == 5
    for wrong in (
        Holder("n1", Life.OPEN, frozenset({"A"}), 9, members=frozenset({("A", 1)}), height=5),
        Holder("n1", Life.STANDS, None, 9, members=frozenset({("A", 1)}), height=5),
        Holder("n1", Life.STANDS, frozenset({"A"}), 5, members=frozenset({("A", 1)}), height=5),
        Holder("n1", Life.STANDS, frozenset({"A"}), 9, members=None, height=5),
        Holder("n1", Life.STANDS, frozenset({"A"}), 9, members=frozenset({("A", 1)}), height=0),
        Holder("n1", Life.STANDS, frozenset({"B"}), 9, members=frozenset({("A", 1)}), height=5),
    ):
        with pytest.raises(Unproven):
            StandingChain((wrong,))
    with pytest.raises(Unproven):
        StandingChain((one,), frozenset({"f" * 40}))
    with pytest.raises(Unproven):
        SoleHolder("n1", (one, Holder("n2", Life.STOPPED, frozenset({"A"}))))


@dataclass(frozen=True)
class Machine:
    """What is so, whether it is seen or not."""

    key: int | None  # which validator key it holds
    seen: bool  # False: it cannot be reached
    ours: bool  # False: it is not in the inventory
    running: bool
    flapping: bool
    first: int  # its height at the first look
    gained: int  # blocks until the last look
    answers_late: bool  # it gives a height at the last look only
    signed: int
    readable: bool  # its priv_validator.json
    foreign: bool  # initialised by itself: another chain, with itself as its only validator
    cut_off: bool  # connected to nobody
    lines: tuple[str, ...]
    missing: tuple[str, ...] | None

    @property
    def moves(self) -> bool:
        return self.running and self.gained > 0 and not self.foreign


_LINES = st.lists(
    st.sampled_from(
        [
            REGRESSION,
            'E[x] Error signing vote err="Error signing vote: Conflicting data"',
            "E[x] Couldn't connect to any seeds module=p2p",
            "Error: open chaindata/config/priv_validator.json: no such file",
            "E[x] Found conflicting vote from ourselves.",
            "E[x] No LastSignature found",
            "Error: leveldb: manifest corrupted",
            'E[x] err="Cannot find validator 1 in valSet of size 1"',
        ]
    ),
    max_size=2,
).map(tuple)

_HEIGHTS = st.sampled_from([0, 1, 68, 69, 70, 120])


@st.composite
def machines(draw: st.DrawFn) -> tuple[Machine, ...]:
    """Of our chain all that run and gain blocks gain them together, as heights of one chain do."""
    common = draw(_HEIGHTS)
    gained = draw(st.sampled_from([0, 0, 1, 12]))
    one = st.builds(
        Machine,
        key=st.none() | st.integers(0, 7),
        seen=st.booleans() | st.just(True),
        ours=st.just(True),
        running=st.booleans() | st.just(True),
        flapping=st.sampled_from([False, False, False, True]),
        first=st.just(common) | _HEIGHTS,
        gained=st.just(gained) | st.just(0),
        answers_late=st.sampled_from([False, False, False, True]),
        signed=st.just(common) | _HEIGHTS,
        readable=st.sampled_from([True, True, True, False]),
        foreign=st.sampled_from([False, False, False, True]),
        cut_off=st.sampled_from([False, False, False, True]),
        lines=_LINES,
        missing=st.sampled_from([None, (), NEEDED_DATABASES]),
    )
    ours = draw(st.lists(one, min_size=1, max_size=7))
    if draw(st.booleans()):  # as it should be: each has its own key
        ours = [Machine(**{**vars(machine), "key": place}) for place, machine in enumerate(ours)]
    if draw(st.booleans()):  # all set back alike, which is what the reset is for
        alike = {"first": 69, "gained": 0, "signed": 120, "seen": True, "running": True, "flapping": False}
        alike |= {"answers_late": False, "readable": True, "foreign": False}
        odd = draw(st.integers(-1, len(ours) - 1))
        ours = [
            machine if place == odd else Machine(**{**vars(machine), **alike})
            for place, machine in enumerate(ours)
        ]
    others = draw(st.lists(one, max_size=2))
    return (*ours, *(Machine(**{**vars(machine), "ours": False}) for machine in others))


def address(key: int) -> str:
    return f"{key + 1:040X}"


def name_of(place: int) -> str:
    return f"n{place + 1}"


def evidence(world: tuple[Machine, ...], members: tuple[tuple[str, int], ...]) -> Cluster:
    """What is seen of it: three looks in 20 s, the last one's keys and logs."""
    places = [place for place, machine in enumerate(world) if machine.ours]
    looks = [[view(world, members, place, at) for place in places] for at in range(3)]
    verdict = judge_cluster(looks, [_START + timedelta(seconds=10 * at) for at in range(3)])
    nodes = tuple(
        NodeEvidence(name_of(place), looks[-1][index], world[place].seen and world[place].flapping,
                     validator(world[place]), world[place].lines if world[place].seen else ())
        for index, place in enumerate(places)
    )  # fmt: skip
    return Cluster(nodes, None, verdict)


def view(world: tuple[Machine, ...], members: tuple[tuple[str, int], ...], place: int, at: int) -> NodeView:
    machine = world[place]
    if not machine.seen:
        return NodeView(name_of(place), Role.VALIDATOR, reachable=False, active=False)
    answers = machine.running and not machine.flapping and (at == 2 or not machine.answers_late)
    own = address(machine.key) if machine.key is not None else None
    chain = ((own, 10),) if machine.foreign and own else members
    peers = tuple(
        node_id(name_of(other))
        for other, that in enumerate(world)
        if other != place and that.running and not that.cut_off and not machine.cut_off
    )
    return NodeView(
        name_of(place),
        Role.VALIDATOR,
        reachable=True,
        active=machine.running and not machine.flapping,
        height=machine.first + (machine.gained * at) // 2 if answers else None,
        peers=len(peers) if answers else None,
        node_id=node_id(name_of(place)),
        peer_ids=peers if answers else (),
        address=own if answers else None,
        voting_power=dict(chain).get(own or "", 0) if answers else None,
        members=chain if answers else (),
        stopped=not machine.running,
        missing_databases=machine.missing,
    )


def validator(machine: Machine) -> ValidatorFacts | None:
    if not machine.seen:
        return None
    if not machine.readable:
        return ValidatorFacts(None, None, None, problem="not readable without root rights")
    if machine.key is None:
        return ValidatorFacts(None, None, None, problem="missing", absent=True)
    return ValidatorFacts(address(machine.key), None, SigningState(machine.signed, 0, 3))


def lives(world: tuple[Machine, ...], members: tuple[tuple[str, int], ...]) -> bool:
    """It moves, or it could: a member's key is where nobody looked, or enough of them can sign.

    A machine that is not ours and is connected to none of ours cannot be known of: it could only make blocks
    with copies of our keys.
    """
    if any(machine.moves and _knowable(machine, world) for machine in world):
        return True
    known = [machine for machine in world if machine.ours and machine.seen and machine.readable]
    held = {address(machine.key) for machine in known if machine.key is not None}
    if any(member not in held for member, _ in members):
        return True
    chain = [machine for machine in world if machine.running and not machine.foreign]
    tip = max((machine.first for machine in chain if _knowable(machine, world)), default=0)
    able = {address(machine.key) for machine in known if machine.key is not None and machine.signed <= tip}
    total = sum(power for _, power in members)
    return 3 * sum(power for member, power in members if member in able) > 2 * total


def harmless(found: Diagnosis, world: tuple[Machine, ...], members: tuple[tuple[str, int], ...]) -> bool:
    """Judged from the world alone, which the diagnosis does not see."""
    match found.advice:
        case ResetSigningStates(proof=proof):
            lowered = (holder for holder in proof.holders if holder.signed != 0)
            touched = {key for holder in lowered for key in holder.addresses or ()}
            ours = any(member in touched for member, _ in members)
            return not ours or not lives(world, members)
        case StartService(proof=proof):
            own = world[int(proof.name[1:]) - 1].key
            others = (that for place, that in enumerate(world) if name_of(place) != proof.name)
            connected = [that for that in others if _knowable(that, world)]
            return own is None or all(machine.key != own for machine in connected)
        case Advice(act=act, text=text):
            return act not in (Act.START, Act.RESET) and not _HARM.search(_NOT.sub("", text))


def _knowable(machine: Machine, world: tuple[Machine, ...]) -> bool:
    return machine.ours or (machine.running and not machine.cut_off and _is_met(world))


def _is_met(world: tuple[Machine, ...]) -> bool:
    """Some node of ours that answers is connected to others: what is connected can be known."""
    return any(
        machine.ours and machine.seen and machine.running and not machine.flapping and not machine.cut_off
        for machine in world
    )


@settings(max_examples=10_000 if settings.get_current_profile_name() == "deep" else 500)
@given(machines(), st.integers(0, 3))
def test_no_state_of_a_cluster_brings_an_advice_that_harms_a_living_chain(
    world: tuple[Machine, ...], absent: int
) -> None:
    """`absent`: members of the set whose keys are on none of the machines."""
    keys = sorted({machine.key for machine in world if machine.key is not None and not machine.foreign})
    keys += range(20, 20 + (absent if absent < 3 else 0))
    members = tuple((address(key), 10 + 7 * (key % 3)) for key in keys)
    for found in diagnose(evidence(world, members)):
        assert harmless(found, world, members), found


def test_the_states_that_are_tried_are_also_those_in_which_a_reset_is_advised() -> None:
    """Else the property above would say nothing."""
    machine = Machine(0, True, True, True, False, 69, 0, False, 120, True, False, False, (REGRESSION,), None)
    world = tuple(Machine(**{**vars(machine), "key": key}) for key in range(4))
    members = tuple((address(key), 10) for key in range(4))
    assert any(isinstance(one.advice, ResetSigningStates) for one in diagnose(evidence(world, members)))
    stopped = (*world[:3], Machine(**{**vars(world[3]), "running": False}))
    assert any(isinstance(one.advice, StartService) for one in diagnose(evidence(stopped, members)))


def _holder(
    name: str, own: str, signed: int, life: Life, members: frozenset[tuple[str, int]] | None
) -> Holder:
    return Holder(name, life, frozenset({own}), signed, True, members, 69 if members else None)


def test_a_stopped_key_of_another_set_keeps_all_signing_states_from_being_set_back() -> None:
    """n1 was initialised by itself and stands; n2's chain may live on where nobody looked."""
    own, other = address(0), address(1)
    alone = _holder("n1", own, 120, Life.STANDS, frozenset({(own, 10)}))
    assert StandingChain((alone,)).height == 69
    with pytest.raises(Unproven, match="n2 has signed with a key that is in no set"):
        StandingChain((alone, _holder("n2", other, 120, Life.STOPPED, None)))
    assert StandingChain((alone, _holder("n2", other, 0, Life.STOPPED, None))).height == 69
