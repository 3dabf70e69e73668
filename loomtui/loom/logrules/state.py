"""Messages about databases."""

from __future__ import annotations

from loomtui.loom.advice import Act
from loomtui.loom.databases import (
    APP_DB,
    BLOCK_DATA,
    EVM_DB,
    LOOM_CONFIG,
    RECEIPTS_DB,
)
from loomtui.loom.logrules.rule import Denial, Severity, rule

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
        act=Act.RESTORE,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "The blocks do not fit app.db",
        BLOCK_DATA,
        r"state\.AppHash does not match AppHash after replay",
        "The state in chaindata/data is missing or does not belong to app.db.",
        "Restore app.db and chaindata/data from the same backup.",
        act=Act.RESTORE,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "state.db and blockstore.db differ in height",
        BLOCK_DATA,
        r"StateBlockHeight \(\d+\) > StoreBlockHeight \(\d+\)|StoreBlockHeight \(\d+\) > StateBlockHeight"
        r"|state \(\d+\) and store \(\d+\) height mismatch",
        "The databases in chaindata/data are not of one moment, or one of them is missing.",
        _RESTORE_AGAIN,
        act=Act.RESTORE,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "evm.db is missing or too old",
        EVM_DB,
        r"failed to load EVM root for version (?P<version>\d+)",
        "app.db stands at {version}, and evm.db does not hold that version.",
        "Restore evm.db from the same backup as app.db; a backup without it cannot start this build.",
        act=Act.RESTORE,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "evm.db and app.db differ",
        EVM_DB,
        r"EVM roots mismatch",
        "evm.db and app.db are not of one moment.",
        "Restore both from the same backup.",
        act=Act.RESTORE,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "loom is too old for the data",
        "",
        r"build (?P<have>\d+) is too old, upgrade to build (?P<need>\d+)",
        "The data was written by loom build {need} or later, this is build {have}.",
        "Install the loom version that the cluster ran.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.INFO,
        "Replay of blocks",
        "",
        r"ABCI Replay Blocks",
        "app.db is behind the blocks and is brought up to date; no port answers before it is done.",
        "Wait.",
        act=Act.WAIT,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "The consensus WAL is damaged",
        WAL,
        r"data has been corrupted \(|in last height \d+ of consensus WAL",
        "chaindata/data/cs.wal ends in damaged records: the node does not start.",
        "Set chaindata/data/cs.wal aside; the unit's Restart= lets the node go on by itself.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.WARNING,
        "The consensus WAL is of another height",
        WAL,
        r"WAL does not contain #ENDHEIGHT|WAL should not contain #ENDHEIGHT|Error on catchup replay",
        "chaindata/data/cs.wal does not belong to the block data; the node goes on without it.",
        "If the chain stands still, the validators' signing states are ahead of the data: see there.",
        act=Act.LOOK,
        denied_by=Denial.GROWS,
    ),
    rule(
        Severity.ERROR,
        "A database is in use",
        "",
        r"resource temporarily unavailable|leveldb/storage: already locked",
        "Another process holds this node's databases: a second loom, a plugin that outlived it, or a backup.",
        "Find it on the node (fuser app.db/LOCK) and end it; the service then starts by itself.",
        act=Act.STOP,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "The version that is to be loaded is not in app.db",
        APP_DB,
        r"^(?:Error|panic): .*version does not exist|only found up to \d+",
        "app.db does not hold the height that the node was told to load, by --app-height for one, or it is "
        "older.",
        "Take --app-height out of the unit where it is; else restore the data of this node again.",
        act=Act.RESTORE,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "A kind of database that this loom does not know",
        LOOM_CONFIG,
        r"(?i)unknown db[_ ]backend",
        "DBBackend of loom.yml, or db_backend of config.toml, names a kind that this build of loom has not: "
        "cleveldb is only in some.",
        "Write goleveldb there, or install a loom that was built with it.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "A database may not be opened",
        "",
        r"open \S*(?:\.db|receipts_db)/\S+: permission denied",
        "The unit's user has no right to a database: as a rule another user, root for one, wrote it.",
        "Give the working directory's files to the unit's user.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "A torn database",
        BLOCK_DATA,
        r"leveldb: manifest corrupted|corrupted or incomplete CURRENT file|file missing \[file="
        r"|leveldb/(?:journal|table).*corrupt",
        "Files of a database are missing or damaged, as in a backup of a running node.",
        _RESTORE_AGAIN,
        act=Act.RESTORE,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "receipts_db cannot be opened",
        RECEIPTS_DB,
        r"failed to create receipt handler|receipt handler: opening leveldb",
        "The database of the EVM's receipts cannot be opened, and the line does not tell why: it is torn, "
        "another process holds it, its owner is wrong, or the process may open no more files.",
        "Look at who has receipts_db/LOCK open (fuser), at its owner and at LimitNOFILE of the unit. If "
        "none of these is it, restore the data of this node again, from a backup that has receipts_db.",
        act=Act.LOOK,
        denied_by=Denial.ANSWERS,
    ),
)
