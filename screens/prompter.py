"""What the fleet asks the operator. Each question is a dialog, and they come one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from textual.message import Message
from textual.screen import ModalScreen

from screens.modals.ask import HostKey, HostKeyDialog, InputDialog

if TYPE_CHECKING:
    from textual.app import App

Answer = TypeVar("Answer")


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

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        return await self._ask(HostKeyDialog(HostKey(node, host, key_type, fingerprint))) is True

    async def secret(self, node: str, prompt: str) -> str | None:
        dialog = InputDialog(
            f"{node} asks", f"{prompt}\nIt is kept in memory only, until you leave.", secret=True
        )
        answer = await self._ask(dialog)
        return answer if isinstance(answer, str) else None

    async def _ask(self, dialog: ModalScreen[Answer]) -> object:
        async with self._turn:
            answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            self._app.post_message(self.Asked(dialog, answer))  # type: ignore[arg-type]
            try:
                return await answer
            finally:
                if answer.cancelled():
                    self._app.post_message(self.Withdrawn(dialog))  # type: ignore[arg-type]
