"""Messages about databases and files."""

from __future__ import annotations

from loomtui.loom.databases import (
    ADDRBOOK,
    APP_DB,
    BLOCK_DATA,
    EVM_DB,
    LOOM_CONFIG,
    NODE_KEY,
    TENDERMINT_CONFIG,
    TENDERMINT_GENESIS,
    VALIDATOR,
)
from loomtui.loom.logrules.rule import Severity, rule

WAL = f"{BLOCK_DATA}/cs.wal"
_RESTORE_AGAIN = "Restore the data of this node again, from a backup that was checked whole."

DATABASES = (
    rule(
        Severity.ERROR,
        "app.db is newer than the blocks",
        APP_DB,
        r"App block height \((?P<app>\d+)\) is higher than core \((?P<core>\d+)\)",
        "app.db stands at {app}, the blocks in chaindata/data only at {core}: they are not of one moment.",
        "Restore app.db and chaindata/data from the same backup.",
    ),
    rule(
        Severity.ERROR,
        "The blocks do not fit app.db",
        BLOCK_DATA,
        r"state\.AppHash does not match AppHash after replay",
        "The state in chaindata/data is missing or does not belong to app.db.",
        "Restore app.db and chaindata/data from the same backup.",
    ),
    rule(
        Severity.ERROR,
        "state.db and blockstore.db differ in height",
        BLOCK_DATA,
        r"StateBlockHeight \(\d+\) > StoreBlockHeight \(\d+\)|StoreBlockHeight \(\d+\) > StateBlockHeight"
        r"|state \(\d+\) and store \(\d+\) height mismatch",
        "The databases in chaindata/data are not of one moment, or one of them is missing.",
        _RESTORE_AGAIN,
    ),
    rule(
        Severity.ERROR,
        "evm.db is missing or too old",
        EVM_DB,
        r"failed to load EVM root for version (?P<version>\d+)",
        "app.db stands at {version}, and evm.db does not hold that version.",
        "Restore evm.db from the same backup as app.db; a backup without it cannot start this build.",
    ),
    rule(
        Severity.ERROR,
        "evm.db and app.db differ",
        EVM_DB,
        r"EVM roots mismatch",
        "evm.db and app.db are not of one moment.",
        "Restore both from the same backup.",
    ),
    rule(
        Severity.ERROR,
        "loom is too old for the data",
        "",
        r"build (?P<have>\d+) is too old, upgrade to build (?P<need>\d+)",
        "The data was written by loom build {need} or later, this is build {have}.",
        "Install the loom version that the cluster ran.",
    ),
    rule(
        Severity.INFO,
        "Replay of blocks",
        "",
        r"ABCI Replay Blocks",
        "app.db is behind the blocks and is brought up to date; no port answers before it is done.",
        "Wait.",
    ),
    rule(
        Severity.ERROR,
        "The consensus WAL is damaged",
        WAL,
        r"data has been corrupted \(|in last height \d+ of consensus WAL",
        "chaindata/data/cs.wal ends in damaged records: the node does not start.",
        "Set chaindata/data/cs.wal aside and start the node again.",
    ),
    rule(
        Severity.WARNING,
        "The consensus WAL is of another height",
        WAL,
        r"WAL does not contain #ENDHEIGHT|WAL should not contain #ENDHEIGHT|Error on catchup replay",
        "chaindata/data/cs.wal does not belong to the block data; the node goes on without it.",
        "If the chain stands still, the validators' signing states are ahead of the data: see there.",
    ),
    rule(
        Severity.ERROR,
        "A database is in use",
        "",
        r"resource temporarily unavailable|leveldb/storage: already locked",
        "Another process holds this node's databases: a second loom, a plugin that outlived it, or a backup.",
        "Find it on the node (fuser app.db/LOCK) and end it; the service then starts by itself.",
    ),
    rule(
        Severity.ERROR,
        "A torn database",
        BLOCK_DATA,
        r"leveldb: manifest corrupted|corrupted or incomplete CURRENT file|file missing \[file="
        r"|leveldb/(?:journal|table).*corrupt",
        "Files of a database are missing or damaged, as in a backup of a running node.",
        _RESTORE_AGAIN,
    ),
)


FILES = (
    rule(
        Severity.ERROR,
        "node_key.json is missing",
        NODE_KEY,
        r"failed to locate local node p2p key file",
        "chaindata/config/node_key.json is not there: the node does not start.",
        "Put the node's own node_key.json back; do not let `loom nodekey` make a new one.",
    ),
    rule(
        Severity.ERROR,
        "node_key.json cannot be read",
        NODE_KEY,
        r"Error reading NodeKey from|Error in determining Node Key",
        "chaindata/config/node_key.json is damaged, or its owner is wrong.",
        "Put the node's own node_key.json back, with the unit's user as its owner and mode 0600.",
    ),
    rule(
        Severity.ERROR,
        "priv_validator.json is missing",
        VALIDATOR,
        r"open \S*priv_validator\.json: no such file",
        "chaindata/config/priv_validator.json is not there: the node does not start.",
        "Put the node's own priv_validator.json back, never another node's.",
    ),
    rule(
        Severity.ERROR,
        "priv_validator.json cannot be read",
        VALIDATOR,
        r"Error reading PrivValidator from",
        "chaindata/config/priv_validator.json is damaged.",
        "Put the node's own priv_validator.json back, never another node's.",
    ),
    rule(
        Severity.ERROR,
        "genesis.json is missing",
        TENDERMINT_GENESIS,
        r"open (?P<file>\S*genesis\.json): no such file",
        "{file} is not there: the node does not start.",
        "Put the chain's genesis.json back; it is the same on every node.",
    ),
    rule(
        Severity.ERROR,
        "addrbook.json is damaged",
        ADDRBOOK,
        r"Panicked on a Crisis: Error reading file",
        "The address book cannot be read: the node does not start.",
        "Set chaindata/config/addrbook.json aside; it is rebuilt by itself.",
    ),
    rule(
        Severity.ERROR,
        "A wrong value in loom.yml",
        LOOM_CONFIG,
        r"error\(s\) decoding",
        "A value in loom.yml is of the wrong type: no loom command runs.",
        "Correct loom.yml.",
    ),
    rule(
        Severity.ERROR,
        "node_key.json holds no key",
        NODE_KEY,
        r"invalid memory address or nil pointer dereference",
        "The program ended in a nil pointer, as it does when node_key.json is empty of a key.",
        "Look at chaindata/config/node_key.json; put the node's own back.",
    ),
    rule(
        Severity.ERROR,
        "A port is taken",
        TENDERMINT_CONFIG,
        r"listen \w+ (?P<address>\S+): bind: address already in use",
        "Another process listens on {address}.",
        "Find it on the node (ss -ltnp) and end it, most often a second loom.",
    ),
    rule(
        Severity.ERROR,
        "The disk is full",
        "",
        r"no space left on device",
        "The node can write no more.",
        "Free space on the node, for example with `loomtui clean` for past runs.",
    ),
    rule(
        Severity.ERROR,
        "A file may not be read or written",
        "",
        r": permission denied",
        "The unit's user has no right to the file that the line names; as a rule its owner is wrong.",
        "Give the working directory's files to the unit's user.",
    ),
)
