"""What only a person can answer: is this host key right, what is the passphrase. Asked once, then kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol


class Asker(Protocol):
    """Who is asked while nodes are reached. One question at a time."""

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        """True: the key is right and may be remembered."""
        ...

    async def secret(self, node: str, prompt: str) -> str | None:
        """A passphrase or password; None: there is none to be had."""
        ...


class Refuse:
    """Answers for batch runs: unknown keys are refused, there is no secret."""

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        return False

    async def secret(self, node: str, prompt: str) -> str | None:
        return None


class Secrets:
    """Secrets by purpose, each asked for once and then tried wherever it may fit. Never written anywhere."""

    _ATTEMPTS = 3

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._question = asyncio.Lock()  # one question at a time
        self._purposes: dict[str, asyncio.Lock] = {}
        self._known: dict[str, list[str]] = {}
        self._declined: set[str] = set()

    async def accepts(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        """Whether the operator takes this host key for the right one."""
        async with self._question:
            return await self._asker.host_key(node, host, key_type, fingerprint)

    async def find(
        self, purpose: str, node: str, prompt: str, fits: Callable[[str], Awaitable[bool]]
    ) -> str | None:
        """The secret for which `fits` says True, or None. `purpose` names what it opens."""
        known = self._known.setdefault(purpose, [])
        tried = 0
        while tried < len(known):  # without the lock: a node that hangs does not hold up the others
            tried += 1
            if await fits(known[tried - 1]):
                return known[tried - 1]
        async with self._purposes.setdefault(purpose, asyncio.Lock()):
            for secret in known[tried:]:  # what was found while another node asked
                if await fits(secret):
                    return secret
            return None if purpose in self._declined else await self._ask(purpose, node, prompt, fits)

    async def _ask(
        self, purpose: str, node: str, prompt: str, fits: Callable[[str], Awaitable[bool]]
    ) -> str | None:
        question = prompt
        for _ in range(self._ATTEMPTS):
            async with self._question:
                answer = await self._asker.secret(node, question)
            if answer is None:
                break
            if await fits(answer):
                self._known[purpose].append(answer)
                return answer
            question = f"That was not right. {prompt}"
        self._declined.add(purpose)
        return None

    def ask_again(self, purpose: str) -> None:
        """Forgets that nobody could answer."""
        self._declined.discard(purpose)
