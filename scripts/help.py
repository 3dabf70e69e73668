"""Writes loomtui/cli/help_text.py: what `loomtui --help` shows, by the commands themselves.

python scripts/help.py
"""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from loomtui.cli.app import app

MODULE = Path(__file__).parents[1] / "loomtui/cli/help_text.py"
#: Columns of a terminal: the usual, which is also what a pipe gets, and the width that the help grows to.
WIDTHS = (80, 100)

_HEAD = '''\
"""What `loomtui --help` shows, made by `python scripts/help.py` from the commands."""

#: By columns of the terminal. Wider ones get the widest.
TEXTS = {
'''


def module() -> str:
    """The whole module."""
    entries = [f'    {width}: """\\\n{shown(width)}""",\n' for width in WIDTHS]
    return "".join([_HEAD, *entries, "}\n"])


def shown(width: int) -> str:
    """The help in a terminal of so many columns."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)
    try:
        with redirect_stdout(StringIO()) as said:
            app.main(["--help"], prog_name="loomtui", standalone_mode=False)
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
    return said.getvalue()


if __name__ == "__main__":
    MODULE.write_text(module(), encoding="utf-8")
