"""The rows of home without a screen: columns by width, order, growth, files, the sentence above."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from loomtui.cli.views import status_document
from loomtui.fleet.probes.findings import Findings, explained
from loomtui.fleet.probes.node_status import ClusterStatus
from loomtui.inventory.model import Inventory
from loomtui.loom.advice import Act, Advice
from loomtui.loom.diagnosis import Code, Diagnosis
from loomtui.loom.health import ClusterState, Verdict
from loomtui.loom.validator import SigningState, ValidatorFacts
from loomtui.wording import quantities
from screens.health.node_files import comparison_mark
from screens.health.node_rows import COLUMNS, SORTS, Look, Rows, column_title, columns_for, looks_of, ordered
from screens.health.trend import Trend, common_top, sparkline
from screens.health.verdict_head import verdict_text
from screens.health.watch import Watch
from screens.input.key import use_keymap
from screens.text.words import Tone
from tests.screens import basics, scenes
from tests.screens.basics import NAMES, NOW


def watch_of(scene: scenes.Scene) -> Watch:
    watch = Watch(scene.inventory, lambda _: scene.verdict)
    for status in scene.statuses.values():
        watch.record(status, NOW)
    return watch


def rows_of(scene: scenes.Scene) -> tuple[Look, ...]:
    return looks_of(scene.inventory, watch_of(scene), NOW)


def named(count: int, length: int) -> Inventory:
    usual = basics.inventory()
    nodes = tuple(
        usual.nodes[0].model_copy(update={"name": f"{number:0{length}d}"}) for number in range(count)
    )
    return usual.model_copy(update={"nodes": nodes})


@given(st.integers(21, 300), st.integers(1, 20), st.integers(1, 40))
def test_columns_fit_and_the_growth_takes_what_is_left(width: int, count: int, length: int) -> None:
    widths = columns_for(width, named(count, length))
    assert sum(widths.values()) + len(widths) <= width
    assert list(widths) == [column.name for column in COLUMNS if column.name in widths]
    assert "node" in widths


def test_what_matters_most_is_there_on_a_small_terminal() -> None:
    there = set(columns_for(78, basics.inventory()))
    assert there >= {"node", "state", "height", "growth", "lag", "peers", "disk", "age", "since"}
    assert set(columns_for(116, basics.inventory())) >= there | {"id", "restarts"}
    assert len(columns_for(196, basics.inventory())) == len(COLUMNS)


@pytest.mark.parametrize(
    "scene", [scenes.healthy(), scenes.degraded(), scenes.lost()], ids=["healthy", "degraded", "lost"]
)
@pytest.mark.parametrize("width", [40, 78, 116, 196])
def test_every_cell_fits_its_column(scene: scenes.Scene, width: int) -> None:
    rows = Rows(scene.inventory, watch_of(scene))
    widths = columns_for(width, scene.inventory)
    for look in rows_of(scene):
        for name, cell in rows.cells(look, widths, marked=True).items():
            assert cell_len(cell.text) <= widths[name], (name, cell.text)


def test_each_order_puts_first_what_needs_care() -> None:
    scene = scenes.degraded()
    service = scene.statuses["db4"].service
    assert service is not None
    statuses = {
        **scene.statuses,
        "db4": replace(
            scene.statuses["db4"], disk_free_bytes=1, load_average=9.0, service=replace(service, restarts=3)
        ),
    }
    looks = rows_of(replace(scene, statuses=statuses))
    first = {by: ordered(looks, by, reverse=False)[0].node.name for by in SORTS}
    assert first["node"] == "db1"
    assert first["state"] == "db3"
    assert first["disk"] == first["restarts"] == first["load"] == "db4"
    assert first["role"] == "backup1"
    assert [look.node.name for look in ordered(looks, "node", reverse=True)] == list(reversed(NAMES))


def test_the_order_is_told_in_the_title() -> None:
    assert column_title("node", "node", reverse=False) == "Node"
    assert column_title("node", "node", reverse=True) == "Node▲"
    assert column_title("lag", "lag", reverse=False) == "Lag▼"
    assert column_title("peers", "lag", reverse=False) == "Peers"


def test_lag_peers_disk_clock_and_age_are_told_in_words_and_tones() -> None:
    scene = scenes.healthy()
    behind = scene.statuses["db2"]
    assert behind.chain is not None
    odd_status = replace(
        behind,
        at=NOW - timedelta(seconds=40),
        chain=replace(
            behind.chain, height=behind.chain.height - 12_345, peers=1, peer_ids=behind.chain.peer_ids[:1]
        ),
        disk_free_bytes=10,
        disk_total_bytes=1000,
        clock_offset_seconds=-31.5,
    )
    strained = replace(scene, statuses={**scene.statuses, "db2": odd_status})
    look = next(look for look in rows_of(strained) if look.node.name == "db2")
    cells = Rows(strained.inventory, watch_of(strained)).cells(
        look, columns_for(200, strained.inventory), marked=True
    )
    warnings = {
        name: (cells[name].text, cells[name].tone) for name in ("lag", "peers", "disk", "clock", "age")
    }
    assert warnings == {
        "lag": ("-12k", Tone.WARN),
        "peers": ("1/3", Tone.WARN),
        "disk": ("████  99%", Tone.BAD),
        "clock": ("-31.5s", Tone.WARN),
        "age": ("▲40s", Tone.WARN),
    }
    assert cells["node"].text == "◆ db2"


def test_the_load_is_told_and_what_is_not_known_of_it_too() -> None:
    scene = scenes.degraded()
    rows = Rows(scene.inventory, watch_of(scene))
    widths = columns_for(196, scene.inventory)
    loads = {look.node.name: rows.cells(look, widths, marked=False)["load"].text for look in rows_of(scene)}
    reachable = {name for name, status in scene.statuses.items() if status.reachable}
    assert 0 < len(reachable) < len(NAMES)
    assert loads == {name: "0.42" if name in reachable else quantities.NOTHING for name in NAMES}


def test_growth_is_drawn_to_one_scale() -> None:
    moving, still = Trend(), Trend()
    for number, height in enumerate((10, 12, 12, None, 20, 22)):
        moving.add(NOW + timedelta(seconds=2 * number), height)
        still.add(NOW + timedelta(seconds=2 * number), 10)
    assert moving.rates() == (1.0, 0.0, None, None, 1.0)
    assert still.rates() == (0.0,) * 5
    top = common_top((moving.rates(), still.rates()))
    assert sparkline(moving.rates(), 7, top) == "  █▁··█"
    assert sparkline(still.rates(), 3, top) == "▁▁▁"
    assert sparkline((), 3, 0.0) == "   "


def test_a_look_at_the_same_moment_is_no_new_one() -> None:
    trend = Trend()
    trend.add(NOW, 1)
    trend.add(NOW, 2)
    assert trend.rates() == ()


@given(st.lists(st.none() | st.floats(0, 1e9)), st.integers(0, 80))
def test_a_sparkline_has_its_width(rates: list[float | None], cells: int) -> None:
    assert len(sparkline(rates, cells, common_top([rates]))) == cells


@given(st.integers(0, 10**9 - 1))
def test_a_short_count_is_short(value: int) -> None:
    assert len(quantities.short_count(value)) <= 4


CAUSE = Diagnosis(
    Code.SIGNING_AHEAD_HALTS,
    (),
    "The signing state is ahead of the data (signed: db1 9).",
    Advice(Act.STOP, "Stop all nodes."),
)


def test_findings_that_have_no_room_are_counted() -> None:
    verdict = Verdict(ClusterState.DEGRADED, "Bad.", tuple(f"reason {number}" for number in range(9)))
    text = verdict_text(verdict, (CAUSE,), ("unfinished",), (6, 80), can_restore=True).plain
    assert text.count("\n") == 5
    assert "and 7 findings more" in text
    assert "▲ unfinished" in text
    assert "Do next: Stop all nodes." in text


@pytest.mark.parametrize("room", [(5, 76), (10, 116), (10, 196)])
def test_the_cause_and_its_advice_are_told_at_every_size(room: tuple[int, int]) -> None:
    verdict = Verdict(ClusterState.HALTED, "Bad.", tuple(f"reason {number}" for number in range(9)))
    text = verdict_text(verdict, (CAUSE,), (), room, can_restore=True).plain
    assert "the signing state is ahead of the data (signed: db1 9)." in text
    assert "Do next:  r  restores from a backup" in text
    assert "    Stop all nodes." in text


def test_without_a_key_for_it_the_command_that_restores_is_named() -> None:
    verdict = Verdict(ClusterState.STOPPED, "The service runs on no node.")
    text = verdict_text(verdict, (), (), (5, 76), can_restore=False).plain
    assert "Do next: loomtui restore restores from a backup" in text


def test_the_key_that_restores_is_the_operators_own() -> None:
    use_keymap({"app.restore": "f9"})
    try:
        verdict = Verdict(ClusterState.STOPPED, "The service runs on no node.")
        assert "Do next:  f9  restores" in verdict_text(verdict, (), (), (5, 76), can_restore=True).plain
    finally:
        use_keymap({})


def test_the_screen_and_status_tell_the_same() -> None:
    """Both have it from one place, with the same looks and the same findings."""
    scene = scenes.degraded()
    wiped = {
        name: replace(one, chain=replace(one.chain, height=0), missing_databases=())
        for name, one in scenes.healthy().statuses.items()
        if one.chain
    }
    verdict = Verdict(ClusterState.HALTED, "No node has a block, all nodes up.", waited=True)
    watch = watch_of(replace(scene, statuses=wiped, verdict=verdict))
    assert watch.causes[0].code is Code.NO_BLOCKS
    assert watch.causes == explained(scene.inventory, wiped, verdict, Findings())
    cluster_status = ClusterStatus(NOW, tuple(wiped[name] for name in NAMES))
    (document,) = [status_document(scene.inventory, cluster_status, verdict, watch.causes)["diagnoses"]]
    assert isinstance(document, list)
    assert [one["code"] for one in document if isinstance(one, dict)] == [
        one.code.value for one in watch.causes
    ]


def test_a_standstill_is_explained_from_the_signing_states() -> None:
    scene = scenes.healthy()
    members = tuple((basics.address(name), 10) for name in basics.VALIDATORS)
    statuses = {}
    for name, status in scene.statuses.items():
        assert status.chain is not None
        chain = replace(status.chain, height=1000, members=members)
        statuses[name] = replace(status, chain=chain)
        if name not in basics.VALIDATORS:  # the backup node's own key never signed anything
            own = ValidatorFacts(basics.address(name), "AT8=", SigningState(0, 0, 0))
            statuses[name] = replace(statuses[name], validator=own)
    halted = Verdict(ClusterState.HALTED, "The chain stands still at 1000.", stood=frozenset(NAMES))
    watch = watch_of(replace(scene, statuses=statuses, verdict=halted))
    assert "signing state is ahead of the data" in watch.causes[0].meaning
    assert "--reset-signing-state" in watch.causes[0].advice.text


def test_a_healthy_cluster_is_not_explained() -> None:
    assert watch_of(scenes.healthy()).causes == ()


@pytest.mark.parametrize(
    ("path", "own_digest", "other_digests", "expected"),
    [
        ("genesis.json", "a", {"db2": "a"}, ("✓", "the same on db2")),
        ("genesis.json", "a", {"db2": "b"}, ("✗", "differs from db2")),
        ("loom.yml", "a", {"db2": "b", "db3": "a"}, ("▲", "differs from db2")),
        ("loom.yml", "a", {}, ("·", "nothing to compare it with")),
        ("loom.yml", None, {"db2": "b"}, ("○", "missing here; db2 has it")),
        ("chaindata/config/node_key.json", "a", {"db2": "b"}, ("✓", "of its own")),
        (
            "chaindata/config/node_key.json",
            "a",
            {"db2": "a"},
            ("✗", "the same as on db2: nodes must not share a key"),
        ),
        ("chaindata/config/config.toml", "a", {"db2": "b"}, ("·", "differs, as it may")),
    ],
)
def test_files_are_compared(
    path: str, own_digest: str | None, other_digests: dict[str, str], expected: tuple[str, str]
) -> None:
    mark = comparison_mark(path, own_digest, other_digests)
    assert (mark.symbol, mark.word) == expected
