from __future__ import annotations

import pytest

from loomtui.loom.heights import Handshake, judge


@pytest.mark.parametrize(
    ("app", "state", "store", "result", "replays"),
    [
        (100, 100, 100, Handshake.GOOD, 0),
        (90, 100, 100, Handshake.REPLAY, 10),
        (99, 99, 100, Handshake.REPLAY, 1),
        (101, 100, 100, Handshake.REFUSED, 0),
        (100, 98, 100, Handshake.PANIC, 0),
    ],
)
def test_ready_case_heights(app: int, state: int, store: int, result: Handshake, replays: int) -> None:
    verdict = judge(app, state, store)
    assert (verdict.result, verdict.replays) == (result, replays)


@pytest.mark.parametrize(
    ("app", "state", "store", "result", "message"),
    [
        (0, 0, 0, Handshake.GOOD, "stand at 0"),
        (100, 99, 100, Handshake.GOOD, "stand at 100"),  # killed between Commit and saving the state
        (0, 19, 19, Handshake.REPLAY, "19 blocks (1 to 19)"),  # app.db missing
        (19, 0, 0, Handshake.PANIC, "blockstore.db at 0"),  # chaindata/data missing
        (19, 19, 0, Handshake.PANIC, "blockstore.db at 0"),  # blockstore.db missing
        (45, 45, 19, Handshake.REFUSED, "App block height (45) is higher than core (19)"),
        (19, 45, 19, Handshake.PANIC, "StateBlockHeight (45) > StoreBlockHeight (19)"),
        (19, 0, 19, Handshake.PANIC, "StoreBlockHeight (19) > StateBlockHeight + 1 (1)"),  # state.db missing
        (99, 99, 100, Handshake.REPLAY, "1 block (100 to 100)"),
    ],
)
def test_what_real_nodes_did(app: int, state: int, store: int, result: Handshake, message: str) -> None:
    verdict = judge(app, state, store)
    assert verdict.result is result
    assert message in verdict.message
