"""How the lists of peers that a unit gives to Loom are changed, and what has to be done by hand.

Only what stands in the unit file or in a drop-in is changed. Of a list that stands in an environment file or
in a start script, the line is told, as it is and as it has to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loomtui.loom.commandline import is_writable
from loomtui.loom.launch.letters import Span
from loomtui.loom.secrets import mask_secrets
from loomtui.loom.units import EffectiveUnit, Origin, PeerFlag, PeerValue, rewrite_peers, with_text
from loomtui.text import clean_line

_MOST_OF_A_LINE = 4000  # characters


def file_to_change(unit: EffectiveUnit, values: Mapping[PeerFlag, str]) -> str:
    """Which of the unit's files would have to change: that in which the first of the lists stands."""
    present = {value.flag: value for value in unit.peer_values}
    in_unit = [
        present[flag].file for flag in values if flag in present and present[flag].origin is Origin.UNIT
    ]
    paths = [file.path for file in unit.files]
    return next((path for path in (*in_unit, unit.exec_start_file) if path in paths), paths[0])


def change_of(unit: EffectiveUnit, path: str, values: Mapping[PeerFlag, str]) -> str:
    """The text of that file with these lists. Raises ValueError with what to do by hand, in sentences."""
    present = {value.flag: value for value in unit.peer_values}
    by_hand = [_by_hand(unit, present.get(flag), flag, value) for flag, value in values.items()]
    if sentences := [sentence for sentence in by_hand if sentence]:
        raise ValueError(" ".join(sentences))
    placed = {
        flag: value
        for flag, value in values.items()
        if value and flag in present and _in(path, present[flag])
    }
    others = {flag: value for flag, value in values.items() if flag not in placed}
    try:
        text = _written(unit.text_of(path), [(present[flag], value) for flag, value in placed.items()])
        if others and path != unit.exec_start_file:
            raise ValueError(f"The lists stand in several files, {clean_line(path)} is one of them.")
        text = rewrite_peers(text, others)
    except ValueError as error:
        raise ValueError(f"{error} It has to be: {_flags(values)}") from error
    _see_that_it_is_so(with_text(unit, path, text), values)
    return text


def _in(path: str, value: PeerValue) -> bool:
    return value.span is not None and value.file == path


def _written(text: str, values: Sequence[tuple[PeerValue, str]]) -> str:
    """The text with each list put where it stands. Raises ValueError."""
    edits = [(present.span, value) for present, value in values if present.span is not None]
    for span, value in sorted(edits, key=lambda edit: -edit[0].start):
        if not is_writable(value):
            raise ValueError("The new value holds characters that have no place in a unit file.")
        text = text[: span.start] + value + text[span.end :]
    return text


def _see_that_it_is_so(changed: EffectiveUnit, values: Mapping[PeerFlag, str]) -> None:
    now = {value.flag: value.value for value in changed.peer_values}
    if changed.peers_unknown or any(now.get(flag) != value for flag, value in values.items()):
        raise ValueError(f"The unit would not come to the right lists if it were changed. {_flags(values)}")


def _by_hand(unit: EffectiveUnit, present: PeerValue | None, flag: PeerFlag, value: str) -> str:
    """What an operator has to change, if loomtui does not: old line and new line."""
    if present is None:
        if not unit.command_file or unit.command_file in {file.path for file in unit.files}:
            return ""
        place = f"{clean_line(unit.command_file)}:{unit.command_line}"
        return f"{place} starts Loom, and loomtui does not change that file. Add there: {flag} {value}"
    if present.origin is Origin.UNIT:
        return ""
    place = f"{clean_line(present.file)}:{present.line}"
    text = unit.source_text(present.file)
    if present.span is None or text is None:
        return f"{flag} is put together at {place}, and loomtui does not change that. It has to be: {value}"
    old, new = _lines(text, present.span, value)
    return f"{flag} stands at {place}, and loomtui does not change that file. Now: {old} Has to be: {new}"


def _lines(text: str, span: Span, value: str) -> tuple[str, str]:
    """The line in which the list begins, as it is and as it has to be. What looks secret in it is masked."""
    begin = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end
    old, new = text[begin:end], text[begin : span.start] + value + text[span.end : end]
    return (
        mask_secrets(clean_line(old, limit=_MOST_OF_A_LINE)),
        mask_secrets(clean_line(new, limit=_MOST_OF_A_LINE)),
    )


def _flags(values: Mapping[PeerFlag, str]) -> str:
    return " ".join(f"{flag} {value}" for flag, value in values.items())
