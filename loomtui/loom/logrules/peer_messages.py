"""Messages about peers: who they are, and whether they answer."""

from __future__ import annotations

from loomtui.loom.advice import Act
from loomtui.loom.databases import (
    ADDRBOOK,
    LOOM_CONFIG,
    NODE_KEY,
    TENDERMINT_CONFIG,
    TENDERMINT_GENESIS,
    UNIT,
)
from loomtui.loom.logrules.rule import Denial, Severity, rule

IDENTITY = (
    rule(
        Severity.ERROR,
        "Wrong ID in this node's list of peers",
        UNIT,
        r"conn\.ID \((?P<real>[0-9A-Fa-f]{40})\) dialed ID \((?P<listed>[0-9A-Fa-f]{40})\) missmatch",
        "At the dialled address lives node {real}; this node's list, or its addrbook.json, says {listed}.",
        "Correct the list in the unit of this node (IDs are lower case), or give the other node its own "
        "node_key.json back; set addrbook.json aside.",
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.ERROR,
        "Wrong ID in this node's list of peers",
        UNIT,
        r"Dialed (?P<listed>[0-9A-Fa-f]{40})@(?P<address>\S+), but got peer with ID (?P<real>[0-9a-f]{40})",
        "At {address} lives node {real}; this node's list says {listed}.",
        "Correct the list in the unit of this node, or give the other node its own node_key.json back.",
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.ERROR,
        "A node meets its own ID",
        NODE_KEY,
        r"self ID<(?P<id>[0-9A-Fa-f]{40})>",
        "Another host answers with this node's ID, or this node dials itself: its list holds its own entry, "
        "or two nodes have the same node_key.json.",
        "Compare the node keys of all nodes; give each its own node_key.json.",
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.HARMLESS,
        "Connected twice",
        "",
        r"duplicate ID<(?P<id>[0-9A-Fa-f]{40})>",
        "A second connection from a node that is connected already; usual at a start, when nodes dial each "
        "other at once.",
        "Where it goes on, compare the node keys: two nodes may have the same one.",
        act=Act.LOOK,
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.WARNING,
        "Two peers from one address",
        TENDERMINT_CONFIG,
        r"duplicate CONN<",
        "This node accepts one connection from an IP address only, and peers behind a NAT share theirs.",
        "Set allow_duplicate_ip = true in [p2p] of chaindata/config/config.toml.",
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.INFO,
        "A peer hung up during the handshake",
        "",
        r"Inbound Peer rejected.*handshake failed",
        "Another node dialled this one and broke off; most often its list has a wrong ID for this node.",
        "Look at the log of the node that dialled.",
        act=Act.LOOK,
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.ERROR,
        "No handshake with the dialled port",
        UNIT,
        r"auth failure: (?:secre\w+ conn|handshake) failed",
        "Something answers at the dialled address, but not as a Loom node does: another program, a node that "
        "hangs, or one with a broken key.",
        "Check the port in this node's list of peers, and the other node's log.",
        act=Act.LOOK,
        denied_by=Denial.ALL_PEERS,
    ),
)


