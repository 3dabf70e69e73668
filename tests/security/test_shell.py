"""No value ever reaches a shell as code: the real bootstrap, the real scripts, a real sh, and a canary."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from loomtui.errors import LoomtuiError
from loomtui.fleet.bootstrap import command
from loomtui.fleet.facts import read_facts
from loomtui.fleet.rights import Rights, Root
from loomtui.fleet.scripts import LAST_LINE, ChangeScript, InspectScript
from loomtui.fleet.ssh.sshconfig import Target, _tokens
from loomtui.restore.events import Outcome
from loomtui.restore.findings import texts_of
from tests.fleet.test_scripts import EVERY
from tests.restore.cluster import BACKUP_TIME, RESTORED_HEIGHT, LocalCluster
from tests.restore.interrupting import age
from tests.restore.local import RUN, LocalNode, tree
from tests.restore.material import LOOM_YML, unit_text, validator_key_of, write_node
from tests.security.counting import hostile
from tests.security.values import (
    CODE,
    CONTROLS,
    MARKUP,
    OPTIONS,
    Canary,
    byte_strings,
    file_names,
    harmless,
    shells,
    texts,
)

_ECHO = f'printf \'%s\\0\' "$#" "$@"\n{LAST_LINE}'
_PLAIN = Rights(Root.NOT_WANTED, "op")
_FREE = Rights(Root.FREE, "op")
_PASSWORD = Rights(Root.PASSWORD, "op", "pass word'\"$(canary)")


def _run(shell: str, command: str, sent: bytes, folder: Path) -> subprocess.CompletedProcess[bytes]:
    name = [shell, "sh"] if shell.endswith("busybox") else [shell]
    return subprocess.run(
        [*name, "-c", command],
        input=sent,
        capture_output=True,
        env={"PATH": f"{folder}:{os.environ['PATH']}"},
        cwd=folder,
        timeout=60,
    )


@pytest.fixture(scope="module")
def nest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the PATH with a canary, and with a sudo that reads a password where the real one does."""
    folder = tmp_path_factory.mktemp("nest")
    Canary.put(folder, folder / "sang")
    sudo = folder / "sudo"
    sudo.write_text(
        "#!/bin/sh\n"
        "for word; do case $word in -S) IFS= read -r password; esac; done\n"
        'while :; do case $1 in -p) shift 2;; -*) shift;; *) break;; esac; done\nexec "$@"\n'
    )
    sudo.chmod(0o755)
    return folder


@pytest.mark.parametrize("shell", shells())
@hostile(0.5, words=st.lists(texts(), max_size=6), rights=st.sampled_from((_PLAIN, _FREE, _PASSWORD)))
def test_arguments_arrive_in_a_script_as_they_were_sent(
    nest: Path, shell: str, words: list[str], rights: Rights
) -> None:
    nonce = "0123456789abcdef"
    made = command(rights, nonce, tuple(words))
    sent = rights.first_input + f"{nonce}:{len(_ECHO)}\n{_ECHO}".encode()
    done = _run(shell, made, sent, nest)
    assert done.returncode == 0, done.stderr
    told = done.stdout.removeprefix(f"{nonce}\n".encode()).split(b"\0")[:-1]
    assert told == [str(len(words)).encode(), *(word.encode() for word in words)]
    assert not (nest / "sang").exists()


def test_the_canary_sings_where_a_value_is_code(nest: Path, tmp_path: Path) -> None:
    """What all of these tests rest on."""
    trace = tmp_path / "sang"
    Canary.put(tmp_path, trace)
    _run("/bin/sh", "echo " + "$(canary)", b"", tmp_path)
    assert trace.exists()


@hostile(0.5, text=texts(nul=True))
def test_what_no_command_can_take_is_refused_before_anything_is_sent(text: str) -> None:
    if "\0" in text:
        with pytest.raises(LoomtuiError):
            command(_PLAIN, "nonce", (text,))
    else:
        assert command(_PLAIN, "nonce", (text,))


