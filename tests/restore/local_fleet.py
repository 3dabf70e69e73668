"""A fleet of nodes on this machine, through the public methods of `WritableFleet` and `WritableSession`."""

from __future__ import annotations

import asyncio
import subprocess
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from loomtui.errors import LoomtuiError, NodeUnreachable, ScriptFailed
from loomtui.fleet.batch import Look, Part
from loomtui.fleet.fleet import WritableFleet
from loomtui.fleet.look_shell import LookShell
from loomtui.fleet.rights import Rights, Root
from loomtui.fleet.scripts import ChangeScript, InspectScript, Ran
from loomtui.fleet.session import Output, WritableSession
from loomtui.fleet.ssh.reach import Reach
from loomtui.inventory.model import Inventory, LoomSettings, Node
from loomtui.restore.running.node_run import NodeRun
from tests.restore.local import GROUP, RUN, USER, LocalNode
from tests.restore.looks import answer
from tests.restore.material import node_plan


@dataclass
class Faults:
    """What a test lets happen. `before` and `after` are called around every script of a LocalFleet."""

    before: Callable[[str, str], None] = lambda node, script: None
    after: Callable[[str, str], None] = lambda node, script: None
    unreachable: set[str] = field(default_factory=set)
    reach: Callable[[str, str], Reach] = lambda node, place: Reach(True, "reached")


Ask = Callable[[str, str], bytes]  # node, path -> body


class LocalSession(WritableSession):
    """Runs the real scripts on a LocalNode."""

    def __init__(
        self,
        node: Node,
        loom: LoomSettings,
        machine: LocalNode,
        faults: Faults,
        ask: Ask,
        ran: deque[Ran],
        quick: bool,
    ) -> None:
        self._quick = quick
        self.node = node
        self.loom = loom
        self.machine = machine
        self.faults = faults
        self._ask = ask
        self._log = ran
        self.trips: list[tuple[str, ...]] = []  # the scripts that ran in one round trip, the latest last

    @property
    def connected(self) -> bool:
        return True

    async def connect(self) -> None:
        self._reach()

    async def ready(self) -> None:
        self._reach()

    async def close(self) -> None:
        """Nothing is open."""

    async def rights(self) -> Rights:
        self._reach()
        return Rights(Root.NOT_WANTED, USER)

    def _reach(self) -> None:
        if self.node.name in self.faults.unreachable:
            raise NodeUnreachable("it does not answer.", node=self.node.name)

    async def inspect(
        self, script: InspectScript, *args: str, timeout: float = 30, accept: tuple[int, ...] = (0,)
    ) -> Output:
        assert isinstance(script, InspectScript)
        self.trips.append((script.name,))
        return await self._local(script, args, b"", accept)

    async def change(
        self,
        script: ChangeScript,
        *args: str,
        stdin: bytes | AsyncIterator[bytes] | None = None,
        timeout: float = 60,
        accept: tuple[int, ...] = (0,),
    ) -> Output:
        assert isinstance(script, ChangeScript)
        self.trips.append((script.name,))
        return await self._local(script, args, stdin or b"", accept)

    async def inspect_all(self, *looks: Look, timeout: float = 30) -> tuple[Output, ...]:
        return await self._local_batch(looks)

    async def change_all(self, *parts: Part, timeout: float = 60) -> tuple[Output, ...]:
        return await self._local_batch(parts)

    async def _local_batch(self, parts: Sequence[Part]) -> tuple[Output, ...]:
        """One script after the other: a test may let something happen between them."""
        self.trips.append(tuple(part.script.name for part in parts))
        outputs = []
        for part in parts:
            outputs.append(await self._local(part.script, part.args, b"", part.accept))
            if outputs[-1].status:
                break
        return tuple(outputs)

    async def follow(self, script: InspectScript, *args: str) -> AsyncGenerator[tuple[bytes, ...], None]:
        output = await self.inspect(script, *args)
        if output.stdout:
            yield tuple(output.stdout.splitlines())

    async def stay(self, script: InspectScript, *args: str) -> LookShell:
        raise ScriptFailed("nothing stays here.", node=self.node.name)

    async def reach(self, host: str, port: int, *, timeout: float = 5) -> Reach:
        self._reach()
        return self.faults.reach(self.node.name, f"{host}:{port}")

    async def http_get(self, host: str, port: int, path: str, *, timeout: float = 10) -> bytes:
        self._reach()
        if self.machine.active != "active":
            raise LoomtuiError(f"{host}:{port} cannot be reached from the node.", node=self.node.name)
        return self._ask(self.node.name, path)

    async def _local(
        self,
        script: InspectScript | ChangeScript,
        args: tuple[str, ...],
        stdin: bytes | AsyncIterator[bytes],
        accept: tuple[int, ...],
    ) -> Output:
        self._reach()
        self.faults.before(self.node.name, script.name)
        self._log.append(Ran(self.node.name, script.kind, script.name))
        if self._quick and (told := answer(self.machine, script.name, args)) is not None:
            await asyncio.sleep(0)
            self.faults.after(self.node.name, script.name)
            return Output(0, told, b"")
        given, failure = await _all_of(stdin)
        if script.name.startswith("fetch"):
            given = self.machine.closed(given.decode()).encode()
        # A thread ends with its script, also where nobody waits any more; a loop would leave it behind.
        done = await asyncio.to_thread(self._execute, script, args, given)
        if failure is not None:
            raise failure
        self.faults.after(self.node.name, script.name)
        output = Output(done.returncode, done.stdout, done.stderr)
        self._judge(output, True, script, await self.rights(), accept)
        return output

    def _execute(
        self, script: InspectScript | ChangeScript, args: tuple[str, ...], stdin: bytes
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["/bin/sh", "-c", self.machine.text(script), "loomtui", *args],
            input=stdin,
            capture_output=True,
            env=self.machine.environment(),
            start_new_session=True,
            check=False,
        )