NETWORK = (
    rule(
        Severity.ERROR,
        "Another chain",
        TENDERMINT_GENESIS,
        r"Peer is on a different network\. Got (?P<got>[^,]{1,80}), expected (?P<expected>[^\"\s]{1,80})",
        "The peer's chain_id is {got}, this node's is {expected}.",
        "Compare chain_id in chaindata/config/genesis.json on both nodes.",
        act=Act.LOOK,
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.ERROR,
        "Another version of Loom",
        "",
        r"(?:different|Different) Block version",
        "The loom programs of the two nodes do not understand each other.",
        "Install the same loom version on every node.",
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.HARMLESS,
        "Private addresses are not kept",
        "",
        r"Cannot add non-routable address|Can't add peer's address to addrbook",
        "Private IP addresses never enter the address book. Usual in a private network.",
        "Nothing to do.",
        act=Act.NOTHING,
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.WARNING,
        "No seed answers",
        "",
        r"Couldn't connect to any seeds",
        "The node has no peer and no seed to dial. Usual for some seconds at a start, and for a node that "
        "lists no seeds.",
        "Where it goes on: no peer has the ID and address that this node lists, or all share its own ID. "
        "Compare the node keys.",
        act=Act.LOOK,
        denied_by=Denial.ANY_PEER,
    ),
    rule(
        Severity.WARNING,
        "A peer is given up",
        "",
        r"Failed to reconnect to peer\. (?:Beginning exponential backoff|Giving up)",
        "The node could not reach a persistent peer for a long time and now tries rarely, or no more.",
        "After the cause is mended, restart the process of this node, which is up.",
        act=Act.RESTART,
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.WARNING,
        "A peer's address is tried no more",
        ADDRBOOK,
        r"Reached max attempts to dial\s.*?addr=[0-9A-Fa-f]{40}@(?P<address>\S{1,200})",
        "This node dialled {address} of its addrbook.json many times without an answer, and leaves it.",
        "Usual for a machine that is gone: nothing to do. If a node lives there, find out why it does not "
        "answer, and then restart the process of this node, which is up.",
        act=Act.LOOK,
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.ERROR,
        "No seed name resolves",
        UNIT,
        r"Address book is empty,? and could(?:n't| not) connect to any seed nodes"
        r"|Address book is empty and couldn't resolve any seed nodes",
        "No host name in --peers could be resolved, and addrbook.json is empty: the node does not start.",
        "Correct the hosts in --peers of the unit, or the name service of the node.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "Redis does not answer",
        LOOM_CONFIG,
        r"(?i)dial tcp \S+:6379: |redis.{0,80}(?:refused|timeout|no such host|unreachable)",
        "The event dispatcher's Redis cannot be reached, so the node exits at every start.",
        "Make Redis answer, or correct its address in loom.yml (EventDispatcher).",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.WARNING,
        "A peer does not answer",
        UNIT,
        r"dial tcp (?P<address>\S+): (?:connect: connection refused|i/o timeout|connect: no route to host"
        r"|connect: network is unreachable)",
        "Nothing answers at {address}: that node is not up, listens on another port, or a firewall blocks.",
        "Usual while nodes are starting. Else compare the port with [p2p] laddr in that node's config.toml.",
        act=Act.LOOK,
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.WARNING,
        "A peer was lost",
        "",
        r"Connection failed @ \w+Routine|Stopping peer for error",
        "The connection to a peer broke: it was stopped, or two nodes share one ID and push each other out.",
        "Usual when a node stops. Where it goes on, compare the node keys.",
        act=Act.LOOK,
        denied_by=Denial.ALL_PEERS,
    ),
)


PEER_LISTS = (
    rule(
        Severity.ERROR,
        "An unusable entry in --peers",
        UNIT,
        r"seed node configuration has error",
        "An entry in --peers is malformed: the node does not start.",
        "Correct --peers in the unit of this node.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "An entry without an ID",
        UNIT,
        r"Address \((?P<entry>[^)]{0,200})\) does not contain ID",
        "{entry} in this node's list of peers has no ID and is skipped.",
        "Write it as tcp://ID@host:port in the unit of this node.",
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.ERROR,
        "An entry with a wrong ID",
        UNIT,
        r"Invalid address \((?P<entry>[^)]{0,200})\): (?:invalid hex length|encoding/hex)",
        "The ID of {entry} in this node's list of peers is not 40 hex digits; the entry is skipped.",
        "Write the peer's ID in full in the unit of this node.",
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.ERROR,
        "A host name that does not resolve",
        UNIT,
        r"Error looking up host \((?P<host>[^)]{0,200})\)|lookup (?P<name>\S{1,200}): no such host",
        "The name {host}{name} in this node's list of peers is unknown; the entry is skipped.",
        "Correct it in the unit of this node, or in the name service.",
        denied_by=Denial.ALL_PEERS,
    ),
    rule(
        Severity.ERROR,
        "An unusable entry in --persistent-peers",
        UNIT,
        r"Error in peer's address",
        "An entry in this node's list of peers is malformed and is skipped.",
        "Correct the list in the unit of this node.",
        denied_by=Denial.ALL_PEERS,
    ),
)
