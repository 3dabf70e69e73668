"""Real nodes restored with marked secrets, and then a search for them wherever anything was said or left.

The operator logs in as a user whose sudo wants a password, and types it at a terminal.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from loomtui.engine.live import LiveEngine
from loomtui.inventory import load
from tests.lab import nodes
from tests.lab.backups import DATA_HEIGHT
from tests.lab.client import Lab
from tests.lab.desk import Desk
from tests.lab.proof import around, clock, moving, signed_twice
from tests.lab.searching import changed_files, journal, processes_of
from tests.lab.tree import PASSWORD, PASSWORD_USER
from tests.lab.watching import until
from tests.security import marked
from tests.security.marked import HSM_YML, OPERATORS, REDIS_YML, S3_SECRETS, UNIT_LINE, mark_backups
from tests.security.marks import SIGNATURE, Leak, Secrets, private_half
from tests.security.onscreen import texts_of_screens
from tests.security.sampler import Sampler, Seen

_CLUSTER = "loom-lab"
_KEYS = ("node_key.json", "priv_validator.json")
#: What the operator alone knows: no file of a node may hold it.
_OPERATORS = {**S3_SECRETS, "sudo password": PASSWORD}
_OF_LOOM = {"HSM": marked.HSM, "Redis": marked.REDIS}
_UNIT = {"unit": marked.UNIT}
_OLD_REDIS = "10.99.99.9"  # of the backups: it is not reached any more
_ASKED = f"sudo password of {PASSWORD_USER}"


@dataclass
class Watched:
    """All that a restore said and left behind."""

    desk: Desk
    since: str
    chain: tuple[str, str]  # blocks at and above the height of the backup
    keys: dict[str, dict[str, str]]  # by node: its private keys
    said: dict[str, bytes] = field(default_factory=dict)
    processes: set[Seen] = field(default_factory=set)

    @property
    def lab(self) -> Lab:
        return self.desk.lab

    @property
    def secrets(self) -> Secrets:
        return Secrets({**_OPERATORS, **_OF_LOOM, **_UNIT, **self.keys_of(self.lab.names)})

    def keys_of(self, names: Iterable[str]) -> dict[str, str]:
        return {what: secret for name in names for what, secret in self.keys[name].items()}

    def typed(self, *args: str, answers: dict[str, str], status: int = 0) -> None:
        """`loomtui …` at a terminal: each question is waited for and answered."""
        with self.desk.terminal(*args) as terminal:
            for question, answer in answers.items():
                terminal.expect(question)
                terminal.type(f"{answer}\r")
            assert terminal.end() == status, terminal.shown
            self.said[f"{args[0]} at a terminal"] = terminal.shown.encode()

    def run(self, *args: str, status: int = 0) -> str:
        done = self.desk.loomtui(*args)
        assert done.status == status, done.out + done.err
        self.said[" ".join(args)] = (done.out + done.err).encode()
        return done.out


@pytest.fixture(scope="module")
def watched(own: Lab, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A cluster with marked secrets that was restored, and looked at in every way."""
    chain = asyncio.run(around(own, DATA_HEIGHT))
    made = Watched(_desk(own, tmp_path_factory.mktemp("desk")), clock(own), chain, _mark_nodes(own))
    mark_backups(own.endpoint, HSM_YML + REDIS_YML.replace("127.0.0.1", _OLD_REDIS))
    with Sampler(processes_of(own)) as sampler:
        _look(made)
        _restore(made)
    made.processes = sampler.seen
    return made


def _desk(lab: Lab, home: Path) -> Desk:
    inventory = yaml.safe_load(lab.inventory_path.read_text())
    inventory["ssh"]["user"] = PASSWORD_USER
    path = home / "inventory.yml"
    path.write_text(yaml.safe_dump(inventory))
    (home / "tmp").mkdir()
    return Desk(lab, home, {**OPERATORS, "LOOMTUI_INVENTORY": str(path), "TMPDIR": str(home / "tmp")})


def _mark_nodes(lab: Lab) -> dict[str, dict[str, str]]:
    """Puts secrets into loom.yml and the unit of each; gives each node's private keys."""
    addition = shlex.quote(HSM_YML + REDIS_YML)
    keys = {}
    for name in lab.names:
        _mark_unit(lab, name)
        _spoil_peers(lab, name)
        lab.run(name, f"printf %s {addition} >> {nodes.HOME}/loom.yml && systemctl restart loom")
        texts = {file: lab.run(name, f"cat {nodes.HOME}/chaindata/config/{file}").stdout for file in _KEYS}
        keys[name] = {f"{file} of {name}": private_half(text) for file, text in texts.items()}
    return keys


