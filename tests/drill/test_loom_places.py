"""The stand-in follows loom.yml and config.toml to its files, and reads their numbers as Amino does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loomtui.drill.node.settings import read_places
from loomtui.loom.places import Folders, moved_by_config_toml
from tests.drill.test_loom_program import loom

CONFIG = "chaindata/config/config.toml"


def configure(folder: Path, **settings: str) -> None:
    path = folder / CONFIG
    lines = [line for line in path.read_text().splitlines() if line.partition(" = ")[0] not in settings]
    path.write_text("\n".join([*(f'{key} = "{value}"' for key, value in settings.items()), *lines]) + "\n")


def test_a_key_is_made_where_config_toml_says(tmp_path: Path) -> None:
    loom(tmp_path, "init")
    first = loom(tmp_path, "nodekey").stdout
    configure(tmp_path, node_key_file=f"{tmp_path}/moved.json")
    second = loom(tmp_path, "nodekey").stdout
    assert (tmp_path / "moved.json").exists()
    assert first != second
    assert loom(tmp_path, "nodekey").stdout == second


def test_a_start_reads_the_files_that_are_named(tmp_path: Path) -> None:
    loom(tmp_path, "init")
    for key in ("genesis_file", "node_key_file", "priv_validator_file"):
        saved = (tmp_path / CONFIG).read_text()
        configure(tmp_path, **{key: "nowhere.json"})
        done = loom(tmp_path, "run")
        assert done.returncode == 1
        assert "nowhere.json: no such file" in done.stderr or "local node p2p key file" in done.stderr
        (tmp_path / CONFIG).write_text(saved)


def test_databases_and_root(tmp_path: Path) -> None:
    loom(tmp_path, "init")
    configure(tmp_path, db_dir="../blocks", home="/nowhere")
    assert read_places(tmp_path).data.resolve() == tmp_path / "blocks"
    assert read_places(tmp_path).wal == tmp_path / "chaindata/data/cs.wal"
    (tmp_path / "loom.yml").write_text("RootDir: sub\n")
    assert read_places(tmp_path).root == tmp_path / "sub/sub"


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("AppStore:\n  Version: 3\n", "."),
        ("AppStore: {Version: 3}\nRootDir: sub\n", "sub/sub"),
        ('"Root\\x44ir": sub\n', "sub/sub"),
        ("RootDir: [unclosed\n", "."),
    ],
)
def test_a_root_is_found_however_it_is_written(tmp_path: Path, text: str, root: str) -> None:
    loom(tmp_path, "init")
    (tmp_path / "loom.yml").write_text(text)
    assert read_places(tmp_path).root == tmp_path / root


def test_it_looks_where_the_rules_say(tmp_path: Path) -> None:
    """The stand-in and `loomtui.loom.places` are two readings of one source."""
    loom(tmp_path, "init")
    configure(
        tmp_path, db_dir="/big/data", node_key_file="../keys/node.json", genesis_file="config/genesis.json"
    )
    found = moved_by_config_toml((tmp_path / CONFIG).read_text(), Folders(str(tmp_path), {}))
    places = read_places(tmp_path)
    assert {moved.key: moved.path for moved in found} == {
        "db_dir": str(places.data),
        "node_key_file": str(tmp_path / "keys/node.json"),
    }
    assert places.node_key == tmp_path / "chaindata/../keys/node.json"


@pytest.mark.parametrize(
    ("name", "field", "value", "said"),
    [
        ("genesis.json", "power", 10, "expects quoted values for javascript numeric support, got: 10."),
        (
            "priv_validator.json",
            "last_height",
            0,
            "expects quoted values for javascript numeric support, got: 0.",
        ),
        ("priv_validator.json", "last_step", "0", "cannot unmarshal string into Go value of type int8"),
    ],
)
def test_a_number_in_the_wrong_form_stops_the_start(
    tmp_path: Path, name: str, field: str, value: object, said: str
) -> None:
    loom(tmp_path, "init")
    path = tmp_path / "chaindata/config" / name
    document = json.loads(path.read_text())
    (document["validators"][0] if "validators" in document else document)[field] = value
    path.write_text(json.dumps(document))
    done = loom(tmp_path, "run")
    assert done.returncode == 1
    assert said in done.stderr


def test_a_kind_of_database_that_the_build_does_not_know(tmp_path: Path) -> None:
    loom(tmp_path, "init")
    configure(tmp_path, db_backend="cleveldb")
    done = loom(tmp_path, "run")
    assert done.returncode == 2
    assert "Unknown db_backend cleveldb" in done.stderr
