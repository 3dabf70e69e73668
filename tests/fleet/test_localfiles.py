"""Pipes in the place of the operator's files: nothing waits for somebody to write into them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loomtui.errors import CallError
from loomtui.fleet.ssh.credentials import _read_key
from loomtui.fleet.ssh.hostkeys import KnownHosts, Verdict
from loomtui.fleet.ssh.localfiles import read_file
from loomtui.fleet.ssh.openssh.configuration import Configuration, Which, read_options
from loomtui.fleet.ssh.openssh.options import Asked
from loomtui.fleet.ssh.openssh.reading import Files
from loomtui.fleet.ssh.revocation import revoked_in
from loomtui.fleet.ssh.sshconfig import Target
from tests.fleet.place import write_key


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe", 0o600)
    return tmp_path / "pipe"


def test_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_file(file) == read_file(file, 5) == b"12345"
    assert read_file(Path("/dev/null")) == b""
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_file(file, 4)


def test_each_kind_of_file(pipe: Path, tmp_path: Path) -> None:
    write_key(tmp_path / "id")
    keys = _read_key(tmp_path / "id", None, Target("n1", "h", 22, "op", (), (), 5, certificate_files=(pipe,)))
    assert [key.public_blob for key in keys] == [None]
    with pytest.raises(OSError, match="it is no file"):
        revoked_in(pipe, [b"key"])
    with pytest.raises(CallError, match="it is no file"):
        read_options(Files(tmp_path, pipe, None, is_named=True), Asked("node"))
    assert KnownHosts((pipe,)).judge("node", 22, "ssh-ed25519", b"key") == (Verdict.UNKNOWN, "")


@pytest.mark.parametrize(
    ("name", "said"),
    [("absent", "does not exist"), ("file/in", "does not exist"), ("x" * 300, "cannot be read")],
)
def test_a_configuration_that_is_not_to_be_had(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CallError, match=said):
        Configuration(Which.NAMED, tmp_path / name).answer(Asked("node"))
