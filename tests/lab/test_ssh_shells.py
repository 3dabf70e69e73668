"""What an account's shell and its files do to a session: noise, banners, shells of another kind."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from loomtui.errors import ScriptFailed
from loomtui.fleet.facts import read_facts
from loomtui.fleet.fleet import Fleet, Refuse, WritableFleet
from loomtui.fleet.probes.node_status import Active, NodeDetails
from loomtui.fleet.probes.probe import details, look
from loomtui.fleet.scripts import InspectScript
from tests.lab.client import Lab
from tests.lab.grip import gripped
from tests.lab.tree import PLAIN_USER, SUDO_USER
from tests.lab.watching import unit
from tests.lab.wild import changed, file, of, sshd

RIGHTS = InspectScript("rights")
_HOSTILE = "\\033]0;owned\\007\\033[2J\\377\\376 user =mallory\\nuid =0\\n"

#: A login shell that takes a command only where csh, fish, zsh and sh read the same words out of it.
_PICKY_SHELL = r"""#!/usr/bin/python3
import os, re, shlex, sys

command = sys.argv[sys.argv.index("-c") + 1]
quoted, bare = command.split("'")[1::2], "".join(command.split("'")[::2])
if "!" in command or chr(10) in command:
    sys.exit("picky: csh takes that for history, or for the end of a line")
if any(re.search(r"\\\\|\\$", part) for part in quoted):
    sys.exit("picky: fish takes that backslash for a quote")
if re.search(r"[^A-Za-z0-9 _./-]", bare.replace("LC_ALL=C", "")):
    sys.exit("picky: one of these signs means something else in zsh")
words = shlex.split(command)
os.execvp(words[0], words)
"""

#: Writes a catalogue of GNU gettext's binary format, with the texts in their own encoding.
_CATALOGUE = r"""
import json, struct, sys
texts = {"": "Content-Type: text/plain; charset=UTF-8\n", **json.loads(sys.argv[1])}
keys = sorted(texts)
tables, blob = [b"", b""], b""
for number, side in enumerate((keys, [texts[key] for key in keys])):
    for raw in map(str.encode, side):
        tables[number] += struct.pack("<II", len(raw), 28 + 16 * len(keys) + len(blob))
        blob += raw + bytes(1)
head = struct.pack("<IIIIIII", 0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, 0)
for path in sys.argv[2:]:
    open(path, "wb").write(head + tables[0] + tables[1] + blob)
