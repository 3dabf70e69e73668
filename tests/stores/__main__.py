"""`python -m tests.stores [SERVER …]`: tries what loomtui relies on against S3 servers, and prints a table.

Ends with status 1 if loomtui does not cope with one of them, and with 2 if one cannot be had.
"""
# ruff: noqa: T201 - a program that prints

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from unittest.mock import patch

from tests.stores.cases import CASES, Tried, tried
from tests.stores.servers import SERVERS
from tests.stores.tree import StoreError

_FAILED = "**loomtui fails**"


def main(names: Sequence[str]) -> int:
    if unknown := set(names) - set(SERVERS):
        print(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(SERVERS)}", file=sys.stderr)
        return 2
    chosen = names or list(SERVERS)
    with (
        tempfile.TemporaryDirectory(prefix="loomtui-stores-") as folder,
        patch.dict("os.environ", _own(folder)),
    ):
        try:
            columns = {name: _column(name) for name in chosen}
        except StoreError as error:
            print(error, file=sys.stderr)
            return 2
    print(table(columns))
    return 1 if any(_FAILED in cell for column in columns.values() for cell in column.values()) else 0


def table(columns: Mapping[str, Mapping[str, str]]) -> str:
    lines = [f"| | {' | '.join(columns)} |", f"| --- {'| --- ' * len(columns)}|"]
    lines += [f"| {case} | {' | '.join(column[case] for column in columns.values())} |" for case in CASES]
    return "\n".join(lines)


def _column(name: str) -> dict[str, str]:
    print(f"# {name}", file=sys.stderr)
    with SERVERS[name]() as server:
        store = tried(server)
        try:
            return {case: _cell(case, store) for case in CASES}
        finally:
            store.client.close()


def _cell(case: str, store: Tried) -> str:
    try:
        return asyncio.run(CASES[case](store))  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - every other case is still tried
        traceback.print_exc()
        return _FAILED


def _own(folder: str) -> dict[str, str]:
    """Nobody's own AWS configuration and cache are seen."""
    hidden = {name: "" for name in os.environ if name.startswith("AWS_")}
    own = {"HOME": folder, "XDG_CACHE_HOME": f"{folder}/cache", "AWS_EC2_METADATA_DISABLED": "true"}
    return {**{name: value for name, value in hidden.items() if value}, **own}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
