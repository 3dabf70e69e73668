"""What a plan has to tell its operator. Findings are typed: sentences are for people and steer nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class FindingCode(StrEnum):
    """What was found. Plan files and JSON hold these values, so they are never renamed."""

    # Why a plan must not be run.
    CHAIN_STANDS = "chain-stands"  # the prediction: it would stand still, or nothing tells that it moves
    RESET_REFUSED = "reset-refused"  # the reset of signing states that was asked for is not safe
    NO_EVM = "no-evm"
    TORN_DATA = "torn-data"
    CHAIN_UNDECIDED = "chain-undecided"  # the sources disagree which chain the data is of
    CHAIN_UNKNOWN = "chain-unknown"  # no genesis of it is anywhere
    OTHER_CHAIN = "other-chain"  # the nodes outside the plan are of another one than the data
    KEYS_UNREADABLE = "keys-unreadable"
    SEVERAL_FILE_SYSTEMS = "several-file-systems"
    UNFIT_PLACE = "unfit-place"  # something on the node could not be replaced, renamed or placed
    CANNOT_START = "cannot-start"  # what the unit needs is not there, or systemd does not start it
    SIGNING_STATE_ODD = "signing-state-odd"  # it is of a form in which it cannot be set
    TOOL_MISSING = "tool-missing"  # of those that every run needs on a node
    NODE_LOCKED = "node-locked"  # by another run
    FILE_MISSING = "file-missing"  # without which a node cannot start
    CONFIG_SHADOWED = "config-shadowed"  # another file wins over loom.yml or config.toml
    CONFIG_UNREADABLE = "config-unreadable"  # so that where Loom looks for its files cannot be told
    FILES_MOVED = "files-moved"  # Loom looks elsewhere than where a restore puts them
    ROOT_DIR = "root-dir"  # likewise all of it, by RootDir of loom.yml
    IDENTITY_DISPUTED = "identity-disputed"  # `loom nodekey` tells another ID than the key file
    FILE_NOT_AMINO = "file-not-amino"  # Tendermint cannot read it, and no node starts with it
    REDIS_UNREACHED = "redis-unreached"
    REDIS_NOT_CORRECTED = "redis-not-corrected"
    NO_ROOM = "no-room"
    GIVE_UP_UNJUDGED = "give-up-unjudged"  # old databases may not go before the archive was judged whole
    DUPLICATE_KEY = "duplicate-key"
    RUNS_OUTSIDE = "runs-outside"  # a node that is not in the plan runs, with the abandoned blocks
    GONE_ANSWERS = "gone-answers"
    PLACE_TAKEN = "place-taken"  # a node gets the keys of another one, which may run
    SIGNING_STATE_LOST = "signing-state-lost"  # while the chain lived on
    CHAIN_RESTS = "chain-rests"  # likewise, and the chain makes no blocks: a vote may have been cast already
    KEY_SWAPPED = "key-swapped"  # a validator of the chain would become another one
    KEYS_KEPT_IN_VAIN = "keys-kept-in-vain"
    UNIT_BY_HAND = "unit-by-hand"  # its peers have to change, and loomtui cannot change them
    UNIT_FILE_MISSING = "unit-file-missing"  # an EnvironmentFile= without which it does not start

    # What is worth knowing.
    FOREIGN_GENESIS = "foreign-genesis"
    TIMES_DISAGREE = "times-disagree"  # of the archive and of its last block
    TIME_UNSURE = "time-unsure"  # when the archive was taken
    PASSED_OVER = "passed-over"  # a newer object that is not taken
    NO_BACKUPS_OF_HOST = "no-backups-of-host"
    NO_CONFIG_BACKUP = "no-config-backup"
    ARCHIVE_NOTE = "archive-note"  # what the look into an archive remarked
    MANIFEST_UNUSED = "manifest-unused"  # of a prepared backup: damaged, or of another version of it
    DELTA_IN_VAIN = "delta-in-vain"  # it was asked for, and there is no twin
    OLD_DATA_GIVEN_UP = "old-data-given-up"  # as the operator consented: no rollback brings it back
    BACKUP_JOB = "backup-job"
    CLOCK_OFF = "clock-off"
    VALIDATOR_ABSENT = "validator-absent"
    OPENED_ELSEWHERE = "opened-elsewhere"  # a process that no stop ends has a database open
    LINKED_FILE = "linked-file"  # what is replaced is a link, or has other names
    UNIT_STAYS = "unit-stays"
    KEY_SET_ASIDE = "key-set-aside"
    GONE = "gone"
    UNSEEN_OUTSIDE = "unseen-outside"
    STOPPED_OUTSIDE = "stopped-outside"
    KEYS_FROM_BACKUPS = "keys-from-backups"
    DIALLED_IN_VAIN = "dialled-in-vain"
    PEERS_UNKNOWN = "peers-unknown"  # whom a node lists cannot be read

    NOT_TOLD = "not-told"  # of a plan that an earlier loomtui made: only its words are known


@dataclass(frozen=True)
class Finding:
    """One thing that the operator has to know about a plan, with what to do about it."""

    code: FindingCode
    node: str | None  # None: it is about the cluster, or about several nodes
    sentence: str  # what is so, for reading; it names the node itself
    advice: str = ""  # what to do, for reading; empty: nothing has to be done

    @property
    def text(self) -> str:
        """The whole finding, for reading."""
        if not self.advice:
            return self.sentence
        return f"{self.sentence}{'' if self.sentence.endswith(('.', '?')) else '.'} {self.advice}"


def texts_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The findings for reading, one text for each."""
    return tuple(finding.text for finding in findings)
