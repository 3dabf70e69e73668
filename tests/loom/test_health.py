from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loomtui.inventory.model import Role
from loomtui.loom.health import ClusterState, NodeView, Verdict, judge_cluster

START = datetime(2026, 11, 22, 18, 48, 0, tzinfo=UTC)
NAMES = ("n1", "n2", "n3", "n4")


def view(name: str, height: int | None, **changes: Any) -> NodeView:
    values: dict[str, object] = {
        "role": Role.BACKUP if name == "n4" else Role.VALIDATOR,
        "reachable": True,
        "active": True,
        "app_hash": f"HASH-OF-{height}",
        "peers": 3 if name == "n4" else 2,
        "block_time": START - timedelta(seconds=5),
    }
    return NodeView(name, height=height, **(values | changes))  # type: ignore[arg-type]


def look(*heights: int | None, **of_n1: object) -> list[NodeView]:
    return [
        view(name, height, **(of_n1 if name == "n1" else {}))
        for name, height in zip(NAMES, heights, strict=False)
    ]


def judged(*looks: list[NodeView], every: float = 10) -> Verdict:
    return judge_cluster(looks, [START + timedelta(seconds=every * at) for at in range(len(looks))])


def test_healthy_is_heights_that_grow_everywhere_with_equal_hashes_and_all_peers() -> None:
    verdict = judged(look(100, 100, 100, 99), look(107, 107, 108, 107))
    assert (verdict.state, verdict.growing, verdict.reasons) == (ClusterState.HEALTHY, True, ())
    assert (
        verdict.sentence == "The chain moves, now at 108, with equal app hashes and all peers on every node."
    )


def test_one_look_says_nothing_about_growth() -> None:
    verdict = judged(look(100, 100, 100, 100))
    assert verdict.state is ClusterState.UNKNOWN
    assert "after 15 s" in verdict.sentence


def test_a_chain_that_stands_still_is_halted_however_green_all_is() -> None:
    verdict = judged(look(69, 69, 69, 69), look(69, 69, 69, 69), look(69, 69, 69, 69))
    assert (verdict.state, verdict.growing) == (ClusterState.HALTED, False)
    assert verdict.sentence == "The chain stands still at 69 since 2026-11-22 18:47:55 UTC, all nodes up."


def test_halted_with_nodes_at_different_heights_and_one_down() -> None:
    three = [look(69, 68, None, 69, active=False, block_time=None) for _ in range(3)]
    verdict = judged(*three)
    assert verdict.state is ClusterState.HALTED
    assert verdict.sentence.startswith("The chain stands still at 68 to 69 since ")
    assert verdict.sentence.endswith(", 3 of 4 nodes up.")
    assert "The service on n1 does not run." in verdict.reasons
    assert "n3 gives no height." in verdict.reasons


def test_halted_without_block_times() -> None:
    still = [[view(name, 5, block_time=None) for name in NAMES] for _ in range(3)]
    assert judged(*still).sentence == "The chain stands still at 5, all nodes up."


def test_two_looks_close_together_do_not_make_a_halt() -> None:
    assert judged(look(69, 69, 69, 69), look(69, 69, 69, 69), every=1).state is ClusterState.UNKNOWN


def test_before_any_height_is_known() -> None:
    verdict = judged(look(None, None, None, None))
    assert (verdict.state, len(verdict.reasons)) == (ClusterState.UNKNOWN, 4)
    assert "no node gives a height yet" in verdict.sentence


def test_nothing_was_looked_at() -> None:
    assert judged().state is ClusterState.UNKNOWN
    assert judged([]).state is ClusterState.UNKNOWN


def test_no_node_reachable_and_no_node_running() -> None:
    gone = [view(name, None, reachable=False, active=False) for name in NAMES]
    assert judged(gone).state is ClusterState.UNREACHABLE
    stopped = [view(name, None, active=False) for name in NAMES]
    assert judged(stopped).sentence == "The service runs on no node."
    mixed = judged([*stopped[:3], gone[3]])
    assert (mixed.state, mixed.reasons) == (ClusterState.STOPPED, ("n4 cannot be reached.",))
    assert mixed.sentence == "The service runs on no node that can be reached."


def test_a_crash_loop_is_not_a_stop() -> None:
    crashing = [view(name, None, active=False, crashes=True) for name in NAMES]
    everywhere = judged(crashing)
    assert everywhere.state is ClusterState.CRASHING
    assert everywhere.sentence == "Loom crashes and is restarted, over and over, on every node."
    stopped = view("n4", None, active=False, stopped=True)
    partly = judged([*crashing[:3], stopped])
    assert partly.state is ClusterState.CRASHING
    assert partly.sentence.endswith("on n1, n2 and n3; the service does not run on n4.")
    gone = view("n4", None, reachable=False, active=False)
    assert judged([*crashing[:3], gone]).sentence.endswith("on every node that can be reached.")


def test_a_node_that_is_met_between_two_crashes_still_crashes() -> None:
    crashing = [view(name, None, active=False, crashes=True) for name in NAMES]
    between = [view(name, None) for name in NAMES]
    assert judged(crashing, between, every=2).state is ClusterState.CRASHING
    answers = [view(name, 69) for name in NAMES]
    assert judged(crashing, answers, every=2).state is ClusterState.UNKNOWN


def test_one_node_that_crashes_is_told_so() -> None:
    one = [view("n1", None, active=False, crashes=True), *(view(name, 69) for name in NAMES[1:])]
    verdict = judged(one, one, one)
    assert (verdict.state, verdict.reasons[0]) == (
        ClusterState.HALTED,
        "Loom on n1 crashes and is restarted, over and over.",
    )


