"""Messages of a node that does what it should, and those that others explain better."""

from __future__ import annotations

from loomtui.loom.advice import Act
from loomtui.loom.databases import UNIT
from loomtui.loom.logrules.rule import Denial, Severity, rule

QUERIES = (
    rule(
        Severity.HARMLESS,
        "A query of a height that is pruned",
        "",
        r"version does not exist",
        "Somebody asked this node for the state at a height that it no longer keeps (PruneInterval and "
        "MaxVersions of AppStore in loom.yml). The query failed; the chain and the node go on.",
        "Nothing to do for the chain. Whoever asks needs a node that keeps all heights.",
        act=Act.NOTHING,
    ),
    rule(
        Severity.WARNING,
        "A query failed",
        "",
        r"Panic in RPC HTTP handler",
        "A request to the RPC of this node ended in an error; the line says which. The node goes on.",
        "Look at the error, and at who asks, where it comes often.",
        act=Act.LOOK,
    ),
)


USUAL = (
    rule(
        Severity.INFO,
        "A peer was turned away",
        "",
        r"Inbound Peer rejected|Ignoring inbound connection",
        "A node dialled this one and was not let in; the line says why.",
        "Look at the log of the node that dialled.",
        act=Act.LOOK,
    ),
    rule(
        Severity.INFO,
        "Peer connected",
        "",
        r"Added peer",
        "A peer is connected.",
        "Nothing to do.",
        Act.NOTHING,
    ),
    rule(
        Severity.INFO,
        "The node's ID",
        "",
        r"P2P Node ID(?:.*\bID=(?P<id>[0-9a-f]{40}))?",
        "The ID by which peers must know this node.",
        "Nothing to do.",
        act=Act.NOTHING,
    ),
    rule(
        Severity.INFO,
        "Not a validator",
        "",
        r"This node is not a validator",
        "This node's validator key is not in the set: it follows the chain and does not sign.",
        "Right for the backup node. Of a validator: its key was voted out, or is not its own; loomtui status "
        "tells what its own chain says.",
        act=Act.LOOK,
    ),
    rule(
        Severity.INFO,
        "A validator",
        "",
        r"This node is a validator",
        "This node's key is in the set of validators.",
        "Nothing to do.",
        act=Act.NOTHING,
    ),
    rule(
        Severity.INFO,
        "A block",
        "",
        r"Executed block|Applying block|Committed state",
        "The chain moves.",
        "Nothing to do.",
        act=Act.NOTHING,
    ),
    rule(
        Severity.INFO,
        "A peer is tried again",
        "",
        r"Error reconnecting to peer\. Trying again",
        "A persistent peer could not be reached and is dialled again; the line says why.",
        "Nothing to do yet.",
        act=Act.NOTHING,
    ),
    rule(
        Severity.INFO,
        "The node stops",
        "",
        r"captured \w+, exiting|Stopping (?:Node|P2P Switch)",
        "The node was told to stop. Exit status 1 after it is usual.",
        "Nothing to do.",
        act=Act.NOTHING,
    ),
    rule(
        Severity.WARNING,
        "The service ended with an error",
        "",
        r"Main process exited, code=|Scheduled restart job|Failed with result '|Unit entered failed state"
        r"|Failed to start (?:[Ll]oom|\S+\.service)",
        "The node ended by itself and systemd starts it again, for ever if need be.",
        "Read the error in the lines above.",
        act=Act.LOOK,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.WARNING,
        "A peer could not be dialled",
        UNIT,
        r"Error dialing (?:peer|seed)|Dialing failed",
        "The connection to a peer failed; the line says why.",
        "Compare the peer's ID, address and port with the list in the unit of this node.",
        act=Act.LOOK,
        denied_by=Denial.ALL_PEERS,
    ),
)