"""


@contextmanager
def login_shell(lab: Lab, node: str, user: str, shell: str) -> Iterator[None]:
    with changed(lab, node, f"usermod -s {shell} {user}", f"usermod -s /bin/bash {user}"):
        yield


async def whole(lab: Lab, user: str = SUDO_USER) -> None:
    """A look at everything, a change and what it gives back, at val-1."""
    async with WritableFleet(of(lab, "val-1", user=user), Refuse()) as fleet:
        status = (await look(fleet)).node("val-1")
        assert status.error is None
        assert status.service is not None
        assert status.service.active is Active.ACTIVE
        assert isinstance(await details(fleet.session("val-1")), NodeDetails)
        async with gripped(fleet, "val-1") as grip:
            await grip.hold()
            await grip.stop()
            assert unit(lab, "val-1")["ActiveState"] == "inactive"


async def test_shell_that_talks(shared: Lab) -> None:
    noise = f"printf '{_HOSTILE}'; printf '{_HOSTILE}no line end' >&2; echo -n 'no line end'\n"
    with file(shared, "val-1", f"/home/{SUDO_USER}/.bashrc", noise):
        await whole(shared)
        async with Fleet(of(shared, "val-1"), Refuse()) as fleet:
            output = await fleet.session("val-1").inspect(RIGHTS)
    assert b"mallory" not in output.stdout + output.stderr
    assert b"owned" not in output.stdout + output.stderr
    assert read_facts(output.stdout).line("uid") == "0"


async def test_banner_of_hostile_bytes(shared: Lab) -> None:
    with (
        changed(shared, "val-1", f"printf '{_HOSTILE}' > /etc/banner", "rm /etc/banner"),
        sshd(shared, "val-1", "Banner /etc/banner\nVersionAddendum x user=mallory\n"),
    ):
        await whole(shared)


async def test_shell_that_is_not_posix(shared: Lab) -> None:
    with (
        file(shared, "val-1", "/usr/local/bin/picky", _PICKY_SHELL, "755"),
        login_shell(shared, "val-1", SUDO_USER, "/usr/local/bin/picky"),
    ):
        await whole(shared)
        refused = shared.run("val-1", f"su {SUDO_USER} -c 'x=1; echo hi!'", check=False)
    assert refused.stderr.startswith("picky: ")


async def test_account_that_may_not_log_in(shared: Lab) -> None:
    with login_shell(shared, "val-1", PLAIN_USER, "/usr/sbin/nologin"):
        async with Fleet(of(shared, "val-1", user=PLAIN_USER), Refuse()) as fleet:
            with pytest.raises(ScriptFailed, match="This account is currently not available") as caught:
                await fleet.session("val-1").inspect(RIGHTS)
    assert "login shell" in caught.value.advice


async def test_command_that_the_server_forces(shared: Lab) -> None:
    with sshd(shared, "val-1", "ForceCommand echo come back tomorrow\n"):
        async with Fleet(of(shared, "val-1"), Refuse()) as fleet:
            with pytest.raises(ScriptFailed, match="come back tomorrow") as caught:
                await fleet.session("val-1").inspect(RIGHTS)
    assert "ForceCommand" in caught.value.advice


async def test_nothing_may_be_executed_where_files_are_written(shared: Lab) -> None:
    with ExitStack() as mounts:
        # A loom that has just been started would lose the folder that it is in with the mount.
        mounts.enter_context(changed(shared, "val-1", "systemctl stop loom", "systemctl start loom"))
        for folder in ("/tmp", "/home"):
            there = f"mount --bind {folder} {folder} && mount -o remount,bind,noexec {folder}"
            mounts.enter_context(changed(shared, "val-1", there, f"umount -l {folder}"))
        mounts.enter_context(changed(shared, "val-1", "systemctl start loom", "systemctl stop loom"))
        shared.run("val-1", "cp /bin/true /home/t && ! /home/t; rm /home/t")
        await whole(shared)


async def test_words_of_another_language(shared: Lab) -> None:
    """LANG of the account, and a variable that the client may send: nothing is read by its language."""
    environment = "LANG=C.UTF-8\nLANGUAGE=xx\n"
    translated = {"a password is required": "ein Passwort ist notwendig"}
    with ExitStack() as stack:
        stack.enter_context(file(shared, "val-1", "/etc/environment", environment))
        stack.enter_context(translation(shared, "val-1", ("sudo", "sudoers"), translated))
        said = shared.run(
            "val-1", f"su - {PLAIN_USER} -c 'LANG=C.UTF-8 LANGUAGE=xx sudo -n true'", check=False
        )
        assert "ein Passwort ist notwendig" in said.stderr
        await whole(shared)
        async with Fleet(of(shared, "val-1", user=PLAIN_USER), Refuse()) as fleet:
            assert "a password is required" in (await fleet.session("val-1").rights()).why


@contextmanager
def translation(lab: Lab, node: str, domains: tuple[str, ...], messages: dict[str, str]) -> Iterator[None]:
    """Catalogues of the language xx."""
    folder = "/usr/share/locale/xx/LC_MESSAGES"
    files = [f"{folder}/{domain}.mo" for domain in domains]
    words = shlex.join(["python3", "-c", _CATALOGUE, json.dumps(messages), *files])
    with changed(lab, node, f"mkdir -p {folder} && {words}", "rm -r /usr/share/locale/xx"):
        yield