def _spoil_peers(lab: Lab, node: str) -> None:
    """So that the unit is corrected, and a diff of it shown."""
    lab.run(node, rf"sed -i 's|tcp://[0-9a-f]\{{8\}}|tcp://00000000|' {nodes.UNIT}")


def _mark_unit(lab: Lab, node: str) -> None:
    line = shlex.quote(rf"/^ExecStart=/i {UNIT_LINE}")
    lab.run(node, f"sed -i {line} {nodes.UNIT} && systemctl daemon-reload")


def _restore(watched: Watched) -> None:
    """A batch call asks for no password: it begins the run, and the person at the terminal resumes it."""
    plan = str(watched.desk.home / "plan.yml")
    redis = urlsplit(watched.lab.endpoint).netloc  # something that listens
    args = ("--redis", redis, "--reset-signing-state", _CLUSTER, "-o", plan)
    watched.typed("plan", *args, answers={_ASKED: PASSWORD})
    watched.run("restore", "--plan", plan, "--yes", status=3)
    (run,) = json.loads(watched.run("runs", "--json"))["runs"]
    watched.typed("resume", run["id"], answers={f"Type {_CLUSTER} to go on": _CLUSTER, _ASKED: PASSWORD})
    for form in ("md", "json", "html"):
        watched.run("report", f"--format={form}", run["id"])


def _look(watched: Watched) -> None:
    """While the units hold theirs: those of the backups hold none."""
    watched.typed("services", "--diff", answers={_ASKED: PASSWORD}, status=1)  # something is to be changed
    watched.typed("nodekeys", answers={_ASKED: PASSWORD}, status=1)
    watched.typed("logs", "-n", "500", answers={_ASKED: PASSWORD})
    watched.run("status", "--json")


def _found(leaks: Iterable[Leak]) -> list[Leak]:
    return sorted(set(leaks), key=str)


async def test_it_was_restored_with_the_secrets_in_their_places(watched: Watched) -> None:
    """Otherwise nothing is shown by the other tests."""
    await moving(watched.lab)
    kept, new = await around(watched.lab, DATA_HEIGHT)
    assert (kept, new != watched.chain[1]) == (watched.chain[0], True)
    assert await signed_twice(watched.lab, watched.since) == {}
    for name in watched.lab.names:
        loom_yml = watched.lab.run(name, f"cat {nodes.HOME}/loom.yml").stdout
        assert marked.HSM in loom_yml
        assert f"redis://:{marked.REDIS}@{urlsplit(watched.lab.endpoint).netloc}" in loom_yml
    assert b"HsmAuthPassword" in watched.said["plan at a terminal"]
    assert b"API_TOKEN" in watched.said["services at a terminal"]


def test_nothing_that_was_said_holds_a_secret(watched: Watched) -> None:
    leaks = [leak for where, said in watched.said.items() for leak in watched.secrets.within(said, where)]
    assert leaks == []
    assert [where for where, said in watched.said.items() if SIGNATURE.search(said)] == []


def test_no_process_of_a_node_held_a_secret(watched: Watched) -> None:
    lists = b"\n".join(seen.text for seen in watched.processes)
    for at_work in (b"sudo\0-k\0-S", b"job.sh", b"/usr/bin/loom\0run"):
        assert at_work in lists
    besides_loom = b"\n".join(seen.text for seen in watched.processes if not _is_loom(seen))
    assert _found(watched.secrets.within(besides_loom, "a process")) == []
    assert {leak.secret for leak in watched.secrets.within(lists, "")} == {"unit"}  # systemd gives it to loom
    assert not SIGNATURE.search(lists)


def _is_loom(seen: Seen) -> bool:
    return b"/usr/bin/loom\0" in seen.command


async def test_no_journal_of_a_node_holds_a_secret(watched: Watched) -> None:
    for name in watched.lab.names:
        written = journal(watched.lab, name)
        for source in ("_COMM=sudo\n", "_COMM=sshd\n", "UNIT=loomtui-"):
            assert source in written, f"{name}: nothing of {source}"
        assert _found(watched.secrets.within(written, name)) == []
        assert not SIGNATURE.search(written.encode())


