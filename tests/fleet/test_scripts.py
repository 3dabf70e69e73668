from __future__ import annotations

import re
import subprocess
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.fleet.bootstrap import BOOTSTRAP, command
from loomtui.fleet.facts import read_facts
from loomtui.fleet.fleet import Fleet, WritableFleet
from loomtui.fleet.rights import Rights, Root
from loomtui.fleet.scripts import LAST_LINE, ChangeScript, InspectScript, piece_text, script_text
from loomtui.fleet.session import Session, WritableSession
from tests.fleet.shells import SHELLS, Shell

REMOTE = Path(str(resources.files("loomtui.fleet") / "remote"))
EVERY = [
    kind(path.stem)
    for kind in (InspectScript, ChangeScript)
    for path in sorted((REMOTE / kind.kind).glob("*.sh"))
    if path.stem != "common"
]


@pytest.mark.parametrize("script", EVERY, ids=lambda script: f"{script.kind}-{script.name}")
def test_every_script_is_posix_shell_and_explains_itself(script: InspectScript | ChangeScript) -> None:
    text = script_text(script)
    subprocess.run(["sh", "-n"], input=text.encode(), check=True)
    assert text.rstrip().endswith(LAST_LINE)
    body = (REMOTE / script.kind / f"{script.name}.sh").read_text()
    assert body.startswith("# ")


@pytest.mark.parametrize("script", EVERY, ids=lambda script: f"{script.kind}-{script.name}")
def test_the_pieces_of_a_script_do_not_take_each_others_names(script: InspectScript | ChangeScript) -> None:
    """A function or a constant of one would silently be that of another. Only the script may set it anew."""
    text = script_text(script).replace((REMOTE / script.kind / f"{script.name}.sh").read_text(), "")
    functions = re.findall(r"^(\w+)\(\) \{", text, re.MULTILINE)
    constants = re.findall(r"^([A-Z_]{2,})=[^$]", text, re.MULTILINE)
    twice = [name for name, count in Counter(functions + constants).items() if count > 1]
    assert twice == []


@pytest.mark.parametrize("name", ["", "../lib", "a/b", "a b", "A", "-x", "x" * 65])
@pytest.mark.parametrize("kind", [InspectScript, ChangeScript])
def test_a_script_has_a_plain_name(kind: type[InspectScript] | type[ChangeScript], name: str) -> None:
    with pytest.raises(ValueError, match="name of a remote script"):
        kind(name)


def test_a_script_that_does_not_exist() -> None:
    with pytest.raises(FileNotFoundError):
        script_text(InspectScript("no_such"))


def test_a_read_only_session_has_nothing_that_changes() -> None:
    assert not hasattr(Session, "change")
    assert not issubclass(ChangeScript, InspectScript)
    assert not issubclass(InspectScript, ChangeScript)
    assert issubclass(WritableSession, Session)


async def test_looking_refuses_a_change_script_and_the_other_way_round(
    fleet: Fleet, writable: WritableFleet
) -> None:
    """The types forbid it; whoever passes them over is refused by the session."""
    change: Any = ChangeScript("lock")
    look: Any = InspectScript("rights")
    for session in (fleet.session("n1"), writable.session("n1")):
        with pytest.raises(TypeError):
            await session.inspect(change)
        with pytest.raises(TypeError):
            await anext(session.follow(change))
    with pytest.raises(TypeError):
        await writable.session("n1").change(look)
    assert not fleet.ran
    assert not writable.ran


def test_a_script_that_arrives_cut_off_is_not_run(tmp_path: Path) -> None:
    text = f"touch {tmp_path}/ran\n{LAST_LINE}\n".encode()
    line = ["sh", "-c", BOOTSTRAP, "loomtui", "abc"]
    for sent in (text[:-1], text[:10], b""):
        data = f"a password\nabc:{len(text)}\n".encode() + sent
        done = subprocess.run(line, input=data[: -1 if sent == text[:-1] else None], capture_output=True)
        assert done.returncode == 97
        assert done.stdout == b""
    assert not (tmp_path / "ran").exists()
    subprocess.run(line, input=f"abc:{len(text)}\n".encode() + text, check=True)
    assert (tmp_path / "ran").exists()


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=5))
def test_a_command_means_the_same_to_any_login_shell(args: list[str]) -> None:
    """csh takes `!` and newlines for its own also within quotes, fish backslashes, zsh a bare `=`."""
    made = command(Rights(Root.FREE, "op"), "ab12", tuple(args))
    assert made.isascii()
    assert not set(made) & set("!\n\r\t\0")
    bare, quoted = "".join(made.split("'")[::2]), made.split("'")[1::2]
    assert re.fullmatch(r"sudo -n[ ]+", bare)
    assert not any(re.search(r"\\\\|\\$", part) for part in quoted)
    words = [re.sub(r"\\0(...)", lambda octal: chr(int(octal[1], 8)), word) for word in quoted[5:]]
    assert [word.encode("latin-1").decode() for word in words] == args


LIBRARY_TESTS = r"""
say plain a.b/c
say quoted 'a b'
say empty ''
printf 'x\000y' | emit binary
shown="$newline"'A=1'"$newline"'WorkingDirectory=!/srv/loom'"$newline"'A=2'
property A; say first "$value"
property B; say absent "$value"
working_directory /default; say missing_ok "$dir"
shown="${newline}WorkingDirectory=~${newline}User=root"
working_directory /default; say home "$dir"
shown="${newline}WorkingDirectory="
working_directory /default; say default "$dir"
shown="${newline}ExecStart={ path=/usr/bin/loom ; argv[]=/usr/bin/loom run ; ignore_errors=no }"
program /other; say program "$binary"
as_user "$(id -un)" sh -c 'exit 3'; say status $?
"""


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_library(shell: Shell) -> None:
    text = (REMOTE / "lib.sh").read_text() + LIBRARY_TESTS
    done = subprocess.run(shell, input=text.encode(), capture_output=True, check=True)
    assert dict(read_facts(done.stdout)) == {
        "plain": b"a.b/c",
        "quoted": b"a b",
        "empty": b"",
        "binary": b"x\0y",
        "first": b"1",
        "absent": b"",
        "missing_ok": b"/srv/loom",
        "home": b"/root",
        "default": b"/default",
        "program": b"/usr/bin/loom",
        "status": b"3",
    }


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_what_a_script_says_is_read(shell: Shell) -> None:
    """Every byte that an argument can hold; only printable ASCII goes out as it is."""
    values = [bytes([byte]) for byte in range(1, 256)]
    values += [b"", b" a  b ", b"=", b"a\nb =c", b"-n", b"%s\\n", b"x" * 5_000, bytes(range(1, 256))]
    text = piece_text("lib") + '\nfor value; do say value "$value"; say_text text "$value"; done\n'
    printed = subprocess.run([*shell, "-c", text, "loomtui", *values], capture_output=True, check=True).stdout
    assert read_facts(printed).all("value") == tuple(values)
    assert read_facts(printed).all("text") == tuple(value + b"\n" for value in values)
    assert all(0x20 <= byte < 0x7F or byte == 0x0A for byte in printed)
