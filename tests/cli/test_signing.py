"""`loomtui plan sign`, and what `restore` says to a plan that nobody else has signed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.planning.planfile import save_plan
from tests.cli.conftest import Run
from tests.cli.terminal import Terminal
from tests.restore.material import make_plan_of
from tests.signing import Person


@pytest.fixture
def ben(tmp_path: Path) -> Person:
    return Person.made("ben", tmp_path / "keys", passphrase="open")


@pytest.fixture
def inventory(tmp_path: Path, anna: Person, ben: Person) -> str:
    path = tmp_path / "inventory.yml"
    document = {
        "cluster": "lab",
        "production": False,
        "s3": {"bucket": "backups", "endpoint": "http://127.0.0.1:9"},
        "ssh": {"connect_timeout": 1, "config_file": None},
        "nodes": [{"name": "n1", "host": "127.0.0.1", "port": 9}],
        "require_second": True,
        "allowed_signers": [{"name": one.name, "key": one.public} for one in (anna, ben)],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return str(path)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yml"
    save_plan(make_plan_of(), path)
    return path


def restore(inventory: str, plan: Path, *more: str) -> tuple[str, ...]:
    return ("restore", "-i", inventory, "--plan", str(plan), "--yes", *more)


def test_a_plan_that_nobody_else_has_signed(loomtui: Run, inventory: str, plan: Path) -> None:
    done = loomtui(*restore(inventory, plan))
    assert done.status == 3
    assert "nobody else has signed this plan" in done.err
    assert "loomtui plan sign PLAN" in done.err
    assert "--break-glass lab" in done.err
    signed = loomtui("plan", "sign", str(plan), "-i", inventory)
    assert signed.status == 0, signed.err
    assert "Signed by anna with the key SHA256:" in signed.out
    assert "The chain can go on from 100." in signed.out  # it is shown before
    done = loomtui(*restore(inventory, plan))
    assert done.status == 3
    assert "anna has signed this plan, and runs it as well" in done.err
    assert loomtui("runs", "--json").document == {"runs": []}  # none of it has begun


def test_break_glass_wants_the_clusters_name(loomtui: Run, inventory: str, plan: Path) -> None:
    assert loomtui(*restore(inventory, plan, "--break-glass", "another")).status == 2
    assert loomtui("runs", "--json").document == {"runs": []}
    done = loomtui(*restore(inventory, plan, "--break-glass", "lab"))
    assert done.status == 4  # it begins, and reaches no node
    (run,) = loomtui("runs", "--json").document["runs"]
    report = loomtui("report", run["id"]).out
    assert "break glass, with the cluster's name typed, although nobody else has signed this plan" in report


@pytest.mark.slow
def test_a_key_with_a_passphrase_is_asked_for_at_a_terminal(
    loomtui: Run, inventory: str, plan: Path, ben: Person, tmp_path: Path, home: Path
) -> None:
    args = ("plan", "sign", str(plan), "-i", inventory, "--key", str(ben.key))
    done = loomtui(*args)
    assert done.status == 1
    assert "the plan is not signed" in done.err
    assert not plan.with_name("plan.yml.sig").exists()
    with Terminal(*args, env={"HOME": str(home)}, cwd=tmp_path) as terminal:
        terminal.expect("Type lab to go on")
        terminal.type("lab\r")
        terminal.expect("passphrase")
        terminal.type("open\r")
        terminal.expect("Signed by ben")
        assert terminal.end() == 0
    done = loomtui(*restore(inventory, plan))
    assert done.status == 4, done.err  # it is signed, and no node is there


@pytest.mark.parametrize("changes", [{"cluster": "another"}, {"refusals": True}])
def test_what_is_not_signed(loomtui: Run, inventory: str, plan: Path, changes: dict[str, object]) -> None:
    stands = Finding(FindingCode.CHAIN_STANDS, None, "it would stand still")
    wrong = make_plan_of() if "cluster" in changes else replace(make_plan_of(), refusals=(stands,))
    save_plan(replace(wrong, cluster=str(changes.get("cluster", "lab"))), plan)
    done = loomtui("plan", "sign", str(plan), "-i", inventory)
    assert done.status == (2 if "cluster" in changes else 3)
    assert not plan.with_name("plan.yml.sig").exists()


def test_keys_that_sign_nothing(loomtui: Run, inventory: str, plan: Path, tmp_path: Path, home: Path) -> None:
    eve = Person.made("eve", tmp_path / "keys")
    args = ("plan", "sign", str(plan), "-i", inventory)
    done = loomtui(*args, "--key", str(eve.key))
    assert done.status == 2
    assert "the key of none of the inventory's allowed_signers (anna, ben)" in done.err
    assert loomtui(*args, "--key", str(plan)).status == 2
    for path in (home / ".ssh").iterdir():
        path.unlink()
    done = loomtui(*args)
    assert done.status == 2
    assert "no key of the inventory's allowed_signers (anna, ben) is in your agent" in done.err


def test_plan_stays_a_command_of_its_own(loomtui: Run, inventory: str) -> None:
    assert loomtui("plan", "-i", inventory).status == 4  # S3 is not there
    assert loomtui("plan", "nonsense").status == 2
    done = loomtui("plan", "--keep-keys", "sign", "plan.yml")
    assert done.status == 2
    assert "come without a further command" in done.err
    assert "--data" in loomtui("plan", "--help").out