def test_nodes_that_a_run_holds_are_not_just_stopped() -> None:
    held = [view(name, None, active=False, held_by="20261121-031415-ab12") for name in NAMES]
    verdict = judged(held)
    assert verdict.sentence == "The service runs on no node: held from starting by 20261121-031415-ab12."
    assert verdict.held == {"20261121-031415-ab12"}
    assert judged([*held[:3], view("n4", None, active=False)]).sentence == "The service runs on no node."


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (
            {},
            {"peers": 1},
            "n1 has 1 of 2 peers: whether n2 and n3 are there cannot be told, for the node ID is not known.",
        ),
        ({}, {"reachable": False, "active": False, "height": None}, "n1 cannot be reached."),
        ({}, {"active": False}, "The service on n1 does not run."),
        ({}, {"catching_up": True}, "n1 is catching up, at 120."),
        ({"app_hash": "OTHER"}, {}, "The app hashes differ at 100: n1 OTHER, n2 HASH-OF-"),
        ({}, {"app_hash": "OTHER"}, "The app hashes differ at 120: n1 OTHER, n2 HASH-OF-"),
    ],
)
def test_degraded_says_why(first: dict[str, object], second: dict[str, object], reason: str) -> None:
    before, after = look(100, 100, 100, 100, **first), look(120, 120, 120, 120)
    height = second.pop("height", 120)
    after[0] = view("n1", height, **second)  # type: ignore[arg-type]
    verdict = judged(before, after)
    assert verdict.state is ClusterState.DEGRADED
    assert reason in verdict.reasons[0]
    assert reason in verdict.sentence
    assert verdict.sentence.startswith("The chain moves, now at 120, but: ")


def test_one_node_that_stands_still_while_the_chain_moves() -> None:
    looks = [look(19, 100 + at, 100 + at, 100 + at) for at in range(3)]
    verdict = judged(*looks)
    assert (verdict.state, verdict.growing) == (ClusterState.DEGRADED, False)
    assert verdict.reasons == ("n1 stands still at 19.",)
    early = judged(*looks[:2], every=1)
    assert (early.state, early.sentence) == (
        ClusterState.UNKNOWN,
        "The chain moves, now at 101; no second height yet from n1.",
    )


def test_hashes_are_compared_across_looks_and_the_comparison_is_waited_for() -> None:
    apart = [look(100, 101, 102, 103), look(104, 105, 106, 107)]
    early = judged(*apart)
    assert (early.state, early.growing) == (ClusterState.UNKNOWN, True)
    assert "not all compared yet" in early.sentence
    assert judged(*apart, every=20).state is ClusterState.HEALTHY
    assert judged(*apart, look(107, 107, 107, 108), every=1).state is ClusterState.HEALTHY
    parted = judged(*apart, look(107, 108, 109, 110, app_hash="OTHER"), every=1)
    assert parted.state is ClusterState.DEGRADED


def test_what_was_before_a_restore_says_nothing_about_what_is_after_it() -> None:
    old = [view(name, 120, app_hash="OLD") for name in NAMES]
    restored = [look(100, 100, 100, 100), look(120, 120, 120, 120)]
    assert judged(old, *restored).state is ClusterState.HEALTHY
    assert judged(old, restored[0]).state is ClusterState.UNKNOWN


def known(height: int, **of_n1: object) -> list[NodeView]:
    """All with node IDs, each connected to all others; n4 is the backup node."""
    ids = {name: f"id-of-{name}" for name in NAMES}
    views = []
    for name in NAMES:
        others = tuple(ids[other] for other in NAMES if other != name)
        changes = of_n1 if name == "n1" else {}
        views.append(view(name, height, **({"node_id": ids[name], "peer_ids": others, "peers": 3} | changes)))
    return views


def test_the_backup_node_does_not_stand_for_a_missing_validator() -> None:
    """As many peers as there are other validators, and one of them is the backup node."""
    looks = [known(100), known(120, peers=2, peer_ids=("id-of-n2", "id-of-n4"))]
    assert judged(*looks).reasons == ("n1 has 1 of 2 peers: n3 is missing.",)
    assert judged(known(100), known(120)).state is ClusterState.HEALTHY


def test_an_unknown_peer_does_not_stand_for_one_whose_node_id_is_known() -> None:
    looks = [known(100), known(120, peers=2, peer_ids=("id-of-n2", "nobodys"))]
    assert judged(*looks).reasons == ("n1 has 1 of 2 peers: n3 is missing.",)


def test_nodes_that_stood_are_those_that_answered_for_the_whole_patience() -> None:
    late = [look(69, 69, 69, None), look(69, 69, 69, None), look(69, 70, 69, 69)]
    verdict = judged(*late)
    assert (verdict.stood, verdict.grew, verdict.waited) == (frozenset({"n1", "n3"}), frozenset({"n2"}), True)


def test_height_0_is_a_height() -> None:
    verdict = judged(*[look(0, 0, 0, 0, app_hash="") for _ in range(3)])
    assert verdict.state is ClusterState.HALTED
    assert verdict.sentence == "No node has a block, all nodes up."
    assert verdict.reasons[0] == "n1 has no blocks."


def test_a_cluster_of_one_node() -> None:
    assert judged([view("n1", 1, peers=0)], [view("n1", 2, peers=0)]).state is ClusterState.HEALTHY


def test_peers_that_were_not_asked_are_no_fault() -> None:
    looks = [look(100, 100, 100, 100), look(120, 120, 120, 120, peers=None)]
    assert judged(*looks).state is ClusterState.HEALTHY
