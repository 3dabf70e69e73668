"""The SSH connection to one node: remote scripts go in, and their output comes back.

Every call has a deadline, and a call that is cancelled frees its thread at once. A `Session` can only look;
only a `WritableSession` takes a `ChangeScript`.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets as tokens
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from weakref import WeakSet

from loomtui.errors import LoomtuiError, NodeUnreachable, RunTakenOver, ScriptFailed, SudoRefused
from loomtui.fleet.batch import Change, Look, Part, batch_text, outputs_of
from loomtui.fleet.bootstrap import BOOTSTRAP, after, command, escaped, input_for, last_line, lines_after
from loomtui.fleet.facts import read_facts
from loomtui.fleet.look_shell import LookShell
from loomtui.fleet.rights import Rights, Root, read_refusal, says_sudo
from loomtui.fleet.root_access import RootAccess
from loomtui.fleet.scripts import ChangeScript, InspectScript, script_text
from loomtui.fleet.ssh.channel_pool import ChannelPool, Output
from loomtui.fleet.ssh.client import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED, ChannelException, SSHException
from loomtui.fleet.ssh.connection import Connection, LostConnection
from loomtui.fleet.ssh.connector import Connector
from loomtui.fleet.ssh.http import get
from loomtui.fleet.ssh.prompter import Secrets
from loomtui.fleet.ssh.reach import Reach, reach
from loomtui.inventory.model import LoomSettings, Node, SshSettings
from loomtui.text import clean_line

__all__ = ["Output", "Session", "WritableSession"]

_RIGHTS = InspectScript("rights")
_AT_ONCE = 6  # scripts at a time on one connection: sshd allows 10 channels
_RIGHTS_TIMEOUT = 30.0
_CHANGE_UNKNOWN = "How far the script came is not known; it is looked at again before anything else is done."

#: With which `see_lock` of change/common.sh ends a script whose run was taken over by a later generation.
_TAKEN_OVER = 78


class Session:
    """The read-only connection to one node. It connects when it is first used, and again if it was lost."""

    def __init__(
        self,
        node: Node,
        settings: SshSettings,
        loom: LoomSettings,
        connector: Connector,
        secrets: Secrets,
        record: Callable[[str, str, str], None],
    ) -> None:
        self.node = node
        self.loom = loom  # what the inventory says of it
        self._lanes = ChannelPool(node.name, lambda: Connection(node, settings, connector))
        self._record = record
        self._staying: WeakSet[LookShell] = WeakSet()
        self._root = RootAccess(node.name, settings.sudo, secrets, self._check)
        self._slots = asyncio.Semaphore(_AT_ONCE)

    # ── the connection ──────────────────────────────────────────────────────────────────────────────────

    @property
    def connected(self) -> bool:
        return self._lanes.connected

    async def connect(self) -> None:
        """Connects now, even if that was refused a moment ago. Raises NodeUnreachable, HostKeyRefused."""
        self.forget_refusal()
        await self._lanes.transport()

    async def ready(self) -> None:
        """Connects unless it is connected. Raises NodeUnreachable, HostKeyRefused."""
        await self._lanes.transport()

    def forget_refusal(self) -> None:
        """Makes the next attempt at once, even if the last one was refused a moment ago."""
        self._lanes.forget_refusal()

    async def close(self) -> None:
        """Ends everything that runs on this session. Returns at once, even if the node hangs."""
        await asyncio.gather(*(shell.close() for shell in self._staying))
        await self._lanes.close()

    # ── root rights ─────────────────────────────────────────────────────────────────────────────────────

    async def rights(self) -> Rights:
        """How to get root rights here.

        A sudo password is asked for once; if nobody answers, looks go on without.
        """
        async with self._root.lock:
            if self._root.known is not None:
                return self._root.known
            plain = Rights(Root.NOT_WANTED, "")
            output = await self._with_retry(_RIGHTS, (), plain, _RIGHTS_TIMEOUT, (0,))
            return await self._root.settle(read_facts(output.stdout))

    async def _check(self, line: str, first: bytes) -> Output:
        """Runs a line that is no script: it asks whether a password is right."""
        async with self._deadline(_RIGHTS_TIMEOUT, "sudo"):
            return await self._lanes.execute(line, first)

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────

    async def inspect(
        self, script: InspectScript, *args: str, timeout: float = 30, accept: tuple[int, ...] = (0,)
    ) -> Output:
        """Runs a script that only looks, as root if it can; runs it again after a lost connection.

        If it has to connect first, that does not count towards `timeout` (seconds) and has a deadline of its
        own. Raises ScriptFailed for a status that is not in `accept`, NodeUnreachable, HostKeyRefused.
        """
        if not isinstance(script, InspectScript):
            raise TypeError(f"a look does not run {script!r}")
        if self._root.known is None and (told := await self._first_look(script, args, timeout)) is not None:
            rights, output = told
            self._judge(output, True, script, rights, accept)
            return output
        return await self._with_retry(script, args, await self.rights(), timeout, accept)

    async def inspect_all(self, *looks: Look, timeout: float = 30) -> tuple[Output, ...]:
        """Several looks in one round trip; else as `inspect`. Raises ScriptFailed if one of them fails."""
        if not all(isinstance(look, Look) for look in looks):
            raise TypeError(f"a look does not run {looks!r}")
        rights = await self.rights()
        try:
            return await self._run_all(looks, rights, timeout)
        except LostConnection:
            return await self._run_all(looks, rights, timeout)

    async def _first_look(
        self, script: InspectScript, args: tuple[str, ...], timeout: float
    ) -> tuple[Rights, Output] | None:
        """Asks for the rights and looks in one round trip.

        None means that the look was not run: somebody else has asked, or root rights need a password.
        """
        async with self._root.lock:
            if self._root.known is not None:
                return None
            try:
                found, output = await self._open_and_look(script, args, timeout)
            except LostConnection:
                found, output = await self._open_and_look(script, args, timeout)
            rights = await self._root.settle(read_facts(found))
            return None if output is None else (rights, output)

    async def _open_and_look(
        self, script: InspectScript, args: tuple[str, ...], timeout: float
    ) -> tuple[bytes, Output | None]:
        """What the script `rights` found, and what the look left, which it goes on with where it can."""
        await self._lanes.transport()
        first, second = tokens.token_hex(8), tokens.token_hex(8)
        sudo = "never" if self._root.never else "usual"
        opening = (sudo, BOOTSTRAP, second, *map(escaped, args))
        plain = Rights(Root.NOT_WANTED, "")
        texts = input_for(first, script_text(_RIGHTS)) + input_for(second, script_text(script))
        async with self._slots, self._deadline(timeout, f"{script.kind}/{script.name}"):
            self._record(self.node.name, _RIGHTS.kind, _RIGHTS.name)
            raw = await self._lanes.execute(command(plain, first, opening), texts)
        begun, stdout = after(first, raw.stdout)
        stderr = after(first, raw.stderr)[1]
        found, looked, own = stdout.partition(f"{second}\n".encode())
        if looked:
            self._record(self.node.name, script.kind, script.name)
            return found, Output(raw.status, own, after(second, stderr)[1])
        # Where it went on and nothing came of it, sudo says why; the usual way asks it once more.
        self._judge(Output(0 if begun else raw.status, found, stderr), begun, _RIGHTS, plain, (0,))
        return found, None

    async def follow(self, script: InspectScript, *args: str) -> AsyncGenerator[tuple[bytes, ...]]:
        """The lines that a script prints, as they come, in batches of up to 200 lines or 100 ms.

        The script's standard input stays open for as long as anybody listens: its end is the sign to stop.
        Raises ScriptFailed, NodeUnreachable.
        """
        if not isinstance(script, InspectScript):
            raise TypeError(f"a look does not run {script!r}")
        rights = await self.rights()
        nonce = tokens.token_hex(8)
        async with self._lanes.command(command(rights, nonce, args), lasting=True) as process:
            self._record(self.node.name, script.kind, script.name)
            stderr = asyncio.create_task(process.errors())
            try:
                await process.feed(rights.first_input + input_for(nonce, script_text(script)))
                begun = False
                while batch := await process.lines():
                    if not begun:
                        begun, batch = lines_after(nonce, batch)
                    if batch:
                        yield batch
                output = Output(await process.status(), b"", after(nonce, await stderr)[1])
                if output.status == -1 and process.lost:
                    raise LostConnection("the connection was lost.", node=self.node.name)
                self._judge(output, begun, script, rights, (0,))
            finally:
                stderr.cancel()
                await asyncio.gather(stderr, return_exceptions=True)

    async def stay(self, script: InspectScript, *args: str) -> LookShell:
        """A process on the node that runs the script for as long as it is asked.

        Raises NodeUnreachable, also where another connection would ask for another code: its room is kept for
        commands that end. Raises HostKeyRefused, SudoRefused.
        """
        if not isinstance(script, InspectScript):
            raise TypeError(f"a look does not run {script!r}")
        rights, nonce = await self.rights(), tokens.token_hex(8)
        if self._lanes.one_only:
            raise NodeUnreachable("it keeps its only connection for what ends.", node=self.node.name)
        async with contextlib.AsyncExitStack() as stack:
            line = command(rights, nonce, args)
            process = await stack.enter_async_context(self._lanes.command(line, lasting=True))
            self._record(self.node.name, script.kind, script.name)
            opening = rights.first_input + input_for(nonce, script_text(script))
            shell = LookShell(self.node.name, process, nonce, opening, stack.pop_all().aclose)
            self._staying.add(shell)
            return shell

    async def http_get(self, host: str, port: int, path: str, *, timeout: float = 10) -> bytes:
        """The body of `http://HOST:PORT/PATH`, asked from the node. Raises LoomtuiError with a sentence."""
        transport = await self._lanes.transport()
        name = self.node.name
        try:
            return await get(transport, host, port, path, timeout=timeout)
        except TimeoutError as error:
            raise LoomtuiError(f"no answer from {host}:{port} within {timeout:g} s.", node=name) from error
        except ChannelException as error:
            words = f"{host}:{port} cannot be reached from the node."
            if error.code == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
                words = "the SSH server forwards no connections (AllowTcpForwarding)."
            raise LoomtuiError(words, node=name) from error
        except (SSHException, OSError, EOFError, ValueError) as error:
            words = clean_line(str(error), limit=200)
            raise LoomtuiError(f"no HTTP answer from {host}:{port}: {words}.", node=name) from error

    async def reach(self, host: str, port: int, *, timeout: float = 5) -> Reach:
        """Whether a TCP connection from the node to this place opens within `timeout` seconds.

        Raises NodeUnreachable if the node itself cannot be asked.
        """
        return await reach(await self._lanes.transport(), host, port, timeout=timeout)

    # ── running ─────────────────────────────────────────────────────────────────────────────────────────

    async def _with_retry(
        self,
        script: InspectScript,
        args: tuple[str, ...],
        rights: Rights,
        timeout: float,
        accept: tuple[int, ...],
    ) -> Output:
        try:
            return await self._run(script, args, rights, None, timeout, accept)
        except LostConnection:
            return await self._run(script, args, rights, None, timeout, accept)

    async def _run(
        self,
        script: InspectScript | ChangeScript,
        args: tuple[str, ...],
        rights: Rights,
        stdin: bytes | AsyncIterator[bytes] | None,
        timeout: float,
        accept: tuple[int, ...],
    ) -> Output:
        begun, output = await self._send([script], script_text(script), args, rights, stdin, timeout)
        self._judge(output, begun, script, rights, accept)
        return output

    async def _run_all(self, parts: Sequence[Part], rights: Rights, timeout: float) -> tuple[Output, ...]:
        """The output of each part that ended; only the last one may have another status than 0."""
        scripts = [part.script for part in parts]
        args = tuple(arg for part in parts for arg in part.args)
        begun, output = await self._send(scripts, batch_text(parts), args, rights, None, timeout)
        ended = outputs_of(output.stdout)[: len(parts)]
        told = bool(ended) and ended[-1][1] == output.status  # by the last part that came to an end
        last = parts[min(len(ended) - told, len(parts) - 1)]
        self._judge(output, begun, last.script, rights, last.accept if told else (0,))
        if output.status == 0 and len(ended) < len(parts):
            raise ScriptFailed(f"{last.script.kind}/{last.script.name} did not end.", node=self.node.name)
        return tuple(Output(status, stdout, output.stderr) for stdout, status in ended)

    async def _send(
        self,
        scripts: Sequence[InspectScript | ChangeScript],
        text: str,
        args: tuple[str, ...],
        rights: Rights,
        stdin: bytes | AsyncIterator[bytes] | None,
        timeout: float,
    ) -> tuple[bool, Output]:
        """Whether the node began to run the text, and what it printed."""
        await self._lanes.transport()
        nonce = tokens.token_hex(8)
        first = rights.first_input + input_for(nonce, text)
        what = "+".join(f"{script.kind}/{script.name}" for script in scripts)
        try:
            async with self._slots, self._deadline(timeout, what):
                for script in scripts:
                    self._record(self.node.name, script.kind, script.name)
                raw = await self._lanes.execute(command(rights, nonce, args), first, stdin)
        except NodeUnreachable as error:
            if any(isinstance(script, ChangeScript) for script in scripts):
                error.safe = _CHANGE_UNKNOWN
            raise
        begun, stdout = after(nonce, raw.stdout)
        return begun, Output(raw.status, stdout, after(nonce, raw.stderr)[1])

    def _judge(
        self,
        output: Output,
        begun: bool,
        script: InspectScript | ChangeScript,
        rights: Rights,
        accept: tuple[int, ...],
    ) -> None:
        """Raises if the caller cannot use the output."""
        name, said = self.node.name, last_line(output.stderr)
        safe = "" if isinstance(script, ChangeScript) else LoomtuiError("").safe
        if not begun and rights.prefix and says_sudo(said):
            self._root.withdraw(rights, read_refusal(output.stderr))
            raise SudoRefused(f"sudo refused: {said}.", node=name)
        if not begun:
            words = (said or last_line(output.stdout) or "it said nothing").rstrip(".")
            raise ScriptFailed(
                f"the node did not run {script.kind}/{script.name}: {words}.",
                node=name,
                advice="Look at the user's login shell there, and at ForceCommand in sshd_config.",
            )
        if output.status == _TAKEN_OVER and output.status not in accept and isinstance(script, ChangeScript):
            raise RunTakenOver(
                said or "this run was taken over.",
                node=name,
                safe="Nothing more is changed from here.",
                advice="See who works on it now: loomtui runs --on-nodes",
            )
        if output.status not in accept:
            end = f"ended with status {output.status}" if output.status >= 0 else "was killed"
            what = said or f"{script.kind}/{script.name} {end} and said nothing."
            raise ScriptFailed(what, node=name, safe=safe)

    @contextlib.asynccontextmanager
    async def _deadline(self, seconds: float, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            words = f"no answer to {what} within {seconds:g} s."
            raise NodeUnreachable(words, node=self.node.name) from error


class WritableSession(Session):
    """A session that can also change the node."""

    async def require_root(self) -> None:
        """Makes sure, before anything is changed, that there are root rights.

        If nobody answered before, it asks again.

        Raises SudoRefused.
        """
        rights = await self.rights()
        if rights.root is Root.NONE:
            self._root.ask_again(rights)
            rights = await self.rights()
        rights.require(self.node.name)

    async def change(
        self,
        script: ChangeScript,
        *args: str,
        stdin: bytes | AsyncIterator[bytes] | None = None,
        timeout: float = 60,
        accept: tuple[int, ...] = (0,),
    ) -> Output:
        """Runs a script that changes the node, once: after a lost connection the caller looks first.

        A `stdin` that raises ends the script's input early, and the script cannot tell that from the true
        end: scripts that take a stream check its length or digest.

        Raises ScriptFailed for a status that is not in `accept`, SudoRefused, NodeUnreachable.
        """
        if not isinstance(script, ChangeScript):
            raise TypeError(f"not a change script: {script!r}")
        rights = await self.rights()
        rights.require(self.node.name)
        return await self._run(script, args, rights, stdin, timeout, accept)

    async def change_all(self, *parts: Part, timeout: float = 60) -> tuple[Output, ...]:
        """Changes and looks in one round trip, as far as each ends with status 0; else as `change`.

        The last output may have a status that its part accepts. A look after a change sees what it did.
        """
        if not all(isinstance(part, Look | Change) for part in parts):
            raise TypeError(f"no parts of a batch: {parts!r}")
        rights = await self.rights()
        rights.require(self.node.name)
        return await self._run_all(parts, rights, timeout)
