"""A command is followed to the `loom run` that it starts: through variables, wrappers and start scripts.

What is read is compared with what the shells themselves do.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.launch.sources import Absence, SourceFile, Sources
from loomtui.loom.units import EffectiveUnit, Origin, PeerFlag, read_unit

from .test_units import LIST, PATH, PEERS, PERSISTENT, service, values
from .vectors import A, B

SCRIPT = "/usr/local/bin/start-loom.sh"
ENV = "/etc/default/loom"


def sources(
    scripts: dict[str, str] | None = None, environment: dict[str, str] | None = None, **manager: str
) -> Sources:
    """As if everything that could be asked for had been read."""
    asked = frozenset({"PEERS", "LIST", "ID", "OPTS", "A", "B", "NET", "USER", "X", "NOTHING", *manager})
    files = {path: SourceFile(path, text) for path, text in (scripts or {}).items()}
    patterns = {path: (SourceFile(path, text),) for path, text in (environment or {}).items()}
    return Sources("loom.service", "host-1", asked, manager, patterns, files)


def started_by(script: str, command: str = SCRIPT, **more: str) -> EffectiveUnit:
    return read_unit(PATH, service(command, more.pop("settings", "")), sources({SCRIPT: script, **more}))


#: The body of a start script, and the arguments that it is called with. `loom` prints what it gets.
SCRIPTS = [
    (f"exec loom run --persistent-peers {LIST}", ""),
    (f"PEERS={LIST}\nexec loom run --persistent-peers $PEERS", ""),
    (f'PEERS="{LIST}"\nloom run --persistent-peers="$PEERS"', ""),
    (f"export PEERS='{LIST}'; cd /; exec loom run --persistent-peers ${{PEERS}} >/dev/null", ""),
    (f'OPTS="--persistent-peers {LIST} --peers x"\nexec loom run $OPTS', ""),
    (f'A={A}\nexec loom run --persistent-peers "tcp://$A@10.2.0.4:46656,tcp://${{B:-{B}}}@h:1"', ""),
    (f"exec loom run \\\n  --persistent-peers \\\n  '{LIST}'  # the peers", ""),
    ('exec loom "$@"', f"run --persistent-peers {LIST}"),
    ('exec loom run --persistent-peers "$1" --peers ${2:-none}', LIST),
    (f'set -- run --persistent-peers {LIST}\nexec loom "$@"', ""),
    (
        f'if [ -n "$NOTHING" ]; then\n  PEERS=wrong\nelse\n  PEERS={LIST}\nfi\nloom run --persistent-peers $PEERS',
        "",
    ),
    (f'[ -z "$PEERS" ] && PEERS={LIST}\nloom run --persistent-peers $PEERS', ""),
    (f"[ 1 = 2 ] || loom run --persistent-peers {LIST}", ""),
    (f"nice -n 5 env A=b nohup loom run --persistent-peers {LIST} 2>&1 | cat", ""),
    (f"cat <<EOF >/dev/null\nloom run --persistent-peers wrong\nEOF\nloom run --persistent-peers {LIST}", ""),
    (f'sh -c "exec loom run --persistent-peers {LIST}"', ""),
    (f"X={LIST} sh -c 'exec loom run --persistent-peers $X'", ""),
    (
        f"PEERS={LIST.split(',')[0]}\nPEERS=$PEERS,{LIST.split(',')[1]}\nloom run --persistent-peers $PEERS",
        "",
    ),
    (f"{{ loom run --persistent-peers {LIST}; }} 2>/dev/null", ""),
    (f"( cd / && loom run --persistent-peers {LIST} )", ""),
    (f"case start in\n stop) echo no ;;\n start|run)\n  loom run --persistent-peers {LIST} ;;\nesac", ""),
    (f"start() {{\n  loom run --persistent-peers {LIST}\n}}\nstart", ""),
    (f"unset PEERS\n: ${{PEERS:=x}}\nloom run --persistent-peers \\{LIST}", ""),
    ("loom run --persistent-peers \"\" --peers ''", ""),
    ("loom run --persistent-peers=a\\ b'c d'\"e$NOTHING f\"", ""),
    (f"trap 'echo bye' EXIT\nulimit -n 1024\numask 077\nloom run --persistent-peers {LIST} &\nwait $!", ""),
]
BASH_SCRIPTS = [
    (f'ARGS=(run --persistent-peers {LIST})\nexec loom "${{ARGS[@]}}"', ""),
    (f'ARGS=(run)\nARGS+=(--persistent-peers\n  "{LIST}")\nexec loom "${{ARGS[@]}}"', ""),
    (f"PEERS=tcp://{A}@h:1\nPEERS+=,tcp://{B}@h:2\nexec loom run --persistent-peers $PEERS", ""),
    (f"if [[ -n $BASH_VERSION && 1 == 1 ]]; then loom run --persistent-peers {LIST}; fi", ""),
    (f"function go {{ loom run --persistent-peers {LIST}; }}\ngo", ""),
    (f"declare -r PEERS={LIST}; exec loom run --persistent-peers $PEERS &> /dev/null", ""),
    (f"exec loom run --persistent-peers $'{LIST}'", ""),
    (f"set -euo pipefail 2>/dev/null || true\nloom run --persistent-peers {LIST} || exit 1", ""),
]


def by_the_shell(shell: str, script: str, arguments: str, tmp_path: Path) -> dict[PeerFlag, str]:
    """What `loom` gets when the shell runs the script."""
    (tmp_path / "loom").write_text(f'#!/bin/sh\nfor word; do printf "%s\\0" "$word"; done > {tmp_path}/got\n')
    (tmp_path / "loom").chmod(0o755)
    (tmp_path / "start.sh").write_text(script)
    command = [shell, str(tmp_path / "start.sh"), *arguments.split()]
    subprocess.run(command, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, timeout=20, check=False)
    got = (tmp_path / "got").read_text().split("\0")[:-1]
    return {
        PeerFlag(word.partition("=")[0]): _value(got, at) for at, word in enumerate(got) if _is_flag(word)
    }


def _is_flag(word: str) -> bool:
    return word.partition("=")[0] in list(PeerFlag)


def _value(words: list[str], at: int) -> str:
    return words[at].partition("=")[2] if "=" in words[at].partition("/")[0] else words[at + 1]


@pytest.mark.parametrize(("script", "arguments"), SCRIPTS)
def test_a_start_script_is_read_as_the_shell_runs_it(script: str, arguments: str, tmp_path: Path) -> None:
    unit = started_by(script, f"/bin/sh {SCRIPT} {arguments}")
    assert unit.peers_unknown == ""
    assert values(unit) == by_the_shell("sh", script, arguments, tmp_path)


@pytest.mark.parametrize(("script", "arguments"), BASH_SCRIPTS)
def test_what_only_bash_knows(script: str, arguments: str, tmp_path: Path) -> None:
    unit = started_by(script, f"/bin/bash {SCRIPT} {arguments}")
    assert unit.peers_unknown == ""
    assert values(unit) == by_the_shell("bash", script, arguments, tmp_path)
