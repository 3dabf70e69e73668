"""What a unit's command gives to Loom in the end, and what it would take to know more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from loomtui.loom.commandline import PeerFlag, find_flags, stray_arguments
from loomtui.loom.launch.context import Call, Context
from loomtui.loom.launch.environment import Environment
from loomtui.loom.launch.follow import by_systemd, follow
from loomtui.loom.launch.letters import Gap, Letter, Text, gap_in, plain
from loomtui.loom.launch.outputs import TO_JOURNAL, Outputs
from loomtui.loom.launch.sources import Wanted
from loomtui.text import clean_line


@dataclass(frozen=True)
class Launch:
    """One way in which Loom is started."""

    values: Mapping[PeerFlag, Text] = field(default_factory=dict)  # without gaps
    unknown: str = ""  # why the lists of peers are not known for certain, a sentence; empty: they are
    problems: tuple[str, ...] = ()  # sentences
    outputs: Outputs = TO_JOURNAL
    place: Letter | None = None  # where the command that is loom begins
    wanted: Wanted = field(default_factory=Wanted)


def read_launch(
    program: Text,
    words: Sequence[Text],
    environment: Environment,
    folder: str,
    outputs: Outputs,
    *,
    expand: bool,
) -> Launch:
    """Follows the words of ExecStart=, in which the specifiers are filled in. Never raises.

    With `expand`, variables are filled in, as systemd does it unless the command begins with `:`.
    """
    names: set[str] = set()

    def lookup(name: str) -> Text | None:
        names.add(name)
        return environment.lookup(name)

    arguments = [one for word in words for one in (by_systemd(word, lookup) if expand else [word])]
    context = Context(environment.sources)
    follow(context, Call((program, *arguments), lookup, folder, outputs))
    launch = _chosen(context.started, [gap.why for gap in context.gaps], plain(program) or "the program")
    patterns = frozenset(setting.pattern for setting in environment.files)
    wanted = Wanted(patterns, frozenset(names), frozenset(context.scripts))
    outputs = launch.outputs if any(map(_runs, context.started)) else outputs
    return replace(launch, outputs=outputs, wanted=environment.sources.lacks(wanted))


def _chosen(calls: Sequence[Call], gaps: Sequence[str], program: str) -> Launch:
    calls = [call for call in calls if _runs(call)]
    launches = [_of_call(call) for call in calls]
    certain = [launch for launch, call in zip(launches, calls, strict=True) if call.certain]
    if not launches:
        why = gaps[0] if gaps else f"{clean_line(program)}, in which no `loom run` was found"
        return Launch(unknown=f"Which peers Loom gets is decided by {why}.")
    first = (certain or launches)[0]
    if any(_plain_values(other) != _plain_values(first) for other in launches):
        why = "a branch of the start script, which starts Loom in several ways"
        return Launch(unknown=f"Which peers Loom gets is decided by {why}.", outputs=first.outputs)
    return first


def _runs(call: Call) -> bool:
    """Whether it is `loom run`. `loom init` and the like are not, where a script begins with them."""
    names = [_spelled(word) for word in call.arguments[1:]]
    return not names or "run" in names or not names[0][:1].isalpha()


def _plain_values(launch: Launch) -> tuple[dict[PeerFlag, str | None], bool]:
    return {flag: plain(value) for flag, value in launch.values.items()}, bool(launch.unknown)


def _of_call(call: Call) -> Launch:
    names = [_spelled(word) for word in call.arguments]
    found = find_flags(names)
    values: dict[PeerFlag, Text] = {}
    problems = [
        f"Loom ignores the argument {clean_line(text, limit=80)}: no flag stands in front of it."
        for text in stray_arguments(names)
    ]
    unknown = ""
    for flag, (at, skip) in found.items():
        if at is None:
            problems.append(f"{flag} has no value: loom does not start.")
            continue
        value = call.arguments[at][skip:]
        if gap := gap_in(value):
            unknown = unknown or f"{flag} comes from {gap.why}."
        else:
            values[flag] = value
    unknown = unknown or _hidden_flags(call.arguments, {at for at, _ in found.values()})
    place = next((part for part in call.arguments[0] if isinstance(part, Letter) and part.file), None)
    return Launch(values, unknown, tuple(problems), call.outputs, place)


def _hidden_flags(arguments: Sequence[Text], used: set[int | None]) -> str:
    """A word that is not known may hold flags, unless it is the value of one."""
    for at, word in enumerate(arguments):
        before = _spelled(arguments[at - 1]) if at else ""
        is_value = before.startswith("-") and "=" not in before
        if at and at not in used and word and isinstance(word[0], Gap) and not is_value:
            return f"Which peers Loom gets is decided by {word[0].why}."
    return ""


def _spelled(word: Text) -> str:
    """The word, in which what is not known stands for one character, so that places in it are the same."""
    return "".join("\0" if isinstance(part, Gap) else part.value for part in word)
