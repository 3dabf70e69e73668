from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.rpc import (
    ChainFacts,
    RpcError,
    read_net_info,
    read_status,
    read_validators,
)

from .vectors import A, B

ADDRESS = "D4AB1C20CC699813C32BF470AFB9AB95C6E60ED9"
HASH = "77D4E7F1"


def reply(result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": "", "result": result}, indent=2).encode()


def status(height: str = "19", **sync: object) -> bytes:
    return reply(
        {
            "node_info": {
                "protocol_version": {"p2p": "5", "block": "8", "app": "0"},
                "id": A,
                "listen_addr": "tcp://127.0.0.1:30006",
                "network": "default",
                "version": "0.27.3",
                "moniker": "vm",
                "other": {"tx_index": "on"},
            },
            "sync_info": {
                "latest_block_hash": "AB",
                "latest_app_hash": HASH.lower(),
                "latest_block_height": height,
                "latest_block_time": "2026-11-22T18:48:01.401084039Z",
                "catching_up": False,
            }
            | sync,
            "validator_info": {"address": ADDRESS.lower(), "voting_power": "1250000067383"},
        }
    )


FACTS = ChainFacts(
    node_id=A,
    network="default",
    version="0.27.3",
    moniker="vm",
    height=19,
    app_hash=HASH,
    block_time=datetime(2026, 11, 22, 18, 48, 1, 401084, UTC),
    catching_up=False,
    address=ADDRESS,
    voting_power=1250000067383,
)


def test_status_of_a_running_node() -> None:
    assert read_status(status()) == FACTS


def test_status_before_the_first_block() -> None:
    body = status("0", latest_app_hash="", latest_block_time="1970-01-01T00:00:00Z", catching_up=True)
    facts = read_status(body)
    assert (facts.height, facts.app_hash, facts.block_time, facts.catching_up) == (0, "", None, True)


def test_status_before_tendermint_0_22_says_syncing() -> None:
    assert read_status(status(catching_up=None, syncing=True)).catching_up


def test_an_odd_hash_or_time_is_none() -> None:
    facts = read_status(status(latest_app_hash="<b>", latest_block_time="0000-99-99"))
    assert (facts.app_hash, facts.block_time) == ("", None)
    assert read_status(status(latest_block_time="2026-11-22T18:48:01")).block_time is None
    assert read_status(status(latest_block_time="0001-01-01T00:00:00+23:00")).block_time is None


def test_peers_of_net_info() -> None:
    peer = {"node_info": {"id": B}, "is_outbound": True, "remote_ip": "AAAAAAAAAAAAAP//fwAAAQ=="}
    facts = read_net_info(reply({"listening": True, "n_peers": "2", "peers": [peer, {"x": 1}, None]}), FACTS)
    assert (facts.peers, facts.peer_ids, facts.height) == (2, (B,), 19)
    assert read_net_info(reply({"n_peers": "0", "peers": None}), FACTS).peers == 0


def test_validators() -> None:
    entry = {"address": ADDRESS.lower(), "voting_power": "10", "proposer_priority": "-3"}
    assert read_validators(reply({"block_height": "7", "validators": [entry]})) == ((ADDRESS, 10),)


def read_net(body: bytes) -> ChainFacts:
    return read_net_info(body, FACTS)


READERS: tuple[Callable[[bytes], object], ...] = (
    read_status,
    read_net,
    read_validators,
)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The answer is empty"),
        (b"404 page not found\n", "The answer is not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "holds no result"),
        (b'{"result": 7}', "holds no result"),
        (b'{"result": {}}', "is not that of"),
        (
            b'{"error":{"code":-32603,"message":"Internal error","data":"Height must be less"}}',
            "answered with an error: Internal error: Height must be less",
        ),
        (b'{"error":{"code":-32603}}', "does not say which"),
        (b'{"error":"x\\u001b[2J"}', "does not say which"),
    ],
)
def test_what_is_no_answer_is_an_error(reader: Callable[[bytes], object], body: bytes, sentence: str) -> None:
    with pytest.raises(RpcError, match=sentence):
        reader(body)


@pytest.mark.parametrize(
    ("reader", "result", "sentence"),
    [
        (read_status, {"node_info": {}, "sync_info": {"latest_block_height": "-1"}}, "no block height"),
        (read_validators, {"validators": [{"address": "xx", "voting_power": "1"}]}, "without an address"),
        (read_validators, {"validators": [{"address": ADDRESS}]}, "without an address"),
    ],
)
def test_answers_with_holes(reader: Callable[[bytes], object], result: object, sentence: str) -> None:
    with pytest.raises(RpcError, match=sentence):
        reader(reply(result))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "node_info",
                    "sync_info",
                    "latest_block_height",
                    "n_peers",
                    "peers",
                    "id",
                    "block",
                    "header",
                    "height",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(st.one_of(st.binary(), json_values.map(reply)), st.sampled_from(READERS))
def test_no_body_raises_anything_else(body: bytes, reader: Callable[[bytes], object]) -> None:
    try:
        reader(body)
    except RpcError as error:
        assert str(error).endswith(".")  # noqa: PT017 -- either outcome is right
