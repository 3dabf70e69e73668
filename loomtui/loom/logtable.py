"""What a Loom node says in its log, and what it means: one rule a message, the first that fits counts.

Texts as real nodes print them (loomchain of 2018-08 to 2021-06 on Tendermint 0.22 to 0.27.3), their spelling
included. At its default level a healthy node prints next to nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    INFO = "info"
    HARMLESS = "harmless"  # logged as an error, and none
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"  # act now


@dataclass(frozen=True)
class Rule:
    """`meaning` and `advice` may name groups of the pattern; `real`, `listed` and `id` are node IDs."""

    severity: Severity
    title: str
    pattern: re.Pattern[str]
    meaning: str
    advice: str


def _rule(severity: Severity, title: str, pattern: str, meaning: str, advice: str) -> Rule:
    return Rule(severity, title, re.compile(pattern), meaning, advice)


_INFO, _HARMLESS, _WARNING = Severity.INFO, Severity.HARMLESS, Severity.WARNING
_ERROR, _CRITICAL = Severity.ERROR, Severity.CRITICAL
_RESTORE_AGAIN = "Restore the data of this node again, from a backup that was checked whole."

_DANGER = (
    _rule(
        _CRITICAL,
        "Double sign",
        r"Found conflicting vote from ourselves",
        "This node's validator has signed two different votes for one block: its signing state was set back, "
        "or its key is in use elsewhere.",
        "Stop this node now. Find out which other node uses the key, or why priv_validator.json is older "
        "than the chain.",
    ),
    _rule(
        _CRITICAL,
        "Evidence of double signing",
        r"Verified new evidence of byzantine behaviour",
        "A validator has signed twice, and the chain has recorded it.",
        "Compare the validator addresses of all nodes; stop those that share one.",
    ),
    _rule(
        _CRITICAL,
        "Two nodes sign with one key",
        r"Existing vote: .*Non-deterministic signature",
        "Two nodes use the same priv_validator.json.",
        "Stop all but the rightful owner of the key and give the others their own priv_validator.json back.",
    ),
    _rule(
        _CRITICAL,
        "Another set of validators",
        r"Wrong Block\.Header\.ValidatorsHash",
        "The validators in this node's chaindata/config/genesis.json are not those of the chain.",
        "Put the chain's own genesis.json there and restore the node's data again.",
    ),
    _rule(
        _CRITICAL,
        "Another genesis time",
        r"Block time .* is not equal to genesis time",
        "genesis_time in this node's chaindata/config/genesis.json is not the chain's.",
        "Put the chain's own genesis.json there and restore the node's data again.",
    ),
    _rule(
        _CRITICAL,
        "The state has parted from the chain",
        r"Wrong Block\.Header\.AppHash",
        "This node computes another app state than the others: its data, or its genesis.json, is not the chain's.",
        "This data cannot be used. Compare genesis.json in the working directory with another node's, then "
        "restore the data again.",
    ),
    _rule(
        _CRITICAL,
        "Consensus failure",
        r"CONSENSUS FAILURE!!!|Failed to process committed block",
        "This node cannot apply a block that the others have agreed on; it makes no progress any more.",
        "Read the error in the line; as a rule the data of this node has to be restored again.",
    ),
)

_SIGNING = (
    _rule(
        _ERROR,
        "The signing state is ahead of the data",
        r"(?:Error signing|signing (?:vote|proposal)).*Height regression",
        "The validator has already signed a later height, so it refuses to sign this one. With a third of the "
        "voting power in this case the chain stands still for ever.",
        "Whole cluster set back: stop all nodes and reset every validator's signing state. Living chain: wait, "
        "it signs again once the chain has passed that height.",
    ),
    _rule(
        _ERROR,
        "The signing state is ahead of the round",
        r"(?:Error signing|signing (?:vote|proposal)).*(?:Round|Step) regression",
        "The validator has already signed a later round or step of this very height.",
        "It signs again at the next height. If the chain stands still, the consensus WAL does not belong to "
        "the signing state: reset the signing state of all validators, with all nodes stopped.",
    ),
    _rule(
        _ERROR,
        "Already signed something else at this height",
        r"(?:Error signing|signing (?:vote|proposal)).*Conflicting data",
        "The validator has signed another block at the same height, round and step, and refuses the second one.",
        "It signs again at the next height. If the chain stands still, reset the signing state of all "
        "validators, with all nodes stopped.",
    ),
    _rule(
        _ERROR,
        "The signing state is incomplete",
        r"No LastSignature found",
        "priv_validator.json names a height, but not the signature made there.",
        "Put the node's own complete priv_validator.json back.",
    ),
    _rule(
        _ERROR,
        "The node could not sign",
        r"Error signing (?:vote|proposal)",
        "The validator key did not sign; the line says why.",
        "Look at chaindata/config/priv_validator.json: owner, mode, content; with an HSM at its connection.",
    ),
    _rule(
        _ERROR,
        "A vote of an unknown validator",
        r"Cannot find validator \d+ in valSet",
        "The validators in this node's chaindata/config/genesis.json are not those of the chain.",
        "Put the chain's own genesis.json there and restore the node's data again.",
    ),
)

_IDENTITY = (
    _rule(
        _ERROR,
        "Wrong ID in this node's list of peers",
        r"conn\.ID \((?P<real>[0-9A-Fa-f]{40})\) dialed ID \((?P<listed>[0-9A-Fa-f]{40})\) missmatch",
        "At the dialled address lives node {real}; this node's list, or its addrbook.json, says {listed}.",
        "Correct the list in the unit of this node (IDs are lower case), or give the other node its own "
        "node_key.json back; set addrbook.json aside.",
    ),
    _rule(
        _ERROR,
        "Wrong ID in this node's list of peers",
        r"Dialed (?P<listed>[0-9A-Fa-f]{40})@(?P<address>\S+), but got peer with ID (?P<real>[0-9A-Fa-f]{40})",
        "At {address} lives node {real}; this node's list says {listed}.",
        "Correct the list in the unit of this node, or give the other node its own node_key.json back.",
    ),
    _rule(
        _ERROR,
        "A node meets its own ID",
        r"self ID<(?P<id>[0-9A-Fa-f]{40})>",
        "Another host answers with this node's ID, or this node dials itself: its list holds its own entry, or "
        "two nodes have the same node_key.json.",
        "Compare the node keys of all nodes; give each its own node_key.json.",
    ),
    _rule(
        _HARMLESS,
        "Connected twice",
        r"duplicate ID<(?P<id>[0-9A-Fa-f]{40})>",
        "A second connection from a node that is connected already. At a start, when nodes dial each other at "
        "once, this is usual.",
        "Where it goes on, compare the node keys: two nodes may have the same one.",
    ),
    _rule(
        _WARNING,
        "Two peers from one address",
        r"duplicate CONN<",
        "This node accepts one connection from an IP address only, and peers behind a NAT share theirs.",
        "Set allow_duplicate_ip = true in [p2p] of chaindata/config/config.toml.",
    ),
    _rule(
        _INFO,
        "A peer hung up during the handshake",
        r"Inbound Peer rejected.*handshake failed",
        "Another node dialled this one and broke off; most often its list has a wrong ID for this node.",
        "Look at the log of the node that dialled.",
    ),
    _rule(
        _ERROR,
        "No handshake with the dialled port",
        r"auth failure: (?:secre\w+ conn|handshake) failed",
        "Something answers at the dialled address, but not as a Loom node does: another program, a node that "
        "hangs, or one with a broken key.",
        "Check the port in this node's list of peers, and the other node's log.",
    ),
)

_NETWORK = (
    _rule(
        _ERROR,
        "Another chain",
        r"Peer is on a different network\. Got (?P<got>[^,]{1,80}), expected (?P<expected>[^\"\s]{1,80})",
        "The peer's chain_id is {got}, this node's is {expected}.",
        "Compare chain_id in chaindata/config/genesis.json on both nodes.",
    ),
    _rule(
        _ERROR,
        "Another version of Loom",
        r"(?:different|Different) Block version",
        "The loom programs of the two nodes do not understand each other.",
        "Install the same loom version on every node.",
    ),
    _rule(
        _HARMLESS,
        "Private addresses are not kept",
        r"Cannot add non-routable address|Can't add peer's address to addrbook",
        "Private IP addresses never enter the address book. Usual in a private network.",
        "Nothing to do.",
    ),
    _rule(
        _WARNING,
        "No seed answers",
        r"Couldn't connect to any seeds",
        "The node has no peer and no seed to dial. Usual for some seconds at a start, and for a node that "
        "lists no seeds.",
        "Where it goes on: no peer has the ID and address that this node lists, or all share its own ID. "
        "Compare the node keys.",
    ),
    _rule(
        _WARNING,
        "A peer is given up",
        r"Failed to reconnect to peer\. (?:Beginning exponential backoff|Giving up)",
        "The node could not reach a persistent peer for a long time and now tries rarely, or no more.",
        "After the cause is mended, restart the service of this node.",
    ),
    _rule(
        _ERROR,
        "No seed name resolves",
        r"Address book is empty,? and could(?:n't| not) connect to any seed nodes"
        r"|Address book is empty and couldn't resolve any seed nodes",
        "None of the host names in --peers could be resolved, and addrbook.json is empty: the node does not start.",
        "Correct the hosts in --peers of the unit, or the name service of the node.",
    ),
    _rule(
        _ERROR,
        "Redis does not answer",
        r"(?i)dial tcp \S+:6379: |redis.{0,80}(?:refused|timeout|no such host|unreachable)",
        "The event dispatcher's Redis cannot be reached, so the node exits at every start.",
        "Start Redis, or correct its address in loom.yml (EventDispatcher).",
    ),
    _rule(
        _WARNING,
        "A peer does not answer",
        r"dial tcp (?P<address>\S+): (?:connect: connection refused|i/o timeout|connect: no route to host"
        r"|connect: network is unreachable)",
        "Nothing answers at {address}: the node there is not up, listens on another port, or a firewall is between.",
        "Usual while nodes are starting. Else compare the port with [p2p] laddr in that node's config.toml.",
    ),
    _rule(
        _WARNING,
        "A peer was lost",
        r"Connection failed @ \w+Routine|Stopping peer for error",
        "The connection to a peer broke: it was stopped, or two nodes share one ID and push each other out.",
        "Usual when a node stops. Where it goes on, compare the node keys.",
    ),
)

_PEER_LISTS = (
    _rule(
        _ERROR,
        "An unusable entry in --peers",
        r"seed node configuration has error",
        "An entry in --peers is malformed: the node does not start.",
        "Correct --peers in the unit of this node.",
    ),
    _rule(
        _ERROR,
        "An entry without an ID",
        r"Address \((?P<entry>[^)]{0,200})\) does not contain ID",
        "{entry} in this node's list of peers has no ID and is skipped.",
        "Write it as tcp://ID@host:port in the unit of this node.",
    ),
    _rule(
        _ERROR,
        "An entry with a wrong ID",
        r"Invalid address \((?P<entry>[^)]{0,200})\): (?:invalid hex length|encoding/hex)",
        "The ID of {entry} in this node's list of peers is not 40 hex digits; the entry is skipped.",
        "Write the peer's ID in full in the unit of this node.",
    ),
    _rule(
        _ERROR,
        "A host name that does not resolve",
        r"Error looking up host \((?P<host>[^)]{0,200})\)|lookup (?P<name>\S{1,200}): no such host",
        "The name {host}{name} in this node's list of peers is unknown; the entry is skipped.",
        "Correct it in the unit of this node, or in the name service.",
    ),
    _rule(
        _ERROR,
        "An unusable entry in --persistent-peers",
        r"Error in peer's address",
        "An entry in this node's list of peers is malformed and is skipped.",
        "Correct the list in the unit of this node.",
    ),
)

_DATABASES = (
    _rule(
        _ERROR,
        "app.db is newer than the blocks",
        r"App block height \((?P<app>\d+)\) is higher than core \((?P<core>\d+)\)",
        "app.db stands at {app}, the blocks in chaindata/data only at {core}: they are not of one moment.",
        "Restore app.db and chaindata/data from the same backup.",
    ),
    _rule(
        _ERROR,
        "The blocks do not fit app.db",
        r"state\.AppHash does not match AppHash after replay",
        "The state in chaindata/data is missing or does not belong to app.db.",
        "Restore app.db and chaindata/data from the same backup.",
    ),
    _rule(
        _ERROR,
        "state.db and blockstore.db differ in height",
        r"StateBlockHeight \(\d+\) > StoreBlockHeight \(\d+\)|StoreBlockHeight \(\d+\) > StateBlockHeight"
        r"|state \(\d+\) and store \(\d+\) height mismatch",
        "The databases in chaindata/data are not of one moment, or one of them is missing.",
        _RESTORE_AGAIN,
    ),
    _rule(
        _ERROR,
        "evm.db is missing or too old",
        r"failed to load EVM root for version (?P<version>\d+)",
        "app.db stands at {version}, and evm.db does not hold that version.",
        "Restore evm.db from the same backup as app.db; a backup without it cannot start this build.",
    ),
    _rule(
        _ERROR,
        "evm.db and app.db differ",
        r"EVM roots mismatch",
        "evm.db and app.db are not of one moment.",
        "Restore both from the same backup.",
    ),
    _rule(
        _ERROR,
        "loom is too old for the data",
        r"build (?P<have>\d+) is too old, upgrade to build (?P<need>\d+)",
        "The data was written by loom build {need} or later, this is build {have}.",
        "Install the loom version that the cluster ran.",
    ),
    _rule(
        _INFO,
        "Replay of blocks",
        r"ABCI Replay Blocks",
        "app.db is behind the blocks and is brought up to date; no port answers before it is done.",
        "Wait.",
    ),
    _rule(
        _ERROR,
        "The consensus WAL is damaged",
        r"data has been corrupted \(|in last height \d+ of consensus WAL",
        "chaindata/data/cs.wal ends in damaged records: the node does not start.",
        "Set chaindata/data/cs.wal aside and start the node again.",
    ),
    _rule(
        _WARNING,
        "The consensus WAL is of another height",
        r"WAL does not contain #ENDHEIGHT|WAL should not contain #ENDHEIGHT|Error on catchup replay",
        "chaindata/data/cs.wal does not belong to the block data; the node goes on without it.",
        "If the chain stands still, the validators' signing states are ahead of the data: see there.",
    ),
    _rule(
        _ERROR,
        "A database is in use",
        r"resource temporarily unavailable|leveldb/storage: already locked",
        "Another process holds this node's databases: a second loom, a plugin that outlived it, or a backup.",
        "Find it on the node (fuser app.db/LOCK) and end it; the service then starts by itself.",
    ),
    _rule(
        _ERROR,
        "A torn database",
        r"leveldb: manifest corrupted|corrupted or incomplete CURRENT file|file missing \[file="
        r"|leveldb/(?:journal|table).*corrupt",
        "Files of a database are missing or damaged, as in a backup of a running node.",
        _RESTORE_AGAIN,
    ),
)

_FILES = (
    _rule(
        _ERROR,
        "node_key.json is missing",
        r"failed to locate local node p2p key file",
        "chaindata/config/node_key.json is not there: the node does not start.",
        "Put the node's own node_key.json back; do not let `loom nodekey` make a new one.",
    ),
    _rule(
        _ERROR,
        "node_key.json cannot be read",
        r"Error reading NodeKey from|Error in determining Node Key",
        "chaindata/config/node_key.json is damaged, or its owner is wrong.",
        "Put the node's own node_key.json back, with the unit's user as its owner and mode 0600.",
    ),
    _rule(
        _ERROR,
        "priv_validator.json is missing",
        r"open \S*priv_validator\.json: no such file",
        "chaindata/config/priv_validator.json is not there: the node does not start.",
        "Put the node's own priv_validator.json back, never another node's.",
    ),
    _rule(
        _ERROR,
        "priv_validator.json cannot be read",
        r"Error reading PrivValidator from",
        "chaindata/config/priv_validator.json is damaged.",
        "Put the node's own priv_validator.json back, never another node's.",
    ),
    _rule(
        _ERROR,
        "genesis.json is missing",
        r"open (?P<file>\S*genesis\.json): no such file",
        "{file} is not there: the node does not start.",
        "Put the chain's genesis.json back; it is the same on every node.",
    ),
    _rule(
        _ERROR,
        "addrbook.json is damaged",
        r"Panicked on a Crisis: Error reading file",
        "The address book cannot be read: the node does not start.",
        "Set chaindata/config/addrbook.json aside; it is rebuilt by itself.",
    ),
    _rule(
        _ERROR,
        "A wrong value in loom.yml",
        r"error\(s\) decoding",
        "A value in loom.yml is of the wrong type: no loom command runs.",
        "Correct loom.yml.",
    ),
    _rule(
        _ERROR,
        "node_key.json holds no key",
        r"invalid memory address or nil pointer dereference",
        "The program ended in a nil pointer, as it does when node_key.json is empty of a key.",
        "Look at chaindata/config/node_key.json; put the node's own back.",
    ),
    _rule(
        _ERROR,
        "A port is taken",
        r"listen \w+ (?P<address>\S+): bind: address already in use",
        "Another process listens on {address}.",
        "Find it on the node (ss -ltnp) and end it, most often a second loom.",
    ),
    _rule(
        _ERROR,
        "The disk is full",
        r"no space left on device",
        "The node can write no more.",
        "Free space on the node, for example with `loomtui clean` for past runs.",
    ),
    _rule(
        _ERROR,
        "A file may not be read or written",
        r"(?P<path>/?[\w./-]{0,200}): permission denied",
        "{path}: the unit's user has no right to it; as a rule the owner is wrong after a restore by hand.",
        "Give the working directory's files to the unit's user.",
    ),
)

_USUAL = (
    _rule(
        _INFO,
        "A peer was turned away",
        r"Inbound Peer rejected|Ignoring inbound connection",
        "A node dialled this one and was not let in; the line says why.",
        "Look at the log of the node that dialled.",
    ),
    _rule(_INFO, "Peer connected", r"Added peer", "A peer is connected.", "Nothing to do."),
    _rule(
        _INFO,
        "The node's ID",
        r"P2P Node ID(?:.*\bID=(?P<id>[0-9a-f]{40}))?",
        "The ID by which peers must know this node.",
        "Nothing to do.",
    ),
    _rule(
        _INFO,
        "Not a validator",
        r"This node is not a validator",
        "This node's validator key is not in the set: it follows the chain and does not sign.",
        "Right for the backup node. A validator that says so has a wrong priv_validator.json.",
    ),
    _rule(
        _INFO,
        "A validator",
        r"This node is a validator",
        "This node's key is in the set of validators.",
        "Nothing to do.",
    ),
    _rule(
        _INFO,
        "A block",
        r"Executed block|Applying block|Committed state",
        "The chain moves.",
        "Nothing to do.",
    ),
    _rule(
        _INFO,
        "A peer is tried again",
        r"Error reconnecting to peer\. Trying again",
        "A persistent peer could not be reached and is dialled again; the line says why.",
        "Nothing to do yet.",
    ),
    _rule(
        _INFO,
        "The node stops",
        r"captured \w+, exiting|Stopping (?:Node|P2P Switch)",
        "The node was told to stop. Exit status 1 after it is usual.",
        "Nothing to do.",
    ),
    _rule(
        _WARNING,
        "The service ended with an error",
        r"Main process exited, code=|Scheduled restart job",
        "The node ended by itself and systemd starts it again, for ever if need be.",
        "Read the error in the lines above.",
    ),
    _rule(
        _WARNING,
        "A peer could not be dialled",
        r"Error dialing (?:peer|seed)|Dialing failed",
        "The connection to a peer failed; the line says why.",
        "Compare the peer's ID, address and port with the list in the unit of this node.",
    ),
)

RULES: tuple[Rule, ...] = (
    *_DANGER,
    *_SIGNING,
    *_IDENTITY,
    *_NETWORK,
    *_PEER_LISTS,
    *_DATABASES,
    *_FILES,
    *_USUAL,
)
