"""Our own reading of ssh_config files against the `ssh` program's, on generated files.

With `--hypothesis-profile=deep`, which tests/conftest.py knows, 5,000 of them.
"""

from __future__ import annotations

import itertools
import logging
import os
import pwd
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings

from loomtui.errors import CallError
from loomtui.fleet.ssh.openssh.configuration import read_options
from loomtui.fleet.ssh.openssh.names import hops
from loomtui.fleet.ssh.openssh.options import Algorithms, Asked, SshOptions, chosen, from_program
from loomtui.fleet.ssh.openssh.program import SshProgram, ssh_program
from loomtui.fleet.ssh.openssh.reading import Files
from loomtui.fleet.ssh.openssh.sharing import for_host, is_plain_name, tells_hosts_apart
from tests.fleet.ssh_configs import VARIABLE, Case, cases

_LOG = logging.getLogger(__name__)  # --log-cli-level=INFO shows the outcomes
_CASES = 5_000 if settings.get_current_profile_name() == "deep" else 300
#: At least so much of what the program takes has to be taken by us, too.
_LEAST_TAKEN = 0.6
_HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)

#: No pattern and no value of the generated files names it.
_OTHER = "elsewhere-7"

pytestmark = pytest.mark.usefixtures("ssh_client")


@pytest.fixture
def program() -> SshProgram:
    found = ssh_program(os.environ["PATH"])
    assert found is not None
    return found


@cache
def _known(kind: str) -> tuple[str, ...]:
    """All algorithms that the program has of a kind."""
    return tuple(subprocess.check_output(["ssh", "-Q", kind], text=True, timeout=60).split())


def _written_out(own: Algorithms, usual: Algorithms) -> Algorithms:
    def out(wanted: str, default: str, kind: str) -> str:
        return ",".join(chosen(wanted, default.split(","), _known(kind)))

    return Algorithms(
        ciphers=out(own.ciphers, usual.ciphers, "cipher"),
        macs=out(own.macs, usual.macs, "mac"),
        kex=out(own.kex, usual.kex, "kex"),
        host_keys=out(own.host_keys, usual.host_keys, "HostKeyAlgorithms"),
        public_keys=out(own.public_keys, usual.public_keys, "PubkeyAcceptedAlgorithms"),
    )


def _is_for_all(config: Path, asked: Asked) -> bool:
    """Whether what the program says of this host is taken for all."""
    return is_plain_name(asked.host) and not tells_hosts_apart(Files(_HOME, config, None, is_named=True))


def _comparable(options: SshOptions) -> SshOptions:
    """The program puts several names of files on one line, and writes jump hosts in its own way."""
    jumps = ",".join(map(str, hops(options.proxy_jump))) if options.proxy_jump else ""
    return replace(
        options,
        user_known_hosts=(" ".join(options.user_known_hosts),),
        global_known_hosts=(" ".join(options.global_known_hosts),),
        proxy_jump=jumps,
    )


@pytest.mark.slow
@pytest.mark.timeout(_CASES)  # seconds; 300 take 10 where nothing else runs
def test_no_difference(program: SshProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/var/lib/folder")
    monkeypatch.setenv("LOGNAME", pwd.getpwuid(os.getuid()).pw_name)
    nothing = tmp_path / "nothing"
    nothing.touch()
    usual = from_program(program.ask(Asked("node"), nothing)).algorithms
    outcomes: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    numbers = itertools.count()

    @settings(max_examples=_CASES)
    @given(case=cases())
    def differ(case: Case) -> None:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        config = case.write(folder)
        try:
            theirs = from_program(program.ask(case.asked, config))
        except CallError:
            outcomes["refused by ssh"] += 1
            theirs = None
        if theirs is not None and _is_for_all(config, case.asked):
            outcomes["for all hosts"] += 1
            other = program.ask(replace(case.asked, host=_OTHER), config)
            assert for_host(theirs, case.asked.host, _OTHER) == from_program(other)
        try:
            ours = read_options(Files(_HOME, config, None, is_named=True), case.asked)
        except CallError as error:
            outcomes["refused by us alone"] += theirs is not None
            if theirs is not None:
                refusals[error.what.rpartition(": ")[2]] += 1
            return
        finally:
            shutil.rmtree(folder)
        assert theirs is not None, "taken, although ssh refuses it"
        outcomes["alike"] += 1
        ours = replace(ours, algorithms=_written_out(ours.algorithms, usual))
        assert _comparable(ours) == _comparable(theirs)

    differ()
    _LOG.info("%s; refused by us alone for %s", dict(outcomes), refusals.most_common(12))
    assert outcomes["alike"] >= _LEAST_TAKEN * (outcomes["alike"] + outcomes["refused by us alone"])
    assert outcomes["alike"] >= _CASES * 0.2
    assert outcomes["for all hosts"]
