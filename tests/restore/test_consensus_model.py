"""No plan says "can move" of a cluster that stands still in the model, nor the other way round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from hypothesis import event, given, settings
from hypothesis import strategies as st

from loomtui.backups.model import Contents
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.inventory.model import Inventory, Node, S3Settings
from loomtui.loom.chainstate import Power
from loomtui.loom.databases import LOOM_GENESIS, TENDERMINT_GENESIS
from loomtui.loom.genesis import canonical_genesis
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.restore.plan import FileAction, NodePlan, Plan, SigningAction
from tests.restore.consensus_model import Machine, blocks_made
from tests.restore.material import (
    Key,
    chain_state,
    node_details,
    node_key_of,
    node_status,
    tendermint_genesis,
)
from tests.restore.test_chain import NEW_GENESIS, saved
from tests.restore.test_planner import data, planned

OWN, OTHER, NONE = "own", "other", "none"
_POWERS = st.integers(1, 100)
_HEIGHTS = st.integers(95, 110)


@dataclass(frozen=True)
class NodeCase:
    live: str  # whose validator key is on it: OWN of this chain, OTHER of a new one, NONE
    live_signed: int
    saved: bool  # whether there is a config backup
    saved_signed: int
    blank: bool  # genesis files of another chain


@dataclass(frozen=True)
class ClusterCase:
    nodes: tuple[NodeCase, ...]
    founders: tuple[int, ...]  # numbers of the nodes whose keys are in the genesis
    now: tuple[tuple[int, int], ...]  # (number, power) of those who decide on the next block
    after: tuple[tuple[int, int], ...]  # likewise on the one after it
    ahead: bool  # the block store is one block ahead of state.db
    keep_keys: bool
    reset: bool


def _members(count: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    numbers = st.lists(st.integers(1, count + 1), min_size=1, unique=True)  # one may be nobody's
    return numbers.flatmap(
        lambda chosen: st.tuples(*(st.tuples(st.just(number), _POWERS) for number in sorted(chosen)))
    )


@st.composite
def clusters(draw: st.DrawFn) -> ClusterCase:
    count = draw(st.integers(1, 7))
    nodes = st.builds(
        NodeCase, st.sampled_from((OWN, OWN, OTHER, NONE)), _HEIGHTS, st.booleans(), _HEIGHTS, st.booleans()
    )
    return ClusterCase(
        nodes=tuple(draw(nodes) for _ in range(count)),
        founders=draw(st.lists(st.integers(1, count + 1), min_size=1, unique=True).map(tuple)),
        now=draw(_members(count)),
        after=draw(_members(count)),
        ahead=draw(st.booleans()),
        keep_keys=draw(st.booleans()),
        reset=draw(st.booleans()),
    )


@cache
def own_key(number: int) -> Key:
    return Key(100 + number)


@cache
def new_key(number: int) -> Key:
    return Key(200 + number)


HEIGHT = 100


def plan_of(case: ClusterCase) -> tuple[Plan, str]:
    genesis = tendermint_genesis(*(own_key(number) for number in case.founders))
    count = len(case.nodes)
    inventory = Inventory(
        cluster="lab",
        production=False,
        s3=S3Settings(bucket="backups"),
        nodes=tuple(Node(name=f"n{number}", host=f"10.0.0.{number}") for number in range(1, count + 1)),
    )
    numbered = list(enumerate(case.nodes, 1))
    plan = planned(
        *(_look(number, node, genesis) for number, node in numbered),
        archive=_data(case, genesis),
        configs={f"n{number}": _saved(number, node, genesis) for number, node in numbered if node.saved},
        inventory=inventory,
        keep_keys=case.keep_keys,
        reset_signing=case.reset,
    )
    return plan, genesis


def _data(case: ClusterCase, genesis: str) -> Contents:
    state = chain_state(HEIGHT, validators=_powers(case.now), next_validators=_powers(case.after))
    store = HEIGHT + 1 if case.ahead else HEIGHT
    return data(HEIGHT, store_height=store, chain=state, texts={TENDERMINT_GENESIS: genesis})


def _powers(members: tuple[tuple[int, int], ...]) -> tuple[Power, ...]:
    return tuple(Power(own_key(number).address, own_key(number).public64, power) for number, power in members)


def _look(number: int, node: NodeCase, genesis: str) -> NodeDetails:
    key = {OWN: own_key(number), OTHER: new_key(number), NONE: None}[node.live]
    validator = key.facts(node.live_signed) if key is not None else None
    status = node_status(f"n{number}", number, validator=validator)
    tendermint = NEW_GENESIS if node.blank else genesis
    return node_details(
        f"n{number}", number, status=status, texts={TENDERMINT_GENESIS: tendermint, LOOM_GENESIS: "{}"}
    )


def _saved(number: int, node: NodeCase, genesis: str) -> Contents:
    key = node_key_of(number)
    return replace(
        saved(number, texts={TENDERMINT_GENESIS: genesis, LOOM_GENESIS: "{}"}),
        node_key=NodeKeyFacts(key.node_id, key.public64),
        validator=own_key(number).facts(node.saved_signed),
    )


def machine_after(number: int, node: NodeCase, plan: NodePlan, case: ClusterCase, genesis: str) -> Machine:
    """What lies on the node when the steps have done what the plan says, by its files, not by its words."""
    live = {OWN: own_key(number).address, OTHER: new_key(number).address, NONE: None}[node.live]
    address, signed = live, node.live_signed
    if plan.signing.action in {SigningAction.RESTORE, SigningAction.RAISE}:
        address, signed = own_key(number).address, node.saved_signed
    elif plan.signing.action is SigningAction.RESET:
        address, signed = plan.signing.address, 0
    (file,) = [file for file in plan.files if file.target == TENDERMINT_GENESIS]
    after = NEW_GENESIS if node.blank else genesis
    if file.action is FileAction.RESTORE:
        after = file.text if file.text is not None else genesis
    store = HEIGHT + 1 if case.ahead else HEIGHT
    same = canonical_genesis(after) == canonical_genesis(genesis)
    return Machine(address, signed, "old" if same else "new", "old", store)


def moves_in_the_model(case: ClusterCase, plan: Plan, genesis: str) -> bool:
    machines = [
        machine_after(number, node, plan.node(f"n{number}"), case, genesis)
        for number, node in enumerate(case.nodes, 1)
    ]
    start = HEIGHT + 1 if case.ahead else HEIGHT
    deciding = {own_key(number).address: power for number, power in (case.after if case.ahead else case.now)}
    return blocks_made(machines, "old", {start + 1: deciding}, start + 1) > start


#: With `--hypothesis-profile=deep`, which tests/conftest.py knows, forty times as many.
_CASES = 10_000 if settings.get_current_profile_name() == "deep" else 250


@settings(max_examples=_CASES)
@given(clusters())
def test_a_prediction_is_what_the_model_does(case: ClusterCase) -> None:
    plan, genesis = plan_of(case)
    moves = moves_in_the_model(case, plan, genesis)
    event(f"moves: {moves}, refused: {bool(plan.refusals)}")
    assert plan.prediction.moves == moves
    assert moves or plan.refusals


def test_a_prediction_by_the_genesis_would_be_wrong() -> None:
    """Two of four founders hold all the power by now, and one of them is ahead."""
    ahead = NodeCase(OWN, 105, False, 0, False)
    ready = replace(ahead, live_signed=100)
    sitting = ((1, 50), (2, 50))
    case = ClusterCase((ahead, ready, ready, ready), (1, 2, 3, 4), sitting, sitting, False, False, False)
    plan, genesis = plan_of(case)
    assert not moves_in_the_model(case, plan, genesis)
    assert not plan.prediction.moves
