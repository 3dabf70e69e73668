"""The stand-in's command line against what the real program was seen to do."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loomtui.loom.nodekey import read_node_key

_VECTOR = "K5977KjwXfpmzWzmJ44CyghkN2NBN6bBwsdONftj/VDwhpL/xW0qNwWOlPsjeoO+lfGG+pBKezojQDnQzrC45Q=="
_VECTOR_ID = "6a0f7102ec672b40faba8adc68ada80bb00523c6"
_KEY = json.dumps({"priv_key": {"type": "tendermint/PrivKeyEd25519", "value": _VECTOR}})


def loom(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loomtui.drill.node", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def put_key(folder: Path, text: str) -> Path:
    path = folder / "chaindata/config/node_key.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", [_KEY, json.dumps({**json.loads(_KEY), "more": 1}, indent=2)])
def test_nodekey_prints_the_id(tmp_path: Path, text: str) -> None:
    path = put_key(tmp_path, text)
    done = loom(tmp_path, "nodekey", "ignored")
    assert (done.returncode, done.stdout, done.stderr) == (0, _VECTOR_ID + "\n", "")
    assert path.read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "garbage",
        "[]",
        '{"priv_key":{"type":"tendermint/PrivKeyEd25519","value":"AAAA"}}',
        json.dumps({"priv_key": {"type": "tendermint/PrivKeySecp256k1", "value": _VECTOR}}),
    ],
)
def test_nodekey_says_an_error_and_exits_with_0(tmp_path: Path, text: str) -> None:
    path = put_key(tmp_path, text)
    done = loom(tmp_path, "nodekey")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Error in determining Node Key", "")
    assert path.read_text() == text


def test_nodekey_of_a_key_that_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "chaindata/config/node_key.json").mkdir(parents=True)
    assert loom(tmp_path, "nodekey").stdout == "Error in determining Node Key"


@pytest.mark.parametrize("text", ["{}", '{"priv_key":null}'])
def test_nodekey_panics_without_a_key_in_the_document(tmp_path: Path, text: str) -> None:
    put_key(tmp_path, text)
    done = loom(tmp_path, "nodekey")
    assert (done.returncode, done.stdout) == (2, "")
    assert "panic: runtime error: invalid memory address or nil pointer dereference" in done.stderr


def test_nodekey_invents_an_identity_in_the_wrong_folder(tmp_path: Path) -> None:
    done = loom(tmp_path, "nodekey")
    path = tmp_path / "chaindata/config/node_key.json"
    assert done.returncode == 0
    assert done.stdout == f"{read_node_key(path.read_text()).node_id}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    modes = [
        (tmp_path / name).stat().st_mode & 0o777
        for name in ("chaindata", "chaindata/config", "chaindata/data")
    ]
    assert modes == [0o700] * 3
    assert (tmp_path / "chaindata/config/config.toml").exists()
    assert loom(tmp_path, "nodekey").stdout == done.stdout


def test_a_made_key_is_a_genuine_pair(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    loom(tmp_path, "nodekey")
    document = json.loads((tmp_path / "chaindata/config/node_key.json").read_text())
    raw = base64.b64decode(document["priv_key"]["value"])
    assert Ed25519PrivateKey.from_private_bytes(raw[:32]).public_key().public_bytes_raw() == raw[32:]


def test_an_unknown_flag_is_told_twice(tmp_path: Path) -> None:
    done = loom(tmp_path, "nodekey", "--home", "/x")
    assert (done.returncode, done.stdout) == (1, "unknown flag: --home\n")
    assert done.stderr.startswith("Error: unknown flag: --home\nUsage:")


def test_init_makes_a_node_once(tmp_path: Path) -> None:
    done = loom(tmp_path, "init")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in (tmp_path / "chaindata/config").iterdir()) == [
        "config.toml",
        "genesis.json",
        "node_key.json",
        "priv_validator.json",
    ]
    again = loom(tmp_path, "init")
    assert (again.returncode, again.stdout) == (1, "genesis file already exists\n")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("chaindata/config/node_key.json", "failed to locate local node p2p key file"),
        ("chaindata/config/priv_validator.json", "priv_validator.json: no such file or directory"),
        ("chaindata/config/genesis.json", "genesis.json: no such file or directory"),
        ("genesis.json", "genesis.json: no such file or directory"),
    ],
)
def test_run_without_one_of_its_files(tmp_path: Path, broken: str, message: str) -> None:
    loom(tmp_path, "init")
    (tmp_path / broken).unlink()
    done = loom(tmp_path, "run")
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stdout.strip() in done.stderr
    assert not (tmp_path / broken).exists()


def test_run_with_a_cut_key(tmp_path: Path) -> None:
    loom(tmp_path, "init")
    (tmp_path / "chaindata/config/node_key.json").write_text("{")
    assert "Error reading NodeKey from" in loom(tmp_path, "run").stderr


def test_a_bad_seed_stops_the_start(tmp_path: Path) -> None:
    loom(tmp_path, "init")
    done = loom(tmp_path, "run", "--peers", "tcp://abcd@127.0.0.1:46656")
    assert done.returncode == 1
    assert (
        "seed node configuration has error: Invalid address (abcd@127.0.0.1:46656): "
        "invalid hex length - got 2, expected 20" in done.stderr
    )
