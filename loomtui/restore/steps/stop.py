"""Stops every node and holds it, so that nothing starts it while its files move."""

from __future__ import annotations

from loomtui.errors import StepFailed
from loomtui.fleet.facts import read_facts
from loomtui.restore.events import StepName
from loomtui.restore.failures import on_all, sentences
from loomtui.restore.hand import HOLD, START, STOP, UNHOLD
from loomtui.restore.operator import Preview
from loomtui.restore.signing_now import standstill
from loomtui.restore.steps.base import Evidence, Step

_STOP_SECONDS = 90


class StopAll(Step):
    name = StepName.STOP
    title = "Stop all"
    sentence = (
        "Stops the service on every node and holds it: neither systemd, cron nor a reboot starts it again."
    )
    undo_sentence = "Lifts the hold and starts the services that ran before."
    may_leave_out = False

    async def check(self, node: str) -> bool:
        state = await self.context.hand(node).state()
        return state.held and state.stopped

    async def preview(self, node: str) -> Preview:
        hand = self.context.hand(node)
        state = await hand.state()
        text = f"hold {hand.unit_name} with {hand.hold_file}, then stop it (now {state.active}, {state.sub})"
        return Preview(node, text, already=state.held and state.stopped)

    async def apply(self, node: str) -> None:
        hand = self.context.hand(node)
        await hand.change(HOLD, hand.unit_name, hand.hold_file)
        output = await hand.change(
            STOP, hand.unit_name, str(_STOP_SECONDS), timeout=_STOP_SECONDS * 3 + 60, accept=(0, 75)
        )
        if output.status == 75:
            facts = read_facts(output.stdout)
            holders = facts.line("holders")
            raise StepFailed(
                f"still running {_STOP_SECONDS} s after it was told to stop ({facts.line('state')}"
                + (f"; processes with open databases: {holders})" if holders else ")"),
                node=node,
                safe="It is held; none of its files was touched.",
                advice="End the processes on the node, then retry.",
            )

    async def verify(self, node: str) -> Evidence:
        state = await self.context.hand(node).state()
        if not (state.held and state.stopped):
            raise StepFailed(f"it is {state.active} again", node=node, safe="None of its files was touched.")
        return {"active": state.active, "was_active": state.was_active}

    async def undo(self, node: str) -> None:
        hand = self.context.hand(node)
        state = await hand.state()
        if state.was_active is None:
            return
        await hand.change(UNHOLD, hand.unit_name, hand.hold_file)
        if state.was_active:
            await hand.change(START, hand.unit_name)

    async def gate(self) -> tuple[str, ...]:
        states, failures = await on_all(
            [node.name for node in self.context.nodes], lambda name: self.context.hand(name).state()
        )
        open_nodes = [
            f"{name} is {state.active}" + ("" if state.held else " and not held")
            for name, state in states.items()
            if not (state.held and state.stopped)
        ]
        return (*sentences(failures), *open_nodes) or await standstill(self.context)