@pytest.mark.parametrize("number", range(5))
def test_files_that_stay_on_a_node_hold_its_own_secrets_in_their_places(
    watched: Watched, number: int
) -> None:
    name = watched.lab.names[number]
    files = dict(changed_files(watched.lab, name, watched.since))
    assert any("/.loomtui/runs/" in str(path) and "/replaced/files/" in str(path) for path in files)
    assert any(path.is_relative_to("/var/log") for path in files)
    leaks = [
        leak
        for path, content in files.items()
        for text in (str(path), content)
        for leak in _allowed_nowhere(watched, name, path).within(text, str(path))
    ]
    assert leaks == []
    assert [path for path, content in files.items() if SIGNATURE.search(content)] == []


def _allowed_nowhere(watched: Watched, node: str, path: Path) -> Secrets:
    """What this file must not hold: another node's keys, for example, wherever it lies."""
    own = watched.keys_of([node])
    others = watched.keys_of(other for other in watched.lab.names if other != node)
    wrong = {**_OPERATORS, **others}
    if not path.is_relative_to(nodes.HOME):
        wrong |= {**own, **_OF_LOOM}
    if not (path == nodes.UNIT or path.is_relative_to(nodes.HOME / ".loomtui")):
        wrong |= _UNIT
    return Secrets(wrong)


@pytest.mark.parametrize("user", ["visitor", "ubuntu"])
def test_what_a_run_keeps_on_a_node_is_for_root_alone(watched: Watched, user: str) -> None:
    for name in watched.lab.names:
        looked = watched.lab.run(name, f"su {user} -c 'ls {nodes.HOME}/.loomtui/'", check=False)
        assert "Permission denied" in looked.stderr


def test_nothing_that_is_left_on_the_operators_disk_holds_a_secret(watched: Watched) -> None:
    home = watched.desk.home
    files = [path for path in home.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"plan.yml", "inventory.yml", "journal.jsonl"}
    assert any("cache" in str(path) for path in files)
    assert _found(watched.secrets.in_files(home)) == []
    assert [path for path in files if SIGNATURE.search(path.read_bytes())] == []


async def test_no_screen_shows_a_secret(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in watched.desk.environment.items():
        monkeypatch.setenv(name, value)
    for name in watched.lab.names:
        _mark_unit(watched.lab, name)
    texts = await texts_of_screens(LiveEngine(load(watched.lab.inventory_path)))
    leaks = [leak for place, text in texts.items() for leak in watched.secrets.within(text, place)]
    assert leaks == []


# ── that all of this would be seen ────────────────────────────────────────────────────────────────────────

_PLANTED = "Planted/Secret+0123456789abcdef"  # a journal keeps it: not for files
_LEFT = "Left/Secret+0123456789abcdef"


@pytest.mark.parametrize("where", ["argument", "environment"])
async def test_a_planted_leak_in_a_process_is_seen(own: Lab, where: str) -> None:
    command = f"sh -c 'sleep 60; : {_PLANTED}'" if where == "argument" else f"env MARK={_PLANTED} sleep 60"
    secrets = Secrets({"planted": _PLANTED})
    with Sampler(processes_of(own)) as sampler:

        async def leaks() -> list[Leak]:
            return [leak for seen in tuple(sampler.seen) for leak in secrets.within(seen.text, where)]

        own.run("val-1", f"systemd-run --quiet --unit=planted {command}")
        try:
            assert await until(leaks, bool)
        finally:
            own.run("val-1", "systemctl stop planted")


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "/run", "/var/log", "/home/visitor"])
def test_a_planted_leak_in_a_file_is_found(own: Lab, folder: str) -> None:
    secrets, since = Secrets({"left": _LEFT}), clock(own)
    encoded = base64.b64encode(f"url={_LEFT}&more".encode()).decode()
    own.run("val-1", f"echo {encoded} > {folder}/left")
    try:
        found = [
            Path(leak.where)
            for file, content in changed_files(own, "val-1", since)
            for leak in secrets.within(content, str(file))
        ]
    finally:
        own.run("val-1", f"rm {folder}/left")
    assert found == [Path(folder, "left")]


def test_a_planted_leak_in_a_journal_is_found(own: Lab) -> None:
    own.run("val-1", f"logger 'url={_PLANTED}&more'")
    assert list(Secrets({"planted": _PLANTED}).within(journal(own, "val-1"), ""))
