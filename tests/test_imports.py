"""Imports point one way, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[1]


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after the code."""
    script = (
        f"import json, sys\n{code}\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    )
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
from click.testing import CliRunner
from loomtui.cli.app import app
assert 'restore' in CliRunner().invoke(app, ['--help']).output
"""
    assert loaded_by(code) & {"textual", "paramiko", "boto3", "botocore", "pydantic", "screens"} == set()


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
