"""Proves one backup, step by step, and says what it came to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from loomtui.backups.looking import Progress
from loomtui.backups.model import Backup, BackupKind, Contents
from loomtui.drill import machines
from loomtui.drill.guarded import Control, guarded
from loomtui.drill.machines import Machine
from loomtui.drill.proof import node_config
from loomtui.drill.proof.chamber import Task, Watched
from loomtui.drill.proof.node_config import Identity, Origin
from loomtui.drill.proof.proofs import Gap, Isolation, Program, Proof, ProofStep, StepTaken, Wish
from loomtui.drill.proof.source import BackupSource
from loomtui.drill.proof.succession import NoSuccessionError, is_practice_chain, succeed
from loomtui.drill.proof.unpacking import DataTaker, place, see_room
from loomtui.errors import (
    ArchiveRejected,
    ObjectDenied,
    ObjectUnreadable,
    ObjectWithheld,
    Refused,
)
from loomtui.loom.config import read_loom_yml
from loomtui.restore.planning.choosing import fault_for_nodes
from loomtui.text import clean_line

#: The block above the restored one is decided by the new validator; the next one holds the app's hash of it.
BLOCKS = 2
_CHAMBER_SECONDS = 90.0
#: A node opens its databases and replays blocks before it answers.
_ANSWER_SECONDS = 1800.0
_BLOCK_SECONDS = 60.0
_STAND_IN_BLOCK_SECONDS = 0.2
_BLOCK_STORE = "chaindata/data/blockstore.db"
_EVM_VERSION = 3  # AppStore.Version from which on evm.db is needed; the default since 2019-07
_ALWAYS = (Gap.OWN_KEYS, Gap.NETWORK, Gap.ALL_STATE, Gap.WAL, Gap.PLUGINS)

Tell = Callable[[str], None]


class _BadBackupError(Exception):
    """Why it cannot bring the chain back, as a sentence."""


@dataclass
class _Course:
    """What is known so far."""

    steps: list[StepTaken] = field(default_factory=list)
    program: Program = Program.NONE
    isolation: Isolation = Isolation.NONE
    contents: Contents | None = None
    signed: int | None = None
    reached: int | None = None
    gaps: list[Gap] = field(default_factory=lambda: list(_ALWAYS))

    @contextmanager
    def step(self, step: ProofStep) -> Iterator[None]:
        """Notes how long it took, and why it failed."""
        began, wrong = time.monotonic(), ""
        try:
            yield
        except _BadBackupError as error:
            wrong = str(error)
            raise
        finally:
            self.steps.append(StepTaken(step, time.monotonic() - began, wrong))


@dataclass(frozen=True)
class Chamber:
    """Where the node will live."""

    control: Control
    root: Path
    is_isolated: bool
    machine: Machine


async def prove(
    source: BackupSource, backup: Backup, wish: Wish, report: Progress, tell: Tell = lambda _: None
) -> Proof:
    """Whatever is wrong with the backup is in what it gives.

    What says nothing of the backup is raised: LoomtuiError for S3 that cannot be used, Refused for what would
    not be safe and for a disk without room.
    """
    began, course = datetime.now(UTC), _Course()
    with open_chamber() as chamber, suppress(_BadBackupError):  # the last step says why
        await _prove(source, backup, wish, chamber, course, report, tell)
    contents = course.contents
    return Proof(
        key=backup.key,
        taken_at=backup.taken_at,
        size_bytes=backup.size_bytes,
        began=began,
        steps=tuple(course.steps),
        program=course.program,
        isolation=course.isolation,
        chain_id=_chain_id_of(contents) if contents is not None else None,
        height=_height_of(contents) if contents is not None else None,
        block_time=contents.chain.block_time if contents is not None and contents.chain is not None else None,
        reached=course.reached,
        signed=course.signed,
        gaps=tuple(course.gaps),
        warnings=contents.warnings if contents is not None else (),
    )


@contextmanager
def open_chamber() -> Iterator[Chamber]:
    with guarded("loomtui.drill.proof.chamber", [], None, start_seconds=_CHAMBER_SECONDS) as (control, ready):
        root = Path(ready["root"])
        machine = Machine("proof", True, root / "node", ready["address"], ready["rpc"], ready["api"], "proof")
        for folder in (machine.home, machine.binary.parent, machine.root / ".practice"):
            folder.mkdir(parents=True, mode=0o700)
        yield Chamber(control, root, bool(ready["is_isolated"]), machine)


async def _prove(
    source: BackupSource,
    backup: Backup,
    wish: Wish,
    chamber: Chamber,
    course: _Course,
    report: Progress,
    tell: Tell,
) -> None:
    """Raises _BadBackupError, and what `prove` raises."""
    if wish.binary is not None and wish.starts and not chamber.is_isolated:
        raise Refused(
            "a loom program is started only where it has no network, and this machine lets us make none",
            advice="Call it as root, or allow user namespaces (user_namespaces(7)).",
        )
    unpacked = chamber.root / "unpacked"
    unpacked.mkdir(mode=0o700)
    with course.step(ProofStep.READ):
        course.contents = contents = await _read(source, backup, unpacked, report)
    with course.step(ProofStep.FIT):
        config = await source.config_for(contents)
        origin = Origin.of(contents, config)
        _note_origin(course, origin, config)
        _see_that_it_fits(contents, origin)
    if not wish.starts:
        course.gaps.append(Gap.START)
        return
    machine, height = chamber.machine, _height_of(contents) or 0
    with course.step(ProofStep.PREPARE):
        place(contents, unpacked, machine.home)
        if wish.binary is None and not is_practice_chain(machine.home / _BLOCK_STORE, height):
            course.gaps.append(Gap.REAL_DATA)
            return
        blocks = BLOCKS if _furnish(contents, origin, machine, height) else 0
    course.program = Program.LOOM if wish.binary is not None else Program.STAND_IN
    course.isolation = Isolation.NAMESPACE if chamber.is_isolated else Isolation.CONFIGURATION
    course.gaps += [Gap.OWN_VALIDATORS if blocks else Gap.MOVES, *([] if wish.binary else [Gap.LOOM])]
    tell("starting the node")
    await _run(chamber, course, height, wish.binary, blocks=blocks)


async def _read(source: BackupSource, backup: Backup, unpacked: Path, report: Progress) -> Contents:
    try:
        see_room(unpacked, await source.known_bytes(backup) or 0)
        with closing(DataTaker(unpacked)) as taker:
            contents = await source.read(backup, taker, report)
    except (ObjectDenied, ObjectWithheld):
        raise
    except ArchiveRejected as error:
        raise _BadBackupError(error.reason) from error
    except ObjectUnreadable as error:
        raise _BadBackupError(error.what) from error
    except OSError as error:
        raise Refused(
            f"it cannot be unpacked in {unpacked.parent}: {error.strerror}",
            advice="Name a folder on another disk with TMPDIR.",
        ) from error
    if contents.backup.kind not in (BackupKind.DATA, BackupKind.FULL):
        raise _BadBackupError(
            contents.warnings[-1] if contents.warnings else "it holds no data of a Loom node"
        )
    return contents


def _note_origin(course: _Course, origin: Origin, config: Contents | None) -> None:
    if origin.loom_yml is None:
        course.gaps.append(Gap.OWN_CONFIG)
    if origin.genesis is None or origin.loom_genesis is None:
        course.gaps.append(Gap.OWN_GENESIS)
    if config is not None and config.validator is not None and config.validator.signing is not None:
        course.signed = config.validator.signing.height


def _see_that_it_fits(contents: Contents, origin: Origin) -> None:
    """Raises _BadBackupError."""
    version = read_loom_yml(origin.loom_yml).app_store_version if origin.loom_yml is not None else None
    fault = fault_for_nodes(contents, needs_evm=version is None or version >= _EVM_VERSION)
    if fault is not None:
        raise _BadBackupError(fault.reason)


def _furnish(contents: Contents, origin: Origin, machine: Machine, height: int) -> bool:
    """The node's configuration and its program. Gives whether it can make blocks.

    Raises _BadBackupError and Refused.
    """
    machines.install_loom(machine, _STAND_IN_BLOCK_SECONDS)
    identity = Identity.new()
    texts = node_config.rendered(origin, machine, identity, _chain_id_of(contents))
    node_config.write(machine, texts, identity)
    try:
        succeed(machine.home / "chaindata/data/state.db", identity.validator, height)
    except NoSuccessionError:
        return False
    except OSError as error:
        raise _BadBackupError(f"its state.db cannot be read: {error.strerror}") from error
    return True


async def _run(chamber: Chamber, course: _Course, height: int, binary: Path | None, *, blocks: int) -> None:
    """Raises _BadBackupError."""
    machine = chamber.machine
    task = Task(
        program=(str(binary or machine.binary), "run"),
        home=str(machine.home),
        rpc_port=machine.rpc_port,
        height=height,
        blocks=blocks,
        answer_seconds=_ANSWER_SECONDS,
        block_seconds=_BLOCK_SECONDS,
    )
    most = _ANSWER_SECONDS + (blocks + 1) * _BLOCK_SECONDS + _CHAMBER_SECONDS
    began = time.monotonic()
    told = await asyncio.to_thread(chamber.control.call, "watch", within=most, **asdict(task))
    seen, seconds = Watched(**told), time.monotonic() - began
    course.reached = seen.height
    answered = seen.answered_seconds
    course.steps.append(
        StepTaken(ProofStep.START, seconds if answered is None else answered, _unstarted(seen, height))
    )
    if blocks and not course.steps[-1].wrong:
        wrong = "" if seen.moved_seconds is not None else _unmoved(seen, height)
        moved = seen.moved_seconds
        course.steps.append(
            StepTaken(ProofStep.MOVE, seconds - (answered or 0) if moved is None else moved, wrong)
        )
    if course.steps[-1].wrong:
        raise _BadBackupError(course.steps[-1].wrong)


def _unstarted(seen: Watched, height: int) -> str:
    if seen.first is None:
        if seen.status is None:
            return (
                f"the node did not answer within {_ANSWER_SECONDS:.0f} seconds. It says: {_last_words(seen)}"
            )
        return f"the node ended with status {seen.status} at its start: {_last_words(seen)}"
    return f"the node has block {seen.first}, and the backup block {height}" if seen.first < height else ""


def _unmoved(seen: Watched, height: int) -> str:
    if seen.status is not None:
        return f"the node ended with status {seen.status} above block {height}: {_last_words(seen)}"
    return f"the node made no {BLOCKS} blocks above {height}. It says: {_last_words(seen)}"


def _last_words(seen: Watched) -> str:
    lines = [clean_line(line, limit=400) for line in seen.log.splitlines()]
    errors = [line for line in lines if line.startswith(("Error:", "panic:"))]
    return next(iter([*errors[-1:], *[line for line in reversed(lines) if line]]), "nothing")


def _chain_id_of(contents: Contents) -> str | None:
    return contents.chain.chain_id if contents.chain is not None else contents.chain_id


def _height_of(contents: Contents) -> int | None:
    """Of the last block that a node with these databases has."""
    return contents.store_height if contents.store_height is not None else contents.state_height
