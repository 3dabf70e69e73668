"""A command is followed to the `loom run` that it starts: through variables, wrappers and start scripts.

What is read is compared with what the shells themselves do.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loomtui.loom.launch.environment import read_environment_file
from loomtui.loom.launch.letters import plain
from loomtui.loom.launch.outputs import Sink
from loomtui.loom.launch.sources import Absence, SourceFile, Sources, Wanted
from loomtui.loom.unit_change import change_of
from loomtui.loom.units import EffectiveUnit, Origin, PeerFlag, read_unit

from .test_units import LIST, PATH, PEERS, PERSISTENT, service, values
from .vectors import A, B

SCRIPT = "/usr/local/bin/start-loom.sh"
ENV = "/etc/default/loom"
DIRECT = f"loom run --persistent-peers {LIST}"


def sources(
    scripts: dict[str, str] | None = None, environment: dict[str, str] | None = None, **manager: str
) -> Sources:
    """As if everything that could be asked for had been read."""
    asked = frozenset({"PEERS", "LIST", "ID", "OPTS", "A", "B", "NET", "USER", "X", "NOTHING", *manager})
    files = {path: SourceFile(path, text) for path, text in (scripts or {}).items()}
    patterns = {path: (SourceFile(path, text),) for path, text in (environment or {}).items()}
    return Sources("loom.service", "host-1", "", asked, manager, patterns, files)


def started_by(script: str, command: str = SCRIPT, **more: str) -> EffectiveUnit:
    return read_unit(PATH, service(command, more.pop("settings", "")), sources({SCRIPT: script, **more}))


#: The body of a start script, and its arguments.
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
        f'if [ -n "$NOTHING" ]; then\n  PEERS=x\nelse\n  PEERS={LIST}\nfi\nloom run --peers $PEERS',
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
    (f"if false; then :; else ( PEERS=x ); fi\n{DIRECT}", ""),
    (f"[ -d /no/such ] || loom init\nloom version >/dev/null; exec {DIRECT}", ""),
    (f'cd "$(dirname "$0")" && exec loom run --persistent-peers {LIST}', ""),
    ('stop() {\n  kill "$1"\n}\nexec loom "$@"', f"run --persistent-peers {LIST}"),
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
    (f'A=(tcp://{A}@h:1 tcp://{B}@h:2)\nIFS=,\nexec loom run --persistent-peers "${{A[*]}}"', ""),
    (f'A=({A}@h:1)\nexec loom run --persistent-peers "${{A[*]}}" --peers "${{A[@]}}"', ""),
    (f"PEERS={LIST}\n( PEERS=x; IFS=: )\nexec loom run --persistent-peers $PEERS", ""),
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


NEW = f"tcp://{A}@10.9.0.6:26656"


@pytest.mark.parametrize(
    "command",
    [
        f"/bin/bash -c 'exec {DIRECT}'",
        f'/bin/sh -lc "cd /x && {DIRECT} >> /var/log/x 2>&1"',
        f"/usr/bin/env A=b -u X {DIRECT}",
        f"/usr/bin/env PEERS={LIST} sh -c 'loom run --persistent-peers $PEERS'",
        f"/usr/bin/sudo -u ubuntu -E -- /usr/bin/{DIRECT}",
        f"/usr/bin/nice -n 5 ionice -c2 -n 4 numactl --interleave=all /home/ubuntu/{DIRECT}",
        f"/bin/su - ubuntu -c '{DIRECT}'",
        f"/bin/su ubuntu -s /bin/sh --command='{DIRECT}'",
        f"/sbin/runuser -u ubuntu -- {DIRECT}",
        f"/sbin/runuser -l ubuntu -c '{DIRECT}'",
        f"/usr/bin/taskset -c 0,1 timeout -k 5 1d stdbuf -oL {DIRECT}",
        f"/usr/bin/docker run --rm -p 46658:46658 loomnetwork/loom run --persistent-peers {LIST}",
        f"/bin/sh -c 'exec ~/{DIRECT}'",
        f"/opt/dappchain/run-it run --persistent-peers={LIST}",
    ],
)
def test_wrappers_and_shells_are_seen_through(command: str) -> None:
    unit = read_unit(PATH, service(command.replace("$", "$$")), sources())
    assert (values(unit), unit.peers_unknown) == ({PERSISTENT: LIST}, "")
    (value,) = unit.peer_values
    assert (value.file, value.line, value.origin) == (PATH, 2, Origin.UNIT)
    changed = change_of(unit, PATH, {PERSISTENT: NEW})
    assert changed == unit.files[0].text.replace(LIST, NEW)


@pytest.mark.parametrize(
    ("setting", "environment", "command", "expected"),
    [
        ("EnvironmentFile=/etc/default/loom\n", f"PEERS={LIST}", "loom run --persistent-peers $PEERS", LIST),
        (
            "EnvironmentFile=-/etc/default/loom\n",
            f'PEERS="{LIST}"',
            "loom run --persistent-peers ${PEERS}",
            LIST,
        ),
        (
            "EnvironmentFile=/etc/default/loom\nEnvironment=PEERS=wrong\n",
            f"PEERS={LIST}",
            "loom run --persistent-peers=${PEERS}",
            LIST,
        ),
        (
            "EnvironmentFile=/etc/default/loom\n",
            f'OPTS="--persistent-peers {LIST} --x y"',
            "loom run $OPTS",
            LIST,
        ),
        (
            "EnvironmentFile=/etc/default/loom\n",
            f"ID={A}",
            "loom run --persistent-peers ${ID}@h:1",
            f"{A}@h:1",
        ),
        ("EnvironmentFile=/etc/default/%p\n", f"PEERS={LIST}", "loom run --persistent-peers $PEERS", LIST),
        (f"Environment=PEERS={LIST}\n", "", "loom run --persistent-peers $PEERS", LIST),
        ("Environment=ID=%i-%H\n", "", "loom run --persistent-peers ${ID}", "-host-1"),
        (
            "EnvironmentFile=/etc/default/loom\n",
            f"PEERS={LIST}",
            "/bin/sh -c 'loom run --persistent-peers $$PEERS'",
            LIST,
        ),
        (
            f"Environment=PEERS=x\nEnvironment=\nEnvironment=PEERS={LIST}\n",
            "",
            "loom run --persistent-peers $PEERS",
            LIST,
        ),
    ],
)
def test_variables_of_systemd(setting: str, environment: str, command: str, expected: str) -> None:
    unit = read_unit(PATH, service(command, setting), sources({}, {ENV: environment}))
    assert (values(unit), unit.peers_unknown) == ({PERSISTENT: expected}, "")


def test_variables_of_the_manager_and_those_that_are_nowhere() -> None:
    unit = read_unit(PATH, service("loom run --persistent-peers $PEERS"), sources(PEERS=LIST))
    assert values(unit) == {PERSISTENT: LIST}
    unit = read_unit(PATH, service("loom run $OPTS --persistent-peers ${PEERS}"), sources())
    assert (values(unit), unit.peers_unknown) == ({PERSISTENT: ""}, "")
    removed = service("loom run --persistent-peers ${PEERS}", "UnsetEnvironment=PEERS\n")
    assert values(read_unit(PATH, removed, sources(PEERS=LIST))) == {PERSISTENT: ""}


def test_a_template_unit_and_its_specifiers() -> None:
    text = service(
        "loom run --persistent-peers ${%i_LIST}", "WorkingDirectory=/srv/%i\nEnvironmentFile=/etc/%N\n"
    )
    known = Sources(
        "loom@n1.service",
        "host-1",
        "",
        frozenset({"n1_LIST"}),
        patterns={"/etc/loom@n1": (SourceFile("/etc/loom@n1", f"n1_LIST={LIST}"),)},
    )
    unit = read_unit("/etc/systemd/system/loom@.service", text, known)
    assert (unit.working_directory, values(unit)) == ("/srv/n1", {PERSISTENT: LIST})


def test_later_environment_files_win_and_a_glob_names_several() -> None:
    files = {"/a": f"PEERS={LIST}\nA=1", "/b/*": "PEERS=wrong"}
    known = sources({}, files)
    settings = "EnvironmentFile=/b/*\nEnvironmentFile=-/a\n"
    assert values(read_unit(PATH, service("loom run --peers $PEERS", settings), known)) == {PEERS: LIST}


ENVIRONMENT_FILES = [
    ("A=b", "b"),
    ("  A = b c  \n", "b c"),
    ("A=b\nA=c\n", "c"),
    ("# A=x\n; A=y\nA=b", "b"),
    ("A='b c'", "b c"),
    ('A="b\\"c\\x\\$d"', 'b"c\\x$d'),
    ("A=b\\\nc\n", "bc"),
    ('A="b\nc"\n', "b\nc"),
    ("A=\"b\" 'c'd", "bcd"),
    ("A=b'c'", "b'c'"),
    ("A=\\$b \\ c", "$b  c"),
    ("A=\r\nB=c\r\n", ""),
    ("export A=b", None),
    ("A", None),
    ("1A=b", None),
]


@pytest.mark.parametrize(("text", "value"), ENVIRONMENT_FILES)
def test_environment_files_are_read_as_systemd_reads_them(text: str, value: str | None) -> None:
    """The lab test of units in the wild gives the same files to a real systemd."""
    found = read_environment_file(SourceFile(ENV, text)).get("A")
    assert (None if found is None else plain(found)) == value


UNKNOWN = [
    ("loom run --persistent-peers $(cat /etc/peers)", "/etc/peers, which could not be read"),
    ("loom run --persistent-peers `hostname`", "what a command in it prints"),
    ("for one in a b; do PEERS=$PEERS,$one; done\nloom run --peers $PEERS", "which may set PEERS"),
    (
        'if [ "$(hostname)" = a ]; then PEERS=x; else PEERS=y; fi\nloom run --peers $PEERS',
        "which may set PEERS",
    ),
    ("if grep -q x /y; then loom run --peers a; else loom run --peers b; fi", "starts Loom in several ways"),
    ("grep -q x /y && PEERS=x\nloom run --peers $PEERS", "which may set PEERS"),
    ("grep -q x /y || PEERS=x\nloom run --peers $PEERS", "which may set PEERS"),
    ('eval "$OPTS"\nloom run --peers $PEERS', "what `eval` runs"),
    (". /etc/secret.env\nloom run --peers $PEERS", "/etc/secret.env, which could not be read"),
    ("loom run ${OPTS//a/b}", "an expansion that is not read"),
    (". ~/loom.env\nloom run --peers $PEERS", "whose name is not known"),
    (f"IFS=,\nPEERS={LIST}\nloom run --peers $PEERS", "a value that IFS splits"),
    ("printf -v PEERS %s x\nloom run --peers $PEERS", "what `printf` makes"),
    ("~/bin/$(hostname) run", "is decided by a home folder"),
    ("echo nothing", "no `loom run` was found"),
    ("read PEERS\nloom run --peers $PEERS", "what `read` reads"),
    ("A=aaaaaaaaaa\n" + "A=$A$A\n" * 60 + "loom run --peers $A", "grows without end"),
    (f"exec {SCRIPT}", "scripts that call each other"),
]


@pytest.mark.parametrize(("script", "why"), UNKNOWN)
def test_what_only_running_it_would_tell_is_not_known(script: str, why: str) -> None:
    unit = started_by(script)
    assert why in unit.peers_unknown
    assert unit.peer_values == ()


@pytest.mark.parametrize(
    ("absence", "why"),
    [
        (Absence.CLOSED, "cannot be read without more rights"),
        (Absence.MISSING, "is not there"),
        (Absence.BINARY, "is a program and no script"),
        (None, "was not read"),
    ],
)
def test_a_script_that_cannot_be_read_is_said_to_be_so(absence: Absence | None, why: str) -> None:
    files = {SCRIPT: SourceFile(SCRIPT, absence=absence)} if absence else {}
    unit = read_unit(PATH, service(SCRIPT), Sources(scripts=files))
    assert f"{SCRIPT}, which {why}" in unit.peers_unknown
    assert bool(unit.wanted) == (absence is None)


def test_a_file_that_a_script_reads() -> None:
    script = f"if [ -r {ENV} ]; then\n  . {ENV}\nfi\nexec loom run --persistent-peers $PEERS"
    known = sources({SCRIPT: script, ENV: f"# x\nPEERS={LIST}\n"})
    (value,) = read_unit(PATH, service(SCRIPT), known).peer_values
    assert (value.value, value.file, value.line, value.origin) == (LIST, ENV, 2, Origin.SCRIPT)
    gone = Sources(
        names=known.names, scripts={**known.scripts, ENV: SourceFile(ENV, absence=Absence.MISSING)}
    )
    assert values(read_unit(PATH, service(SCRIPT), gone)) == {}


def test_what_has_to_be_read_is_asked_for_step_by_step() -> None:
    settings = "EnvironmentFile=/etc/default/loom\n"
    unit = read_unit(PATH, service(f"{SCRIPT} $OPTS", settings))
    assert unit.wanted == Wanted(frozenset({ENV}), frozenset({"OPTS"}), frozenset({SCRIPT}))
    assert not read_unit(PATH, service(DIRECT)).wanted


def test_an_environment_file_that_has_to_be_there() -> None:
    gone = {ENV: (SourceFile(ENV, absence=Absence.MISSING),)}
    for dash, missing in (("", (ENV,)), ("-", ())):
        unit = read_unit(PATH, service(DIRECT, f"EnvironmentFile={dash}{ENV}\n"), Sources(patterns=gone))
        assert unit.missing_files == missing


def test_a_list_that_stands_in_environment_is_changed_there() -> None:
    unit = read_unit(
        PATH, service("loom run --persistent-peers $PEERS", f'Environment="PEERS={LIST}" A=b\n'), sources()
    )
    assert change_of(unit, PATH, {PERSISTENT: NEW}) == unit.files[0].text.replace(LIST, NEW)


@pytest.mark.parametrize(
    ("script", "environment", "place", "old", "new"),
    [
        (
            "exec loom run --peers $PEERS",
            f'A=b\nPEERS="{LIST}"',
            f"{ENV}:2",
            f'PEERS="{LIST}"',
            f'PEERS="{NEW}"',
        ),
        (
            f"exec loom run --peers '{LIST}' -v",
            "",
            f"{SCRIPT}:1",
            f"--peers '{LIST}' -v",
            f"--peers '{NEW}' -v",
        ),
    ],
)
def test_what_is_to_be_changed_by_hand_is_told_with_both_lines(
    script: str, environment: str, place: str, old: str, new: str
) -> None:
    settings = f"EnvironmentFile={ENV}\n"
    unit = read_unit(PATH, service(SCRIPT, settings), sources({SCRIPT: script}, {ENV: environment}))
    with pytest.raises(ValueError, match="does not change that file") as told:
        change_of(unit, PATH, {PEERS: NEW})
    assert f"--peers stands at {place}" in str(told.value)
    assert old in str(told.value)
    assert new in str(told.value)


def test_a_flag_that_the_script_lacks_is_told_with_its_place() -> None:
    unit = started_by("#!/bin/sh\nexec loom run\n")
    with pytest.raises(ValueError, match=f"{SCRIPT}:2 starts Loom, .* Add there: --persistent-peers {NEW}"):
        change_of(unit, PATH, {PERSISTENT: NEW})


def test_files_beside_a_script_and_relative_to_its_folder() -> None:
    script = (
        'HERE=$(cd "$(dirname "$0")" && pwd)\n. $HERE/env.sh\ncd /var/log; exec loom run --peers $A >>x 2>&1'
    )
    known = sources({SCRIPT: script, "/usr/local/bin/env.sh": "A=b"})
    unit = read_unit(PATH, service(SCRIPT), known)
    assert values(unit) == {PEERS: "b"}
    assert (unit.outputs.error.path, unit.outputs.error.said_in) == ("/var/log/x", SCRIPT)
    lost = read_unit(PATH, service(SCRIPT), sources({SCRIPT: "cd $(mktemp); exec loom run >> x"}))
    assert lost.outputs.standard.words == "x in a folder that is not known"


def test_a_descriptor_that_a_script_keeps_is_no_file() -> None:
    unit = started_by(f"exec 3>&1\nexec {DIRECT} >&3 2>&3")
    assert {output.sink for output in unit.outputs.each} == {Sink.ELSEWHERE}
    assert unit.outputs.error.words == "descriptor 3, which the script has opened"


shell_text = st.text("loomrun-pes'\"\\$(){}[]<>|&;#=`!: \n\t\x00/.0if")


@given(st.one_of(st.text(), shell_text, shell_text.map(lambda text: f"exec loom run --peers {text}")))
def test_no_script_raises(text: str) -> None:
    started_by(text)
    read_environment_file(SourceFile(ENV, text))
    read_unit(PATH, service("/bin/sh -c '" + text.replace("'", "") + "'"), sources())


names = st.sampled_from(["A", "B", "X"])
words = st.sampled_from(["x", "'y z'", '""', "$A", '"$B"', "${X:-d}", '"${A}e"', "\\$f", "$A$B"])
assigned = st.builds("{}={}".format, names, words)
conditions = st.one_of(
    st.sampled_from(["true", "false"]),
    st.builds('[ {} "${}" ]'.format, st.sampled_from(["-n", "-z"]), names),
    st.builds('[ "${}" {} {} ]'.format, names, st.sampled_from(["=", "!="]), st.sampled_from(["x", "''"])),
)


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("if {}; then {}; else {}; fi".format, conditions, inner, inner),
        st.builds("if {}\nthen\n{}\nelif {}; then {}; fi".format, conditions, inner, conditions, inner),
        st.builds("{} {} {}".format, conditions, st.sampled_from(["&&", "||"]), inner),
        st.builds("( {} )".format, inner),
        st.builds("{{ {}; {}; }}".format, inner, inner),
        st.builds("for one in a b; do {}; done".format, inner),
        st.builds("f() {{ {}; }}; f".format, inner),
        st.builds("case $A in x) {} ;; *) {} ;; esac".format, inner, inner),
    )


statements = st.recursive(st.one_of(assigned, st.builds("unset {}".format, names)), compound, max_leaves=4)


@settings(max_examples=40)
@given(st.lists(statements, max_size=5))
def test_property_what_is_known_is_what_the_shell_does(body: list[str]) -> None:
    script = "\n".join([*body, 'exec loom run --persistent-peers "$A" "--peers=${B-unset}$X"'])
    unit = started_by(script, f"/bin/sh {SCRIPT}")
    with tempfile.TemporaryDirectory() as folder:
        real = by_the_shell("sh", script, "", Path(folder))
    for flag, value in values(unit).items():
        assert value == real[flag], script
    assert unit.peers_unknown or values(unit) == real
