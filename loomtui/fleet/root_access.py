"""Finds out once per session how root rights are had on its node, and keeps what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from loomtui.fleet.bootstrap import last_line
from loomtui.fleet.facts import Facts
from loomtui.fleet.rights import CHECK_PASSWORD, Refusal, Rights, Root, from_facts, read_refusal
from loomtui.fleet.ssh.channel_pool import Output
from loomtui.fleet.ssh.prompter import Fit, Secrets
from loomtui.inventory.model import SudoMode

#: Runs a command that is fed so many bytes, within a deadline of its own.
_Execute = Callable[[str, bytes], Awaitable[Output]]


class RootAccess:
    """`lock` is held by whoever finds out; `known` is what was found, or None."""

    def __init__(self, node: str, sudo: SudoMode, secrets: Secrets, execute: _Execute) -> None:
        self.lock = asyncio.Lock()
        self.known: Rights | None = None
        self._node = node
        self._sudo = sudo
        self._secrets = secrets
        self._execute = execute

    @property
    def never(self) -> bool:
        """Whether the inventory wants no root rights at all."""
        return self._sudo is SudoMode.NEVER

    async def settle(self, facts: Facts) -> Rights:
        """Keeps what the script `rights` found.

        A sudo password is asked for once; if nobody answers, looks go on without.
        """
        rights = from_facts(facts, self._sudo)
        self.known = await self._with_password(rights) if rights.root is Root.PASSWORD else rights
        return self.known

    def withdraw(self, rights: Rights, refusal: Refusal | None) -> None:
        """A password that has become wrong is not tried at every look, which would lock the account."""
        if rights.password is not None and refusal is not None and self.known is rights:
            purpose = self._purpose(rights)
            self._secrets.withdraw(purpose, self._node, rights.password)
            self.known = rights.without_password(refusal, self._secrets.wrong(purpose, self._node))

    def ask_again(self, rights: Rights) -> None:
        """Forgets what was found, and that nobody answered."""
        self._secrets.ask_again(self._purpose(rights))
        self.known = None

    @staticmethod
    def _purpose(rights: Rights) -> str:
        return f"sudo {rights.user}"

    async def _with_password(self, rights: Rights) -> Rights:
        last: list[Refusal | None] = []

        async def fits(password: str) -> Fit:
            last.append(await self._check_password(password))
            return Fit.RIGHT if last[-1] is None or not last[-1].wrong else Fit.WRONG

        purpose = self._purpose(rights)
        prompt = f"sudo password of {rights.user} on {self._node}"
        password = await self._secrets.find(purpose, self._node, prompt, fits, tries=rights.tries)
        refusal = last[-1] if last else None
        if password is not None and refusal is None:
            return replace(rights, password=password)
        return rights.without_password(refusal, self._secrets.wrong(purpose, self._node))

    async def _check_password(self, password: str) -> Refusal | None:
        """None if the password opens the way to root."""
        output = await self._execute(CHECK_PASSWORD, (password + "\n").encode())
        if output.status == 0:
            return None
        return read_refusal(output.stderr) or Refusal(last_line(output.stderr) or "sudo says nothing")
