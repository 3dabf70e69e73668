"""Messages about signing, votes and blocks."""

from __future__ import annotations

from loomtui.loom.advice import Act
from loomtui.loom.databases import APP_DB, BLOCK_DATA, TENDERMINT_GENESIS, VALIDATOR
from loomtui.loom.logrules.rule import RESTORE_OWN_KEY, Denial, Severity, rule

DANGER = (
    rule(
        Severity.CRITICAL,
        "Double sign",
        VALIDATOR,
        r"Found conflicting vote from ourselves",
        "This node's validator has signed two different votes for one block: its signing state was set back, "
        "or its key is in use elsewhere.",
        "Stop this node now. Find out which other node uses the key, or why priv_validator.json is older "
        "than the chain.",
        act=Act.STOP,
    ),
    rule(
        Severity.CRITICAL,
        "Evidence of double signing",
        VALIDATOR,
        r"Verified new evidence of byzantine behaviour",
        "A validator has signed twice, and the chain has recorded it.",
        "Compare the validator addresses of all nodes; stop those that share one.",
        act=Act.STOP,
    ),
    rule(
        Severity.CRITICAL,
        "Two nodes sign with one key",
        VALIDATOR,
        r"Existing vote: .*Non-deterministic signature",
        "Two nodes use the same priv_validator.json.",
        "Stop all but the rightful owner of the key. Then plan a restore of the others (loomtui plan "
        "--nodes NAME): the plan gives each its own key, never with a signing state below the chain's.",
        act=Act.STOP,
    ),
    rule(
        Severity.CRITICAL,
        "Another set of validators",
        TENDERMINT_GENESIS,
        r"Wrong Block\.Header\.ValidatorsHash",
        "The validators in this node's chaindata/config/genesis.json are not those of the chain.",
        "Put the chain's own genesis.json there and restore the node's data again.",
        act=Act.RESTORE,
        denied_by=Denial.GROWS,
    ),
    rule(
        Severity.CRITICAL,
        "Another genesis time",
        TENDERMINT_GENESIS,
        r"Block time .* is not equal to genesis time",
        "genesis_time in this node's chaindata/config/genesis.json is not the chain's.",
        "Put the chain's own genesis.json there and restore the node's data again.",
        act=Act.RESTORE,
        denied_by=Denial.GROWS,
    ),
    rule(
        Severity.CRITICAL,
        "The state has parted from the chain",
        APP_DB,
        r"Wrong Block\.Header\.AppHash",
        "This node computes another app state than the others: its data or its genesis.json is not theirs.",
        "This data cannot be used. Compare genesis.json in the working directory with another node's, then "
        "restore the data again.",
        act=Act.RESTORE,
        denied_by=Denial.GROWS,
    ),
    rule(
        Severity.CRITICAL,
        "Consensus failure: the disk is full",
        "",
        r"CONSENSUS FAILURE!!!.*no space left on device",
        "This node could not write what it was to sign or to store. It takes no part in the chain any more, "
        "also when there is room again, and its process stays up.",
        "Free space on the node, then restart its process, which is up: systemctl restart UNIT.",
        act=Act.RESTART,
        denied_by=Denial.GROWS,
    ),
    rule(
        Severity.CRITICAL,
        "Consensus failure",
        BLOCK_DATA,
        r"CONSENSUS FAILURE!!!|Failed to process committed block",
        "This node cannot apply a block that the others have agreed on; it makes no progress any more.",
        "Read the error in the line; as a rule the data of this node has to be restored again.",
        act=Act.RESTORE,
        denied_by=Denial.GROWS,
    ),
)


SIGNING = (
    rule(
        Severity.ERROR,
        "The signing state is ahead of the data",
        VALIDATOR,
        r"(?:Error signing|signing (?:vote|proposal)).*Height regression",
        "The validator has already signed a later height, so it refuses to sign this one. Where a third of "
        "the voting power does so, the chain stands still for ever.",
        "It signs again once the chain has passed that height. Where the chain moves: wait. Where it stands "
        "still, loomtui status tells whether every holder of a key is known, and what may be done then.",
        act=Act.WAIT,
    ),
    rule(
        Severity.ERROR,
        "The signing state is ahead of the round",
        VALIDATOR,
        r"(?:Error signing|signing (?:vote|proposal)).*(?:Round|Step) regression",
        "The validator has already signed a later round or step of this very height.",
        "It signs again at the next height. Where the chain moves: wait. Where it stands still, loomtui "
        "status tells whether every holder of a key is known, and what may be done then.",
        act=Act.WAIT,
    ),
    rule(
        Severity.ERROR,
        "Already signed something else at this height",
        VALIDATOR,
        r"(?:Error signing|signing (?:vote|proposal)).*Conflicting data",
        "The validator has signed another block at this very height, round and step, and refuses this one.",
        "It signs again at the next height. Where the chain moves: wait. Where it stands still, loomtui "
        "status tells whether every holder of a key is known, and what may be done then.",
        act=Act.WAIT,
    ),
    rule(
        Severity.ERROR,
        "The signing state is incomplete",
        VALIDATOR,
        r"No LastSignature found",
        "priv_validator.json names a height, but not the signature made there.",
        RESTORE_OWN_KEY,
        act=Act.RESTORE,
    ),
    rule(
        Severity.ERROR,
        "The node could not sign",
        VALIDATOR,
        r"Error signing (?:vote|proposal)",
        "The validator key did not sign; the line says why.",
        "Look at chaindata/config/priv_validator.json: owner, mode, content; with an HSM at its connection.",
        act=Act.LOOK,
    ),
    rule(
        Severity.ERROR,
        "A vote of an unknown validator",
        TENDERMINT_GENESIS,
        r"Cannot find validator \d+ in valSet",
        "The validators in this node's chaindata/config/genesis.json are not those of the chain.",
        "Put the chain's own genesis.json there and restore the node's data again.",
        act=Act.RESTORE,
        denied_by=Denial.GROWS,
    ),
)
