"""How many hostile cases are tried: few by default, more than 10 000 with `--hypothesis-profile=deep`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.restore.conftest import hasty as hasty
from tests.security import counting

settings.register_profile(
    "deep", max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Of this process alone: the long run is made without pytest-xdist."""
    if counting.cases:
        terminalreporter.write_line(f"hostile cases tried: {counting.cases:,}")
