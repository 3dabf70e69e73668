"""Calls that need no cluster: help, usage, the inventory, and how each ends."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Run

SAMPLE = str(ROOT / "sample_inventory.yml")
LOOKING = [
    "status",
    "backups",
    "nodekeys",
    "services",
    "logs",
    "serve",
    "plan",
    "runs",
    "report",
    "inventory",
]
CHANGING = ["restore", "resume", "rollback", "clean", "drill"]
COMMANDS = LOOKING + CHANGING


def test_help_names_every_command_and_every_exit_status(loomtui: Run) -> None:
    done = loomtui("--help")
    assert done.status == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in done.out] == []
    for text in (
        "0 if all is done",
        "1 if something is wrong",
        "2 for a bad call",
        "3 if loomtui refused",
        "4 if nothing could be reached",
        "130 if it was interrupted",
    ):
        assert text in " ".join(done.out.split())


def test_the_written_help_is_what_the_commands_say() -> None:
    told = runpy.run_path(str(ROOT / "scripts/help.py"))["module"]()
    assert (ROOT / "loomtui/cli/help_text.py").read_text() == told, "run python scripts/help.py"
    assert told.isascii(), "a terminal without Unicode has to show it"


@pytest.mark.parametrize("columns", ["60", "80", "90", "140"])
def test_help_is_as_wide_as_the_terminal_lets_it(columns: str) -> None:
    def said(code: str) -> str:
        command = [sys.executable, "-c", code, "--help"]
        environment = {**os.environ, "COLUMNS": columns}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout

    by_click = said("from loomtui.cli.app import main; main()")
    assert said("from loomtui.cli import main; main()") == by_click


def test_help_that_nobody_reads_ends_quietly() -> None:
    command = f"{sys.executable} -c 'from loomtui.cli import main; main()' --help | :"
    assert subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=True).stderr == b""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(loomtui: Run, name: str) -> None:
    done = loomtui(name, "--help")
    assert done.status == 0
    assert done.out.startswith(f"Usage: loomtui {name}")


@pytest.mark.parametrize(
    "args",
    [
        ("nonsense",),
        ("status", "--nonsense"),
        ("report",),
        ("restore", "-i", SAMPLE, "--yes"),
        ("restore", "-i", SAMPLE, "--json"),
        ("restore", "-i", SAMPLE, "--plan", "x", "--json"),
        ("restore", "-i", SAMPLE, "--kill"),
        ("restore", "-i", SAMPLE, "--plan", "x", "--kill"),
        ("restore", "-i", SAMPLE, "--plan", "x", "--break-glass", "loom-example"),
        ("inventory", "check", SAMPLE, "--try-notify"),
        ("drill", "--json"),
        ("drill", "--auto", "--scenario", "nonsense"),
        ("drill", "--auto", "--nodes", "0"),
        ("logs", "-i", SAMPLE, "--node", "n99"),
        ("logs", "-i", SAMPLE, "--grep", "("),
        ("plan", "-i", SAMPLE, "--before", "soon"),
        ("logs", "-i", SAMPLE, "--grep", "a{99999999999999}"),
        ("logs", "-i", SAMPLE, "--since", "2026-11-20T14:30+25:00"),
        ("plan", "-i", SAMPLE, "--reset-signing-state", "another-cluster"),
        ("restore", "-i", SAMPLE, "--plan", "missing.yml", "--yes"),
        ("resume", "20260101-000000-abcd"),
        ("rollback", "../../etc"),
        ("clean", "nonsense"),
        ("report", "nonsense"),
        ("status",),
        ("status", "-i", "missing.yml"),
        ("inventory", "check", "missing.yml"),
    ],
)
def test_wrong_calls_end_with_2_and_say_why(loomtui: Run, args: tuple[str, ...]) -> None:
    done = loomtui(*args)
    assert (done.status, done.out) == (2, "")
    assert "Error: " in done.err


@pytest.mark.parametrize("args", [(), ("restore",), ("drill",)])
def test_screens_want_a_terminal(loomtui: Run, args: tuple[str, ...]) -> None:
    done = loomtui(*args, env={"LOOMTUI_INVENTORY": SAMPLE})
    assert done.status == 2
    assert "the screens need a terminal" in done.err


def test_inventory_check(loomtui: Run, tmp_path: Path) -> None:
    done = loomtui("inventory", "check", SAMPLE)
    assert done.status == 0
    assert done.out == f"{SAMPLE}: good. loom-example (▲ PRODUCTION): 4 validators, 1 backup node.\n"
    bad = tmp_path / "bad.yml"
    bad.write_text("clutser: c\nproduction: 7\n", encoding="utf-8")
    done = loomtui("inventory", "check", str(bad))
    assert (done.status, done.out) == (2, "")
    assert "4 problems" in done.err
    assert f"{bad}:1: clutser: found an unknown key" in done.err


def test_the_command_of_an_inventory_is_shown_and_tried(loomtui: Run, tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    text = Path(SAMPLE).read_text("utf-8")
    command = f"[/bin/sh, -c, 'cat > {tmp_path}/told']"
    path.write_text(f"{text}\nnotify: {{command: {command}}}\n", encoding="utf-8")
    done = loomtui("inventory", "check", str(path))
    assert f"a command that a restore runs on this machine: /bin/sh -c 'cat > {tmp_path}/told'" in done.out
    assert not (tmp_path / "told").exists()
    done = loomtui("inventory", "check", str(path), "--try-notify")
    assert done.status == 0
    told = json.loads((tmp_path / "told").read_text("utf-8"))
    assert (told["event"], told["run"]) == ("test", "")
    assert told["text"] == "loom-example: this is a test of notify, and nothing happened"
    path.write_text(f"{text}\nnotify: {{command: [/no/such/program]}}\n", encoding="utf-8")
    done = loomtui("inventory", "check", str(path), "--try-notify")
    assert done.status == 1
    assert "the notify command /no/such/program cannot be started: No such file or directory." in done.err


def test_inventory_schema_is_one_json_document(loomtui: Run) -> None:
    done = loomtui("inventory", "schema")
    assert done.status == 0
    assert done.document["title"] == "loomtui inventory"


@pytest.mark.parametrize("place", ["before", "after", "variable", "folder"])
def test_inventory_is_found_wherever_it_is_named(loomtui: Run, tmp_path: Path, place: str) -> None:
    bad = tmp_path / "cwd" / "inventory.yml" if place == "folder" else tmp_path / "named.yml"
    bad.write_text("cluster: [", encoding="utf-8")
    args = {"before": ("-i", str(bad), "status"), "after": ("status", "-i", str(bad))}.get(place, ("status",))
    done = loomtui(*args, env={"LOOMTUI_INVENTORY": str(bad)} if place == "variable" else {})
    assert done.status == 2
    assert str(bad) in done.err


def test_runs_without_any(loomtui: Run) -> None:
    assert loomtui("runs").out == "There was no run yet.\n"
    assert loomtui("runs", "--json").document == {"runs": []}


def test_drill_lists_its_scenarios(loomtui: Run) -> None:
    assert "clean-restore" in loomtui("drill", "--list").out
    names = [told["name"] for told in loomtui("drill", "--list", "--json").document["scenarios"]]
    assert {"clean-restore", "moved-hosts"} <= set(names)


def test_no_node_reached_ends_with_4(loomtui: Run, tmp_path: Path) -> None:
    path = tmp_path / "nobody.yml"
    path.write_text(
        "cluster: c\nproduction: false\ns3: {bucket: backups}\nssh: {connect_timeout: 2, agent: false}\n"
        "nodes: [{name: n1, host: 127.0.0.1, port: 1}]\n",
        encoding="utf-8",
    )
    done = loomtui("status", "-i", str(path), "--json")
    assert done.status == 4
    (node,) = done.document["nodes"]
    assert node["reachable"] is False
    assert node["error"]
    for command in (("nodekeys", "--json"), ("services", "--json"), ("logs",)):
        assert loomtui(*command, "-i", str(path)).status == 4
