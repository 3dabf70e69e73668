"""The RPC: JSON over HTTP as of Tendermint 0.27.3. Integers are strings, errors come with status 200."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from loomtui.drill.node.blocks import Block
from loomtui.drill.node.consensus import Consensus
from loomtui.drill.node.peers import Switch
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.drill.node.standin_chain import Chain

_NEVER = "1970-01-01T00:00:00Z"
_BODY_BYTES = 1_000_000


class RpcError(Exception):
    pass


class Node(Protocol):
    chain: Chain
    consensus: Consensus
    switch: Switch
    validator: PrivValidator
    catching_up: bool
    rpc_address: str


class Rpc:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._methods: dict[str, Callable[[Mapping[str, str]], Any]] = {
            "status": self._status,
            "net_info": self._net_info,
            "genesis": self._genesis,
            "validators": self._validators,
            "block": self._block,
            "health": lambda _: {},
            "abci_info": self._abci_info,
            "consensus_state": self._consensus_state,
            "dump_consensus_state": self._consensus_state,
        }

    async def serve(self, host: str, port: int) -> None:
        """Raises OSError."""
        await asyncio.start_server(self._answer, host, port)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            request, *headers = head.decode("latin-1").split("\r\n")
            verb, target, _ = request.split(" ", 2)
            length = next(
                (line.split(":")[1] for line in headers if line.lower().startswith("content-length:")), "0"
            )
            body = await reader.readexactly(min(int(length), _BODY_BYTES))
            status, text = self._reply(verb, target, body)
            kind = "application/json" if status.startswith("200") else "text/plain; charset=utf-8"
            headers_text = f"Content-Type: {kind}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            writer.write(f"HTTP/1.1 {status}\r\n{headers_text}".encode() + text)
            await writer.drain()
        except (OSError, ValueError, TimeoutError, EOFError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def _reply(self, verb: str, target: str, body: bytes) -> tuple[str, bytes]:
        url = urlsplit(target)
        name, arguments, identity = url.path.strip("/").removeprefix("rpc/"), dict(parse_qsl(url.query)), ""
        if verb == "POST" and body:
            call = json.loads(body)
            name, identity = call["method"], call.get("id", "")
            arguments = call.get("params") or {}
        if name == "query/getblockheight":
            result: Any = str(self._node.chain.height)
        elif name in self._methods:
            try:
                result = self._methods[name](arguments)
            except RpcError as error:
                return "200 OK", _json({"jsonrpc": "2.0", "id": identity, "error": _internal(str(error))})
        else:
            return "404 Not Found", b"404 page not found\n"
        return "200 OK", _json({"jsonrpc": "2.0", "id": identity, "result": result})

    def _info(self, node_info: dict[str, Any]) -> dict[str, Any]:
        return {
            "protocol_version": {"p2p": "5", "block": "8", "app": "0"},
            "id": node_info["id"],
            "listen_addr": node_info["listen"],
            "network": node_info["network"],
            "version": "0.27.3",
            "channels": "4020212223303800",
            "moniker": node_info["moniker"],
            "other": {"tx_index": "on", "rpc_address": self._node.rpc_address},
        }

    def _status(self, _: Mapping[str, str]) -> dict[str, Any]:
        chain, validator = self._node.chain, self._node.validator
        last = chain.last_block
        power = next((entry.power for entry in chain.validators if entry.address == validator.address), 0)
        return {
            "node_info": self._info(self._node.switch.info),
            "sync_info": {
                "latest_block_hash": last.hash if last else "",
                "latest_app_hash": last.app_hash if last else "",
                "latest_block_height": str(chain.height),
                "latest_block_time": last.time if last else _NEVER,
                "catching_up": self._node.catching_up,
            },
            "validator_info": {
                "address": validator.address,
                "pub_key": validator.public_key,
                "voting_power": str(power),
            },
        }

    def _net_info(self, _: Mapping[str, str]) -> dict[str, Any]:
        peers = [
            {
                "node_info": self._info(peer.info),
                "is_outbound": peer.outbound,
                "connection_status": {"Duration": "0"},
                "remote_ip": _ip(peer.remote_ip),
            }
            for peer in self._node.switch.peers.values()
        ]
        return {"listening": True, "listeners": ["Listener(@)"], "n_peers": str(len(peers)), "peers": peers}

    def _genesis(self, _: Mapping[str, str]) -> dict[str, Any]:
        return {"genesis": json.loads(self._node.chain.genesis.text)}

    def _validators(self, arguments: Mapping[str, str]) -> dict[str, Any]:
        """Who decides at a height; the next one, unless it is asked for another."""
        chain = self._node.chain
        height = _asked_height(arguments, chain.height + 1)
        members = chain.validators_at(height)
        if not members or height > chain.height + 1:
            raise RpcError(f"Could not find validator set for height #{height}")
        return {
            "block_height": str(height),
            "validators": [
                {
                    "address": entry.address,
                    "pub_key": {"type": "tendermint/PubKeyEd25519", "value": entry.public_key},
                    "voting_power": str(entry.power),
                    "proposer_priority": "0",
                }
                for entry in members
            ],
        }

    def _block(self, arguments: Mapping[str, str]) -> dict[str, Any]:
        chain = self._node.chain
        height = _asked_height(arguments, chain.height)
        block = chain.block(height)
        if block is None:
            raise RpcError("Height must be less than or equal to the current blockchain height")
        commits = [
            {"type": 2, "height": str(height), "validator_address": address} for address in block.signers
        ]
        return {
            "block_meta": _meta(chain, block),
            "block": {**_contents(chain, block), "precommits": commits},
        }

    def _abci_info(self, _: Mapping[str, str]) -> dict[str, Any]:
        chain = self._node.chain
        encoded = base64.b64encode(bytes.fromhex(chain.app_hash)).decode()
        return {"response": {"last_block_height": str(chain.app_height), "last_block_app_hash": encoded}}

    def _consensus_state(self, _: Mapping[str, str]) -> dict[str, Any]:
        state = self._node.consensus
        step = f"{state.height}/{state.round}/{state.step}"
        round_state = {
            "height/round/step": step,
            "height": str(state.height),
            "round": str(state.round),
            "step": state.step,
        }
        return {"round_state": round_state}


def _asked_height(arguments: Mapping[str, str], latest: int) -> int:
    """Raises RpcError."""
    try:
        height = int(arguments.get("height", latest))
    except ValueError:
        raise RpcError("error parsing height") from None
    if height <= 0:
        raise RpcError("Height must be greater than 0")
    return height


def _header(chain: Chain, block: Block) -> dict[str, Any]:
    return {
        "chain_id": chain.chain_id,
        "height": str(block.height),
        "time": block.time,
        "num_txs": "0",
        "last_block_id": {"hash": block.previous},
        "app_hash": block.app_hash,
        "proposer_address": block.proposer,
    }


def _meta(chain: Chain, block: Block) -> dict[str, Any]:
    return {"block_id": {"hash": block.hash}, "header": _header(chain, block)}


def _contents(chain: Chain, block: Block) -> dict[str, Any]:
    return {"header": _header(chain, block), "data": {"txs": None}, "evidence": {"evidence": None}}


def _internal(data: str) -> dict[str, Any]:
    return {"code": -32603, "message": "Internal error", "data": data}


def _json(document: object) -> bytes:
    return json.dumps(document, indent=2).encode()


def _ip(address: str) -> str:
    return base64.b64encode(bytes(10) + b"\xff\xff" + ipaddress.ip_address(address).packed).decode()
