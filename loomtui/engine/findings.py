"""What more can be known of a cluster that is not well."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from loomtui.errors import LoomtuiError
from loomtui.fleet.probes.findings import LINES, Findings, recent_lines

if TYPE_CHECKING:
    from loomtui.engine.api import Engine
    from loomtui.fleet.probes.log_line import LogLine
    from loomtui.loom.references import KeyReport


async def gather_findings(engine: Engine, now: datetime) -> Findings:
    """Tells whose references are wrong, and the last log lines. What cannot be had is left out."""
    keys: KeyReport | None = None
    lines: tuple[LogLine, ...] = ()
    with suppress(LoomtuiError):
        keys, _ = await engine.key_report()
    with suppress(LoomtuiError):
        lines = await engine.recent(engine.inventory.names, LINES)
    return Findings(keys, recent_lines(lines, now))
