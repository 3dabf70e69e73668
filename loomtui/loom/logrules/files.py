"""Messages about files: some that Tendermint cannot read, others that are missing, damaged or in the way."""

from __future__ import annotations

from loomtui.loom.advice import Act
from loomtui.loom.databases import (
    ADDRBOOK,
    LOOM_CONFIG,
    NODE_KEY,
    TENDERMINT_CONFIG,
    TENDERMINT_GENESIS,
    VALIDATOR,
)
from loomtui.loom.logrules.rule import RESTORE_OWN_KEY, Denial, Severity, rule

NUMBERS = (
    rule(
        Severity.ERROR,
        "A number in priv_validator.json is in the wrong form",
        VALIDATOR,
        r"Error reading PrivValidator from \S+ .*?(?:Amino:JSON .*got: (?P<got>\S+?)\.?$|cannot unmarshal)",
        "In chaindata/config/priv_validator.json the heights and rounds must be in quotes and last_step "
        "must not: the node does not start.",
        "Plan a restore of this node (loomtui plan --nodes NAME): the plan names the field and what "
        "belongs there. The numbers themselves must stay as they are.",
        act=Act.LOOK,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "A number without quotes in a file of Tendermint",
        TENDERMINT_GENESIS,
        r"Amino:JSON (?:u?int\d*/?)+ expects quoted values[^,]*, got: (?P<got>\S+?)\.?(?:[\s\"]|$)",
        "In a file that Tendermint reads at its start the number {got} is not in quotes, most often a "
        "power in chaindata/config/genesis.json: the node does not start.",
        'Write "{got}" with the quotes: to the chain it is the same file. A plan of loomtui names the file '
        "and the field.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "genesis_time is in no form that Tendermint reads",
        TENDERMINT_GENESIS,
        r"Amino:JSON time must be",
        "A time in chaindata/config/genesis.json is not in UTC, with a Z at its end: the node does not "
        "start.",
        "Write the same moment in UTC, as the chain's own genesis.json has it on the other nodes.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "Tendermint's genesis.json cannot be read",
        TENDERMINT_GENESIS,
        r"^Error: (?:unexpected end of JSON input$|invalid character '[^']*' )|Error reading GenesisDoc"
        r"|The genesis file cannot contain validators|Incorrect address for validator"
        r"|[Gg]enesis doc must include",
        "chaindata/config/genesis.json is damaged, or a value in it is wrong; the line says which.",
        "Put the chain's genesis.json back; it is the same on every node.",
        denied_by=Denial.ANSWERS,
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
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "node_key.json cannot be read",
        NODE_KEY,
        r"Error reading NodeKey from|Error in determining Node Key",
        "chaindata/config/node_key.json is damaged, or its owner is wrong.",
        "Put the node's own node_key.json back, with the unit's user as its owner and mode 0600.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "priv_validator.json is missing",
        VALIDATOR,
        r"open \S*priv_validator\.json: no such file",
        "chaindata/config/priv_validator.json is not there: the node does not start.",
        RESTORE_OWN_KEY,
        act=Act.RESTORE,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "priv_validator.json cannot be read",
        VALIDATOR,
        r"Error reading PrivValidator from",
        "chaindata/config/priv_validator.json is damaged.",
        RESTORE_OWN_KEY,
        act=Act.RESTORE,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "genesis.json is missing",
        TENDERMINT_GENESIS,
        r"open (?P<file>\S*genesis\.json): no such file",
        "{file} is not there: the node does not start.",
        "Put the chain's genesis.json back; it is the same on every node.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "addrbook.json is damaged",
        ADDRBOOK,
        r"Panicked on a Crisis: Error reading file",
        "The address book cannot be read: the node does not start.",
        "Set chaindata/config/addrbook.json aside; it is rebuilt by itself.",
        denied_by=Denial.ANSWERS,
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
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "A port is taken",
        TENDERMINT_CONFIG,
        r"listen \w+ (?P<address>\S+): bind: address already in use",
        "Another process listens on {address}.",
        "Find it on the node (ss -ltnp) and end it, most often a second loom.",
        act=Act.STOP,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "The disk is full",
        "",
        r"no space left on device|[Dd]isk quota exceeded",
        "The node can write no more.",
        "Free space on the node, for example with `loomtui clean` for past runs.",
    ),
    rule(
        Severity.ERROR,
        "The disk is read-only",
        "",
        r"(?i)read-only file system",
        "The node may not write on its disk: it is mounted so, or the kernel made it so after an error.",
        "Look for the cause in dmesg, and mount the disk to be written on again.",
    ),
    rule(
        Severity.ERROR,
        "The disk fails",
        "",
        r"(?i)input/output error",
        "The kernel could not read or write a block of the disk.",
        "Look for the cause in dmesg. Replace the disk, and restore the data of this node on the new one.",
        act=Act.RESTORE,
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