@hostile(0.3, host=texts(), user=texts())
def test_a_host_in_a_proxy_command_is_one_word(nest: Path, host: str, user: str) -> None:
    target = Target("n1", host, 22, user, (), (), 5)
    made = _tokens("printf '%%s\\0' %h %r", target)
    done = _run("/bin/sh", made, b"", nest)
    assert done.stdout.split(b"\0")[:-1] == [host.encode(), user.encode()]
    assert not (nest / "sang").exists()


# ── the scripts, on nodes whose names and files are hostile ─────────────────────────────────────────────────


@dataclass(frozen=True)
class Farm:
    """A local node in a folder of its own, with a canary on its PATH and files around it that must stay."""

    node: LocalNode
    canary: Canary
    around: Path

    def look(self, script: str, *args: str | Path) -> subprocess.CompletedProcess[bytes]:
        """Only `watch` reads anything."""
        return subprocess.run(
            ["/bin/sh", "-c", self.node.text(InspectScript(script)), "loomtui", *map(str, args)],
            capture_output=True,
            input=b"1 all\n2 new\n3 all\n" if script == "watch" else b"",
            env=self.node.environment(),
            timeout=60,
        )


@contextmanager
def _farm(name: str = "n1") -> Iterator[Farm]:
    with tempfile.TemporaryDirectory(prefix="loomtui-hostile-") as folder:
        root = Path(folder)
        around = root / "around"
        around.mkdir()
        (around / "file").write_text("ours")
        node = LocalNode(root / name, tools=("gzip", "bzip2"))
        node.pass_over_processes()
        canary = Canary.put(node.bin, root / "sang")
        before = tree(around)
        try:
            yield Farm(node, canary, around)
        finally:
            node.end_jobs()
        assert not canary.sang
        assert tree(around) == before
        # (a name that led out of the node would lie beside it)
        assert {path.name for path in root.iterdir()} == {"around", name}


async def _restore(cluster: LocalCluster) -> Outcome | str:
    """The engine's own way through all steps and the real scripts; or why it must not."""
    fleet = cluster.fleet(quick=False)
    try:
        run = await cluster.run(fleet)
        if run.plan.refusals:
            return "\n".join(texts_of(run.plan.refusals))
        outcome = await cluster.runner(run, fleet).restore()
        if outcome is Outcome.RESTORED:
            assert await cluster.runner(run, fleet).rollback() is Outcome.ROLLED_BACK
    except LoomtuiError as error:
        harmless(error)
        return str(error)
    return outcome


def _hostile_cluster(
    folder: Path, name: str, old: Sequence[str], line: str, content: bytes, key: str
) -> LocalCluster:
    cluster = LocalCluster(folder / name, 1)
    machine = cluster.machines["n1"]
    for file in old:
        (machine.workdir / f"old_app_{file[:20]}.db").mkdir(exist_ok=True)
        (machine.workdir / file).write_text(file)
    (machine.workdir / "loom.yml").write_bytes(content)
    (machine.workdir / "chaindata/config/addrbook.json").write_bytes(content)
    machine.write_unit(f"{machine.unit.read_text()}Environment=X={line}\n")
    age(machine.workdir)
    unit = f"{unit_text(machine, '')}Environment=X={line}\n"
    cluster.catalogue.backups.clear()
    settings = LOOM_YML + f"X: {json.dumps(line)}\n"
    cluster.add_config_backup(1, files={"loom.service": unit, "loom.yml": settings})
    cluster.add_data_backup(RESTORED_HEIGHT, BACKUP_TIME, "evm.db", key=key)
    return cluster


def _check(cluster: LocalCluster, folder: Path) -> Outcome | str:
    canary = Canary.put(cluster.machines["n1"].bin, folder / "sang")
    before = cluster.live()
    outcome = asyncio.run(_restore(cluster))
    assert not canary.sang
    assert {path.name for path in folder.iterdir()} == {cluster.root.name}
    assert isinstance(outcome, str) or cluster.live() == before, "restored and rolled back"
    return outcome


