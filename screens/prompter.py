"""What the fleet asks the operator. Each question is a dialog, and they come one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from textual.message import Message
from textual.screen import ModalScreen

from loomtui.fleet.ssh.prompter import Question, Unanswered
from screens.modals.ask import HostKey, HostKeyDialog, InputDialog
from screens.text import content

if TYPE_CHECKING:
    from textual.app import App

Answer = TypeVar("Answer")

_FOR_ONCE = (
    "Your answer goes to this server only, and is not kept. Without one, loomtui does not log in there."
)


class ScreenPrompter:
    """Posts `Asked` to the app and waits for the answer. If a question is given up, its dialog closes."""

    class Asked(Message):
        def __init__(self, dialog: ModalScreen[object], answer: asyncio.Future[object]) -> None:
            super().__init__()
            self.dialog = dialog
            self.answer = answer

    class Withdrawn(Message):
        def __init__(self, dialog: ModalScreen[object]) -> None:
            super().__init__()
            self.dialog = dialog

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._turn = asyncio.Lock()
        self._pending: asyncio.Future[object] | None = None
        self._left = False

    def leave(self) -> None:
        """Nobody is at the screen any more, so what is asked, now or later, gets no answer."""
        self._left = True
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(None)

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        return await self._ask(HostKeyDialog(HostKey(node, host, key_type, fingerprint))) is True

    async def secret(self, node: str, prompt: str) -> str | None:
        dialog = InputDialog(
            f"{node} asks", f"{prompt}\nIt is kept in memory only, until you leave.", secret=True
        )
        answer = await self._ask(dialog)
        return answer if isinstance(answer, str) else None

    async def answer(self, question: Question) -> str | Unanswered:
        text = "\n".join((*(f"> {line}" for line in question.before), _FOR_ONCE))
        prompt = f"> {question.prompt}" if question.prompt else "It does not say what it wants."
        dialog = InputDialog(
            f"{question.asker} asks",
            f"{question.note}\n{text}" if question.note else text,
            secret=not question.echo,
            prompt=prompt,
        )
        answer = await self._ask(dialog)
        if isinstance(answer, str):
            return answer
        return Unanswered.NOBODY if self._left else Unanswered.DECLINED

    def tell(self, asker: str, lines: tuple[str, ...]) -> None:
        content.tell(self._app, f"{asker} says: {' '.join(lines)}", seconds=60)

    async def _ask(self, dialog: ModalScreen[Answer]) -> object:
        async with self._turn:
            if self._left:
                return None
            answer = self._pending = asyncio.get_running_loop().create_future()
            self._app.post_message(self.Asked(dialog, answer))  # type: ignore[arg-type]
            try:
                return await answer
            finally:
                if answer.cancelled():
                    self._app.post_message(self.Withdrawn(dialog))  # type: ignore[arg-type]
