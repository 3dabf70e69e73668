"""Whether old and new databases fit on each node of a plan together, and what can be done otherwise."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.places import FileSystem
from loomtui.fleet.probes.room import Kept, OldDatabase, Room, look_at_room
from loomtui.loom.databases import APP_DB, BLOCK_DATA, OLD_DATABASES, STATE_NAMES
from loomtui.restore.choices import Choices
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import Archive, NodePlan, RemedyKind, consented
from loomtui.restore.planning.command_line import command_for
from loomtui.restore.planning.live_data import linkable_bytes
from loomtui.restore.planning.observations import Observations
from loomtui.restore.planning.space import shortages, uses_of, with_freed
from loomtui.restore.room import NodeRoom, OldData, RoomRemedy, RoomRemedyKind, Shortage
from loomtui.text import clean_line
from loomtui.wording.quantities import joined, size

#: What every data archive holds; of one that nobody has read, more is not known.
_IN_EVERY_ARCHIVE = frozenset({APP_DB, BLOCK_DATA})


@dataclass(frozen=True)
class Rooms:
    """The nodes of the plan with what was decided about their room, and what is to be said of it."""

    nodes: tuple[NodePlan, ...]
    short: tuple[NodeRoom, ...]
    refusals: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


async def look_at_rooms(
    fleet: Fleet, details: Mapping[str, NodeDetails], names: Sequence[str], *, has_twin: bool
) -> Mapping[str, Room]:
    """What could make room on these nodes. Only looks. Raises LoomtuiError."""
    state = STATE_NAMES if has_twin else None
    found = await asyncio.gather(
        *(
            look_at_room(fleet.session(name), details[name].working_directory, OLD_DATABASES, state)
            for name in names
        )
    )
    return dict(zip(names, found, strict=True))


def settle_rooms(observations: Observations, plans: Sequence[NodePlan]) -> Rooms:
    """Judges the room by what was free at the look. Preflight asks again.

    Where old and new do not fit together, what the operator allowed is taken: first --delta, then giving up
    the old databases.
    """
    desks = {plan.name: _Desk(observations, plan) for plan in plans}
    short = [name for name, desk in desks.items() if desk.shortages()]
    is_judged = not observations.chosen.data.is_unread or len(short) < len(plans)
    settled = {
        name: desk.settled(is_judged=is_judged) if name in short else desk.plan
        for name, desk in desks.items()
    }
    rooms = tuple(
        NodeRoom(name, desk.shortages(), tuple(desk.remedies(is_judged=is_judged)))
        for name, desk in desks.items()
        if settled[name] is None
    )
    nodes = tuple(settled[plan.name] or plan for plan in plans)
    refusals = [no_room(room) for room in rooms]
    if rooms and observations.choices.give_up_old_data and not is_judged:
        refusals.append(_unjudged(observations, [room.node for room in rooms]))
    return Rooms(nodes, rooms, tuple(refusals), tuple(_warnings(observations, nodes)))


class _Desk:
    """One node whose room is judged."""

    def __init__(self, observations: Observations, plan: NodePlan) -> None:
        self.plan = plan
        self._observations = observations
        self._choices = observations.choices
        self._room = observations.rooms.get(plan.name)

    def shortages(
        self,
        *,
        taken_over: int = 0,
        freed: Sequence[Kept | OldDatabase] = (),
        before_stop: bool = False,
    ) -> tuple[Shortage, ...]:
        """What is too small if so many bytes of the data need no room, and this is deleted.

        `before_stop`: for all but the data.
        """
        plan = self.plan
        data = None if before_stop or plan.name in self._observations.unpacked else plan.data
        wanted = {name: one for name, one in (("config", plan.config), ("data", data)) if one is not None}
        uses = uses_of(wanted, plan.working_directory, plan.unit_path, {"data": taken_over})
        systems = self._systems(uses[0].path, uses[-1].path)
        freed_bytes, freed_files = sum(one.bytes for one in freed), sum(one.files for one in freed)
        return shortages(uses, with_freed(systems, uses[0].path, freed_bytes, freed_files))

    def _systems(self, work: str, unit: str) -> dict[str, FileSystem]:
        places = self._observations.places.get(self.plan.name)
        seen = {work: places.work_space, unit: places.unit_space} if places is not None else {}
        free = self._observations.details[self.plan.name].status.disk_free_bytes
        if seen.get(work) is None and free is not None:
            seen = {work: FileSystem("", free, None)}
        return {path: system for path, system in seen.items() if system is not None}

    def settled(self, *, is_judged: bool) -> NodePlan | None:
        """The plan of this node with what the operator allowed. None: that is not enough."""
        taken_over = self._linkable
        if self._choices.delta and taken_over and not self.shortages(taken_over=taken_over):
            return replace(self.plan, taken_over_bytes=taken_over)
        if self._choices.give_up_old_data and is_judged and self._is_enough_to_give_up:
            return replace(self.plan, gives_up=_together(self._old))
        return None

    @property
    def _is_enough_to_give_up(self) -> bool:
        """With the old databases gone the data fits, and what comes before the stop does so already."""
        old = self._old
        return bool(old) and not self.shortages(freed=old) and not self.shortages(before_stop=True)

    def remedies(self, *, is_judged: bool) -> Iterator[RoomRemedy]:
        """What can be done besides. What was chosen already is no remedy."""
        if self._room is None:
            return
        if kept := sorted(self._room.kept, key=lambda one: -one.bytes):
            freed = sum(one.bytes for one in kept)
            commands = tuple(f"loomtui clean {one.run}" for one in kept)
            yield RoomRemedy(RoomRemedyKind.CLEAN, freed, not self.shortages(freed=kept), commands)
        if (taken_over := self._linkable) and not self._choices.delta:
            is_enough = not self.shortages(taken_over=taken_over)
            commands = (self._command(replace(self._choices, delta=True)),)
            yield RoomRemedy(RoomRemedyKind.DELTA, taken_over, is_enough, commands)
        if (old := self._old) and not self._choices.give_up_old_data:
            key = self._observations.chosen.data.backup.key
            yield RoomRemedy(
                RoomRemedyKind.GIVE_UP,
                sum(one.bytes for one in old),
                self._is_enough_to_give_up,
                (self._command(consented(self._choices, RemedyKind.GIVE_UP)),),
                "" if is_judged else f"the archive has to be judged whole: {_prepare_command(key)}",
            )

    def _command(self, choices: Choices) -> str:
        return command_for(choices, self._observations.cluster)

    @property
    def _linkable(self) -> int:
        """Bytes of the data that the node seems to have already, by what was seen of it."""
        data, live = self._observations.chosen.data, self._room.live if self._room is not None else None
        if live is None or not data.has_twin or self.plan.data is None:
            return 0
        owner = (self.plan.user, self.plan.group)
        return linkable_bytes(data.members, self.plan.data.items, live, owner)

    @property
    def _old(self) -> tuple[OldDatabase, ...]:
        """What may be given up: the old databases that the data takes the places of, and no others."""
        room, archive = self._room, self.plan.data
        if room is None or archive is None or self.plan.name in self._observations.unpacked:
            return ()
        targets = _targets(archive)
        return tuple(one for one in room.old if one.name in targets or one.name.rpartition("/")[0] in targets)


def _targets(archive: Archive) -> frozenset[str]:
    return frozenset(item.target for item in archive.items) if archive.is_known else _IN_EVERY_ARCHIVE


def _together(old: Sequence[OldDatabase]) -> OldData:
    return OldData(
        tuple(one.name for one in old), sum(one.bytes for one in old), sum(one.files for one in old)
    )


def _prepare_command(key: str, *options: str) -> str:
    return clean_line(shlex.join(["loomtui", "backups", "prepare", key, *options]), limit=2_000)


def no_room(room: NodeRoom) -> Finding:
    """How much is missing on the node, and what can be done."""
    sentence = f"{room.node}: {'; '.join(shortage.sentence for shortage in room.shortages)}"
    ways = [_way(remedy) for remedy in room.remedies]
    advice = f"What can be done: {'; or '.join(ways)}" if ways else "Make room there, then plan again"
    return Finding(FindingCode.NO_ROOM, room.node, sentence, advice)


def _way(remedy: RoomRemedy) -> str:
    enough = "enough" if remedy.is_enough else "not enough alone"
    freed, commands = size(remedy.frees_bytes), ", ".join(remedy.commands)
    match remedy.kind:
        case RoomRemedyKind.CLEAN:
            return f"delete what earlier runs kept, which frees {freed} ({enough}): {commands}"
        case RoomRemedyKind.DELTA:
            return f"take over what the node has already, which saves up to {freed} ({enough}): {commands}"
        case RoomRemedyKind.GIVE_UP:
            before = f"; before that, {remedy.missing}" if remedy.missing else ""
            return (
                f"give up its old databases after the stop, which frees {freed} ({enough}) and cannot "
                f"be undone: {commands}{before}"
            )


def _unjudged(observations: Observations, names: Sequence[str]) -> Finding:
    key = observations.chosen.data.backup.key
    sentence = (
        f"the old databases of {joined(names)} may not be given up: nobody has read "
        f"{clean_line(key, limit=200)}, and no node has room to unpack it beside its own, so nothing would "
        "tell that it is whole before they are gone"
    )
    advice = f"Have it read once: {_prepare_command(key)}; or plan with --look"
    return Finding(FindingCode.GIVE_UP_UNJUDGED, None, sentence, advice)


def _warnings(observations: Observations, plans: Sequence[NodePlan]) -> Iterator[Finding]:
    for plan in plans:
        if plan.gives_up is not None:
            names = joined(plan.gives_up.names, 20)
            sentence = (
                f"{plan.name}: its old databases are given up after the stop: {names}, "
                f"{size(plan.gives_up.bytes)}. They are deleted, and no rollback brings them back"
            )
            yield Finding(FindingCode.OLD_DATA_GIVEN_UP, plan.name, sentence)
    data = observations.chosen.data
    if observations.choices.delta and not data.has_twin and not observations.unpacked:
        key = data.backup.key
        sentence = (
            f"--delta takes nothing over, for {clean_line(key, limit=200)} has no twin: all of it is fetched"
        )
        advice = f"Give it one: {_prepare_command(key, '--twin')}"
        if observations.choices.look:
            advice = "With --look no manifest is believed, and so no twin is used; leave that out"
        yield Finding(FindingCode.DELTA_IN_VAIN, None, sentence, advice)
