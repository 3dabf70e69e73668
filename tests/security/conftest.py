"""How many hostile cases are tried: few by default, more than 10 000 with `--hypothesis-profile=deep`."""

from __future__ import annotations

import pytest

from tests.restore.conftest import hasty as hasty
from tests.security import counting


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Of this process alone: the long run is made without pytest-xdist."""
    if counting.cases:
        terminalreporter.write_line(f"hostile cases tried: {counting.cases:,}")
