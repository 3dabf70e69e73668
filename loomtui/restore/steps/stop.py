"""Stops every node and holds it, so that nothing starts it while its files move."""

from __future__ import annotations

from loomtui.errors import StepFailed, StillRunning
from loomtui.fleet.facts import read_facts
from loomtui.restore.events import StepName
from loomtui.restore.failures import on_all, sentences
from loomtui.restore.hand import HOLD, KILL, START, STOP, UNHOLD, Hand, RunState, read_processes
from loomtui.restore.operator import Preview
from loomtui.restore.signing_now import standstill
from loomtui.restore.steps.base import Evidence, Step

_STOP_SECONDS = 60  # Loom was seen to take 0.25 s at most


class StopAll(Step):
    name = StepName.STOP
    title = "Stop all"
    sentence = (
        "Stops the service on every node and holds it: neither systemd, cron nor a reboot starts it again."
    )
    undo_sentence = "Lifts the hold and starts the services that ran before."
    may_leave_out = False

    async def check(self, node: str) -> bool:
        hand = self.context.hand(node)
        return await _why_not_stopped(hand, await hand.state()) is None

    async def preview(self, node: str) -> Preview:
        hand = self.context.hand(node)
        state = await hand.state()
        already = await _why_not_stopped(hand, state) is None
        now = "stopped" if state.stopped else f"{state.active}, {state.sub}"
        text = f"hold {hand.unit_name} with {hand.hold_file}, then stop it (now {now})"
        return Preview(node, text, already=already)

    async def apply(self, node: str) -> None:
        await keep_down(self.context.hand(node))

    async def verify(self, node: str) -> Evidence:
        hand = self.context.hand(node)
        state = await hand.state()
        if why := await _why_not_stopped(hand, state):
            raise StepFailed(f"it is {why}", node=node, safe="None of its files was touched.")
        return {"active": "stopped", "was_active": state.was_active}

    async def undo(self, node: str) -> None:
        hand = self.context.hand(node)
        state = await hand.state()
        if state.was_active is None:
            return
        await hand.change(UNHOLD, hand.unit_name, hand.hold_file)
        if state.was_active:
            await hand.change(START, hand.unit_name)

    async def gate(self) -> tuple[str, ...]:
        async def why(name: str) -> str | None:
            hand = self.context.hand(name)
            return await _why_not_stopped(hand, await hand.state())

        reasons, failures = await on_all([node.name for node in self.context.nodes], why)
        not_stopped = [f"{name} is {reason}" for name, reason in reasons.items() if reason]
        return (*sentences(failures), *not_stopped) or await standstill(self.context)


async def _why_not_stopped(hand: Hand, state: RunState) -> str | None:
    """What is not as it is after a stop; None: it is held, and nothing of it runs."""
    if not state.stopped:
        return f"{state.active} again" + ("" if state.held else " and not held")
    if not state.held:
        return "not held"
    left = await hand.left_running()
    return f"stopped, but processes still run: {', '.join(map(str, left))}" if left else None


async def keep_down(hand: Hand) -> None:
    """Holds and stops the service, whatever it does now. Raises StillRunning: its processes do not end."""
    await hand.change(HOLD, hand.unit_name, hand.hold_file)
    output = await hand.change(
        STOP, hand.unit_name, str(_STOP_SECONDS), timeout=_STOP_SECONDS * 3 + 60, accept=(0, 75)
    )
    if output.status != 75:
        return
    facts = read_facts(output.stdout)
    left = read_processes(facts.all("left"))
    shown = f": process {', '.join(map(str, left))}" if left else f" ({facts.line('state')})"
    raise StillRunning(
        f"still running {_STOP_SECONDS} s after it was told to end{shown}",
        node=hand.plan.name,
        safe="It is held; nothing kills it, and none of its files was touched since.",
        advice="Find out on the node what keeps it, or have it killed: --kill, or the choice on the screen.",
        processes=tuple(process.mark for process in left),
    )


async def kill(hand: Hand, failure: StillRunning) -> None:
    """SIGKILL, for those processes alone that the operator was told of."""
    await hand.change(KILL, hand.unit_name, hand.hold_file, *failure.processes)