@pytest.mark.slow
@hostile(
    0.01,
    name=st.just("farm") | file_names(controls=False),
    old=file_names(),
    line=texts(),
    content=byte_strings(),
    key=texts(),
)
def test_a_restore_takes_every_name_for_a_name(
    hasty: None, name: str, old: str, line: str, content: bytes, key: str
) -> None:
    assume(":" not in name and old not in ("loom.yml", "chaindata", "bin", "etc"))  # a PATH cannot hold it
    with tempfile.TemporaryDirectory(prefix="loomtui-hostile-") as folder:
        cluster = _hostile_cluster(Path(folder), name, (old,), " ".join(line.split()), content, key)
        _check(cluster, Path(folder))


@pytest.mark.slow
def test_a_restore_goes_through_in_spite_of_hostile_names(hasty: None, tmp_path: Path) -> None:
    """So that the test above does not pass because nothing is ever done."""
    line = " ".join("".join(CODE).split())
    names = tuple(map(_component, (*CODE, *OPTIONS, *CONTROLS, *MARKUP)))
    cluster = _hostile_cluster(tmp_path, "$(canary)", names, line, b"X: $(canary)\n", "$(canary)`canary`")
    assert _check(cluster, tmp_path) is Outcome.RESTORED


def _component(text: str) -> str:
    kept = text.replace("/", "").encode()[:100].decode("utf-8", "ignore")
    return kept if kept not in ("", ".", "..") else "x"


@pytest.mark.slow
@hostile(
    0.5,
    script=st.sampled_from([script.name for script in EVERY if isinstance(script, ChangeScript)]),
    words=st.lists(texts(), min_size=4, max_size=10),
    paths=st.sets(st.integers(0, 9)),
    sent=byte_strings(),
    shell=st.sampled_from(shells()),
)
def test_change_scripts_run_nothing_of_their_arguments(
    script: str, words: list[str], paths: set[int], sent: bytes, shell: str
) -> None:
    """Whatever the engine would hand over: names, folders, numbers. (The job of `fetch` is our own text.)"""
    with _farm() as farm:
        node = farm.node
        write_node(node, 1)
        node.take()
        inside = [_component(word) for word in words]
        given = [str(node.workdir / "x" / word) if at in paths else word for at, word in enumerate(inside)]
        text = node.text(ChangeScript(script))
        stdin = b"http://127.0.0.1:1/x\netag\n" if script == "fetch" else sent
        subprocess.run(
            [shell, "-c", text, "loomtui", str(node.workdir), RUN, *given],
            input=stdin,
            capture_output=True,
            env=node.environment(),
            cwd=node.workdir,
            start_new_session=True,
            timeout=60,
        )
        node.lock.write_text(f'{{"run": "{RUN}"}}')
        node.run("unlock")


@pytest.mark.slow
@hostile(
    0.15,
    text=texts(),
    content=byte_strings(),
    name=file_names(),
    cursor=texts(),
    where=st.sampled_from(
        ("loom.yml", "genesis.json", "chaindata/config/config.toml", "chaindata/config/node_key.json",
         "chaindata/config/priv_validator.json", "chaindata/config/addrbook.json", ".loomtui/lock")
    ),
)  # fmt: skip
def test_a_look_runs_nothing_of_what_it_finds(
    text: str, content: bytes, name: str, cursor: str, where: str
) -> None:
    with _farm() as farm:
        node = farm.node
        write_node(node, 1)
        (node.workdir / ".loomtui").mkdir()
        (node.workdir / where).write_bytes(content)
        for pattern in ("old_app_{}.db", "{}.db", "chaindata/data/{}.db"):
            (node.workdir / pattern.format(name[:40])).mkdir(exist_ok=True)
        unpacked = node.run_folder() / "raw/data" / f"{name[:40]}.db"
        unpacked.mkdir(parents=True)
        (unpacked / "CURRENT").write_bytes(content[:200])
        (unpacked / "MANIFEST-000001").write_bytes(content)
        (unpacked / name).write_bytes(content)
        line = " ".join(text.splitlines()).replace("\0", "")
        node.write_unit(node.unit.read_text() + f"Environment={line}\nDescription={line}\n")
        (node.root / "journal").write_text(text)
        calls: dict[str, tuple[str | Path, ...]] = {
            "status": ("loom.service", node.workdir, node.bin / "loom", node.unit, "46657", text),
            "watch": ("loom.service", node.workdir, node.bin / "loom", node.unit, "46657", text),
            "details": ("loom.service", node.workdir, "app.db", "old_app_*.db", "*", "chaindata/data/*"),
            "nodekey": ("loom.service", node.workdir, node.bin / "loom"),
            "run_state": (node.workdir, RUN, "loom.service", node.hold, node.workdir / where),
            "logs": ("loom.service", "once", "10", "-", cursor or "-"),
            "job": (node.workdir, RUN, text),
        }
        for script, args in calls.items():
            done = farm.look(script, *args)
            if script != "logs":
                _feigns_nothing(script, done.stdout, node)
        for part in ("digest", "listing", "heads", "manifests", "journals", text):
            farm.look("staged", node.workdir, RUN, "data", part, "65536")


