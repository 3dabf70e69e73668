"""What the documents say of each diagnosis: what it is made from, what it means, and what may be advised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loomtui.loom.diagnosis.model import Code


@dataclass(frozen=True)
class Entry:
    evidence: str
    meaning: str
    advice: str


CATALOGUE: Mapping[Code, Entry] = {
    Code.SHARED_VALIDATOR_KEY: Entry(
        "The addresses in the priv_validator.json of all nodes, and of the keys that their processes use.",
        "Two nodes hold one validator key: they sign twice, or nobody signs.",
        "Stop all but the owner; the others get their own keys by a plan, never below the chain's height.",
    ),
    Code.NO_BLOCKS: Entry(
        "Height 0, or databases that are missing, on some node, no blocks on any other, and a chain that "
        "was: signed heights, or a missing database.",
        "The databases are gone, or are there anew and empty.",
        "Restore the databases. Signing states are not spoken of: their chain is in the backups.",
    ),
    Code.NEW_CHAIN: Entry(
        "Height 0 where there are blocks, no database missing, and nothing was ever signed.",
        "The chain is before its first block.",
        "Wait, or restore where it is to be an old one.",
    ),
    Code.NO_BLOCKS_HERE: Entry(
        "Height 0, or missing databases, while another node has blocks.",
        "This node's databases are gone; the chain goes on elsewhere.",
        "Wait while it fetches the blocks, or restore this node.",
    ),
    Code.LOG_DANGER: Entry(
        "A line under 'Act now' below, that the node does not contradict by now.",
        "What the message means.",
        "What the message advises.",
    ),
    Code.SIGNING_AHEAD: Entry(
        "Signed heights above the chain's; some node gains blocks.",
        "These validators do not sign yet.",
        "Wait: they sign again when the chain has passed these heights.",
    ),
    Code.SIGNING_AHEAD_HALTS: Entry(
        "Signed heights above the chain's; no node was seen to gain a block.",
        "The data was set back and the signing states were not.",
        "Reset all signing states: only with the proof that every node stands or is stopped, every key of "
        "the set that the nodes tell is on exactly one of them, no unknown peer is connected, and those that "
        "can sign have no two thirds. Else: leave them, with what is open.",
    ),
    Code.NOT_IN_SET: Entry(
        "Voting power 0 by the node's own RPC, at the tip, and in no node's /validators. No genesis file "
        "is asked.",
        "The key was voted out, or is not the node's own.",
        "Compare the address with the backups'; where it is another, plan a restore of this node alone.",
    ),
    Code.WRONG_REFERENCE: Entry(
        "The key report: node keys, and what units and address books say of them.",
        "A node has, or is expected to have, another identity or address.",
        "What mends the reference.",
    ),
    Code.LOG_ERROR: Entry(
        "A line under 'Errors' below, that the node does not contradict by now.",
        "What the message means.",
        "What the message advises.",
    ),
    Code.PEERS_MISSING: Entry(
        "Node IDs in /net_info against those of the inventory's validators that run.",
        "Two nodes that run are not connected. The backup node's connection stands for itself only.",
        "Compare what the nodes expect of each other, then read the log.",
    ),
    Code.UNREACHABLE: Entry(
        "The look did not reach the node.", "Nothing is known of it.", "Check the host and the network."
    ),
    Code.FLAPPING: Entry(
        "Another main process at each look.", "Loom crashes and is restarted, over and over.", "Read its log."
    ),
    Code.NOT_RUNNING: Entry(
        "The service's state.",
        "The service is down.",
        "Start it: only with the proof that no other node has its validator key and no unknown peer is "
        "connected. Else: find out why, and do not start it yet, with what is open.",
    ),
    Code.LOG_WARNING: Entry(
        "A line under 'Warnings' below, that the node does not contradict by now, and nothing else is found.",
        "What the message means.",
        "What the message advises.",
    ),
}