async def _all_of(stdin: bytes | AsyncIterator[bytes]) -> tuple[bytes, LoomtuiError | None]:
    """The input, and why its source failed: as over SSH, the script sees its end then, not the failure."""
    if isinstance(stdin, bytes):
        return stdin, None
    read = bytearray()
    try:
        async for chunk in stdin:
            read += chunk
    except LoomtuiError as error:
        return bytes(read), error
    return bytes(read), None


class LocalFleet(WritableFleet):
    """All nodes of an inventory on this machine. `quick`: looks are answered from here, see looks.py."""

    def __init__(
        self, inventory: Inventory, machines: Mapping[str, LocalNode], ask: Ask, *, quick: bool = True
    ) -> None:
        self.inventory = inventory
        self.ran = deque()
        self.faults = Faults()
        self.asked_again = 0
        self.dialled_before: list[int] = []
        self._local = {
            node.name: LocalSession(
                node, inventory.loom_of(node), machines[node.name], self.faults, ask, self.ran, quick
            )
            for node in inventory.nodes
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._local)

    def session(self, name: str) -> LocalSession:
        return self._local[name]

    async def connect(self) -> Mapping[str, LoomtuiError | None]:
        return dict.fromkeys(self._local)

    def ask_again(self) -> None:
        """Nobody is asked, but it counts."""
        self.asked_again += 1

    def dial(self) -> None:
        """Everything is there, but it counts how many scripts were run before."""
        self.dialled_before.append(len(self.ran))

    async def close(self) -> None:
        """Nothing is open."""


def fail_once(fleet: LocalFleet, *scripts: str, node: str | None = None) -> None:
    """Each of these scripts fails the first time; on every node, or on one."""
    left = {(name, script) for script in scripts for name in ([node] if node else fleet.names)}

    def before(name: str, script: str) -> None:
        if (name, script) in left:
            left.remove((name, script))
            raise ScriptFailed(f"{script} went wrong", node=name, safe="", advice="Look.")

    fleet.faults.before = before


def fail_always(fleet: LocalFleet, script: str, node: str = "n1") -> None:
    def before(name: str, found: str) -> None:
        if (name, found) == (node, script):
            raise ScriptFailed(f"{script} went wrong", node=name, safe="It is held.", advice="Look.")

    fleet.faults.before = before


def session_on(machine: LocalNode, faults: Faults | None = None) -> LocalSession:
    """A session of its own with one node, by the real looks."""
    node = Node(name="n1", host="h")
    return LocalSession(node, LoomSettings(), machine, faults or Faults(), lambda *_: b"", deque(), False)


def locked_run(machine: LocalNode, faults: Faults) -> NodeRun:
    """The node in the hands of the run RUN, which holds its lock."""
    machine.write_unit("[Service]\nExecStart=/bin/true\n")
    machine.take()
    plan = node_plan(
        working_directory=str(machine.workdir), unit_path=str(machine.unit), user=USER, group=GROUP
    )
    return NodeRun(session_on(machine, faults), plan, RUN)
