"""Imports point one way, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from loomtui.cli.app import app
from loomtui.cli.commands import _COMMANDS

ROOT = Path(__file__).parents[1]


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after the code, without those that it begins with.

    Coverage that follows child processes is one of those, with all that it loads itself.
    """
    script = f"""
import json, sys
before = set(sys.modules)
{code}
print(json.dumps(sorted({{name.split('.')[0] for name in set(sys.modules) - before}})))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(cache_dir=None) == EXIT_STATUS_SUCCESS


def test_command_line_loads_nothing_heavy() -> None:
    heavy = {
        "textual",
        "rich",
        "paramiko",
        "boto3",
        "botocore",
        "pydantic",
        "yaml",
        "screens",
        "moto",
    }
    assert loaded_by("import loomtui.cli") & heavy == set()


def test_help_loads_nothing_heavy() -> None:
    code = """
import contextlib, io
from loomtui.cli.app import app
with contextlib.redirect_stdout(io.StringIO()) as said:
    app.main(['--help'], standalone_mode=False)
assert 'restore' in said.getvalue()
"""
    assert loaded_by(code) & {"textual", "paramiko", "boto3", "botocore", "pydantic", "screens"} == set()
    assert loaded_by(code) & {"asyncio", "tempfile", "socket"} == set()


def test_the_first_frame_waits_for_no_library_of_nodes_and_stores() -> None:
    code = "import loomtui.engine.live, screens.app, screens.terminal"
    heavy = {"paramiko", "cryptography", "nacl", "boto3", "botocore"}
    assert loaded_by(code) & heavy == set()


def test_help_says_of_each_command_what_the_command_says() -> None:
    context = click.Context(app)
    for name, (_, text) in _COMMANDS.items():
        command = app.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert not command.hidden
        assert text == command.get_short_help_str(500)
    assert app.get_command(context, "served") is not None
    assert app.get_command(context, "nothing") is None
    assert app.list_commands(context) == list(_COMMANDS)


def test_engine_loads_no_screen() -> None:
    code = """
import importlib, pkgutil, loomtui
for found in pkgutil.walk_packages(loomtui.__path__, 'loomtui.'):
    if not found.name.endswith('__main__') and '.drill.' not in found.name:
        importlib.import_module(found.name)
"""
    modules = loaded_by(code)
    assert {"loomtui", "paramiko", "pydantic"} <= modules  # it did import the engine
    assert modules & {"textual", "screens"} == set()


def test_facts_about_loom_load_neither_network_nor_processes() -> None:
    code = """
import importlib, pkgutil, loomtui.loom
for found in pkgutil.walk_packages(loomtui.loom.__path__, 'loomtui.loom.'):
    importlib.import_module(found.name)
"""
    assert loaded_by(code) & {"paramiko", "boto3", "subprocess"} == set()
