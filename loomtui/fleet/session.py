"""The SSH connection to one node: remote scripts go in, and their output comes back.

Every call has a deadline, and a call that is cancelled frees its thread at once. A `Session` can only look;
only a `WritableSession` takes a `ChangeScript`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets as tokens
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace

from loomtui.errors import LoomtuiError, NodeUnreachable, ScriptFailed, SudoRefused
from loomtui.fleet.facts import read_facts
from loomtui.fleet.rights import CHECK_PASSWORD, Refusal, Rights, Root, from_facts, read_refusal, says_sudo
from loomtui.fleet.scripts import ChangeScript, InspectScript, script_text
from loomtui.fleet.ssh.channel_pool import ChannelPool, Output
from loomtui.fleet.ssh.client import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED, ChannelException, SSHException
from loomtui.fleet.ssh.connection import Connection, LostConnection
from loomtui.fleet.ssh.connector import Connector
from loomtui.fleet.ssh.http import get
from loomtui.fleet.ssh.prompter import Fit, Secrets
from loomtui.fleet.ssh.reach import Reach, reach
from loomtui.inventory.model import LoomSettings, Node, SshSettings
from loomtui.text import clean_line

__all__ = ["Output", "Session", "WritableSession"]

#: Reads the text of a script from standard input and runs it; what is left there is the script's own input.
#: Whatever comes before the line `NONCE:LENGTH` (a password that sudo did not want) is passed over; what a
#: login shell or sudo prints ends at the line NONCE of each output. A text without its last line is not run.
#: Within single quotes it means the same to csh, fish and zsh too: no quote, backslash, `!` or newline in it.
_BOOTSTRAP = (
    'while IFS= read -r line; do case $line in "$1":*) break;; esac; line=; done; '
    'script=$(head -c "${line#*:}"); case $script in *"# end of script") ;; *) exit 97;; esac; '
    'nonce=$1; shift; for word; do word=$(printf "%b." "$word"); shift; set -- "$@" "${word%.}"; done; '
    'echo "$nonce"; echo "$nonce" >&2; eval "$script"'
)
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _./:=@%+,-")

_AT_ONCE = 6  # scripts at a time on one connection: sshd allows 10 channels
_RIGHTS_TIMEOUT = 30.0
_CHANGE_UNKNOWN = "How far the script came is not known; it is looked at again before anything else is done."


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
        self._settings = settings
        self._lanes = ChannelPool(node.name, lambda: Connection(node, settings, connector))
        self._secrets = secrets
        self._record = record
        self._rights: Rights | None = None
        self._rights_lock = asyncio.Lock()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    # ── the connection ──────────────────────────────────────────────────────────────────────────────────

    @property
    def connected(self) -> bool:
        return self._lanes.connected

    async def connect(self) -> None:
        """Connects now, even if that was refused a moment ago. Raises NodeUnreachable, HostKeyRefused."""
        self.forget_refusal()
        await self._lanes.transport()

    def forget_refusal(self) -> None:
        """Makes the next attempt at once, even if the last one was refused a moment ago."""
        self._lanes.forget_refusal()

    async def close(self) -> None:
        """Ends everything that runs on this session. Returns at once, even if the node hangs."""
        await self._lanes.close()

    # ── root rights ─────────────────────────────────────────────────────────────────────────────────────

    async def rights(self) -> Rights:
        """How to get root rights here.

        A sudo password is asked for once; if nobody answers, looks go on without.
        """
        async with self._rights_lock:
            if self._rights is None:
                plain = Rights(Root.NOT_WANTED, "")
                script = InspectScript("rights")
                output = await self._with_retry(script, (), plain, _RIGHTS_TIMEOUT, (0,))
                rights = from_facts(read_facts(output.stdout), self._settings.sudo)
                self._rights = await self._with_password(rights) if rights.root is Root.PASSWORD else rights
            return self._rights

    async def _with_password(self, rights: Rights) -> Rights:
        last: list[Refusal | None] = []

        async def fits(password: str) -> Fit:
            last.append(await self._check_password(password))
            return Fit.RIGHT if last[-1] is None or not last[-1].wrong else Fit.WRONG

        purpose, name = f"sudo {rights.user}", self.node.name
        prompt = f"sudo password of {rights.user} on {name}"
        password = await self._secrets.find(purpose, name, prompt, fits, tries=rights.tries)
        refusal = last[-1] if last else None
        if password is not None and refusal is None:
            return replace(rights, password=password)
        return rights.without_password(refusal, self._secrets.wrong(purpose, name))

    def _withdraw(self, rights: Rights, refusal: Refusal | None) -> None:
        """A password that has become wrong is not tried at every look, which would lock the account."""
        if rights.password is not None and refusal is not None and self._rights is rights:
            purpose, name = f"sudo {rights.user}", self.node.name
            self._secrets.withdraw(purpose, name, rights.password)
            self._rights = rights.without_password(refusal, self._secrets.wrong(purpose, name))

    async def _check_password(self, password: str) -> Refusal | None:
        """None if the password opens the way to root."""
        async with self._deadline(_RIGHTS_TIMEOUT, "sudo"):
            output = await self._lanes.execute(CHECK_PASSWORD, (password + "\n").encode())
        if output.status == 0:
            return None
        return read_refusal(output.stderr) or Refusal(_last_line(output.stderr) or "sudo says nothing")

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
        return await self._with_retry(script, args, await self.rights(), timeout, accept)

    async def follow(self, script: InspectScript, *args: str) -> AsyncGenerator[tuple[bytes, ...]]:
        """The lines that a script prints, as they come, in batches of up to 200 lines or 100 ms.

        The script's standard input stays open for as long as anybody listens: its end is the sign to stop.
        Raises ScriptFailed, NodeUnreachable.
        """
        if not isinstance(script, InspectScript):
            raise TypeError(f"a look does not run {script!r}")
        rights = await self.rights()
        nonce = tokens.token_hex(8)
        async with self._lanes.command(_command(rights, nonce, args), lasting=True) as process:
            self._record(self.node.name, script.kind, script.name)
            stderr = asyncio.create_task(process.errors())
            try:
                await process.feed(_input(rights, nonce, script))
                begun = False
                while batch := await process.lines():
                    if not begun:
                        begun, batch = _lines_after(nonce, batch)
                    if batch:
                        yield batch
                output = Output(await process.status(), b"", _stderr_after(nonce, await stderr))
                if output.status == -1 and process.lost:
                    raise LostConnection("the connection was lost.", node=self.node.name)
                self._judge(output, begun, script, rights, (0,))
            finally:
                stderr.cancel()
                await asyncio.gather(stderr, return_exceptions=True)

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
        await self._lanes.transport()
        nonce = tokens.token_hex(8)
        first = _input(rights, nonce, script)
        try:
            async with self._slots, self._deadline(timeout, f"{script.kind}/{script.name}"):
                self._record(self.node.name, script.kind, script.name)
                raw = await self._lanes.execute(_command(rights, nonce, args), first, stdin)
        except NodeUnreachable as error:
            if isinstance(script, ChangeScript):
                error.safe = _CHANGE_UNKNOWN
            raise
        noise, begun, stdout = raw.stdout.partition(f"{nonce}\n".encode())
        output = Output(raw.status, stdout if begun else noise, _stderr_after(nonce, raw.stderr))
        self._judge(output, bool(begun), script, rights, accept)
        return output

    def _judge(
        self,
        output: Output,
        begun: bool,
        script: InspectScript | ChangeScript,
        rights: Rights,
        accept: tuple[int, ...],
    ) -> None:
        """Raises if the caller cannot use the output."""
        name, last_line = self.node.name, _last_line(output.stderr)
        safe = "" if isinstance(script, ChangeScript) else LoomtuiError("").safe
        if not begun and rights.prefix and says_sudo(last_line):
            self._withdraw(rights, read_refusal(output.stderr))
            raise SudoRefused(f"sudo refused: {last_line}.", node=name)
        if not begun:
            words = (last_line or _last_line(output.stdout) or "it said nothing").rstrip(".")
            raise ScriptFailed(
                f"the node did not run {script.kind}/{script.name}: {words}.",
                node=name,
                advice="Look at the user's login shell there, and at ForceCommand in sshd_config.",
            )
        if output.status not in accept:
            end = f"ended with status {output.status}" if output.status >= 0 else "was killed"
            what = last_line or f"{script.kind}/{script.name} {end} and said nothing."
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
            self._secrets.ask_again(f"sudo {rights.user}")
            self._rights = None
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


def _command(rights: Rights, nonce: str, args: tuple[str, ...]) -> str:
    """Raises LoomtuiError for an argument that no command can take, because it would end in the middle."""
    odd = next((arg for arg in args if "\0" in arg), None)
    if odd is not None:
        raise LoomtuiError(f"no command takes a NUL: {clean_line(odd, limit=80)!r}.")
    words = ("sh", "-c", _BOOTSTRAP, "loomtui", nonce, *map(_escaped, args))
    return rights.prefix + " ".join(f"'{word}'" for word in words)


def _escaped(arg: str) -> str:
    """The argument as `printf %b` takes it: all that a login shell might take for its own is octal."""
    return "".join(chr(byte) if byte in _SAFE else f"\\0{byte:03o}" for byte in os.fsencode(arg))


def _input(rights: Rights, nonce: str, script: InspectScript | ChangeScript) -> bytes:
    text = script_text(script).encode()
    return rights.first_input + f"{nonce}:{len(text)}\n".encode() + text


def _lines_after(nonce: str, batch: tuple[bytes, ...]) -> tuple[bool, tuple[bytes, ...]]:
    """Whether the script has begun, and its lines. Lines before that are the noise of a login shell."""
    at = next((at for at, line in enumerate(batch, 1) if line.endswith(nonce.encode())), 0)
    return at > 0, batch[at:] if at else ()


def _stderr_after(nonce: str, stderr: bytes) -> bytes:
    """What the script itself said.

    Before it come sudo's prompt and lecture, and the noise of a login shell.
    """
    noise, begun, own = stderr.partition(f"{nonce}\n".encode())
    return own if begun else noise


def _last_line(stderr: bytes) -> str:
    """The last line that says something."""
    lines = [clean_line(line, limit=500) for line in stderr.splitlines()]
    return next((line for line in reversed(lines) if line), "")