def _feigns_nothing(script: str, stdout: bytes, node: LocalNode) -> None:
    """Whatever a file is called or holds, facts that matter say what the script itself found."""
    facts = read_facts(stdout)
    if script in ("status", "watch") and "dir" in facts:
        assert set(facts.all("dir")) == {str(node.workdir).encode()}
    if script == "watch":
        assert facts.all("answered") == (b"1", b"2", b"3")
    for database in facts.under("database"):
        assert (node.workdir / database).exists()


@pytest.mark.slow
@hostile(0.1, key=byte_strings(), program=texts())
def test_a_hostile_service_user_and_program_are_values(key: bytes, program: str) -> None:
    line = " ".join(program.splitlines()) or "x"
    with _farm() as farm:
        node = farm.node
        write_node(node, 1)
        (node.config / "node_key.json").write_bytes(key)
        for setting in ("User", "Group", "WorkingDirectory", "ExecStart"):
            node.write_unit(f"[Service]\nWorkingDirectory={node.workdir}\n{setting}={line}\n")
            farm.look("status", "loom.service", node.workdir, node.bin / "loom", node.unit, "46657", "")
            farm.look("watch", "loom.service", node.workdir, node.bin / "loom", node.unit, "46657", "")
            farm.look("details", "loom.service", node.workdir, "app.db")
            farm.look("nodekey", "loom.service", node.workdir, node.bin / "loom")


@pytest.mark.slow
@hostile(0.2, height=st.integers(0, 2**63), content=byte_strings(), good=st.booleans())
def test_the_signing_state_is_edited_as_text(height: int, content: bytes, good: bool) -> None:
    own = validator_key_of(1)
    with _farm() as farm:
        node = farm.node
        write_node(node, 1)
        node.take()
        path = node.config / "priv_validator.json"
        if not good:
            path.write_bytes(content)
        done = node.run("signing", "live", str(height), "stage/config/priv_validator.json")
        made = node.run_folder() / "stage/config/priv_validator.json"
        assert own.stored.encode() not in done.stdout + done.stderr
        assert (done.returncode == 0) == made.exists()
        assert not good or made.exists()


#: By script: the argument that is a program of our own, which is what the script is there to run.
_OWN_PROGRAM = {"rights": 1}


@hostile(
    0.3,
    script=st.sampled_from([script.name for script in EVERY if isinstance(script, InspectScript)]),
    words=st.lists(texts(), max_size=8),
    shell=st.sampled_from(shells()),
)
def test_looks_run_nothing_of_their_arguments(script: str, words: list[str], shell: str) -> None:
    program = _OWN_PROGRAM.get(script, len(words))
    if program < len(words):
        words = [*words[:program], ":", *words[program + 1 :]]
    with _farm() as farm:
        write_node(farm.node, 1)
        subprocess.run(
            [shell, "-c", farm.node.text(InspectScript(script)), "loomtui", *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=farm.node.environment(),
            cwd=farm.node.workdir,
            timeout=60,
        )
