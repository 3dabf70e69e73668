from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.config import (
    LoomYml,
    TendermintConfig,
    read_config_toml,
    read_loom_yml,
    redis_place,
    winning_config,
    with_redis,
)

LOOM_YML = """
RootDir: "."
DBName: "app"
RPCListenAddress: "tcp://127.0.0.1:46657"
RPCBindAddress: "tcp://0.0.0.0:46658"
LogDestination: "file://loom.log"
Peers: ""
AppStore:
  Version: 3
EvmStore:
  DBName: evm
EventDispatcher:
  Dispatcher: redis
  Redis:
    URI: "redis://:s3cret@10.2.0.9:6379"
TransferGateway:
  EthereumURI: "wss://rinkeby.example.com/ws"
  Oracles: ["10.2.0.7:9998", "127.0.0.1:9998", localhost, 10.2.0.8]
"""


def test_what_counts_in_a_loom_yml() -> None:
    found = read_loom_yml(LOOM_YML)
    assert found == LoomYml(
        app_store_version=3,
        rpc_listen="tcp://127.0.0.1:46657",
        redis_uris=("redis://:‹hidden›@10.2.0.9:6379",),
        foreign_addresses=(
            ("EventDispatcher.Redis.URI", "redis://:‹hidden›@10.2.0.9:6379"),
            ("TransferGateway.EthereumURI", "wss://rinkeby.example.com/ws"),
            ("TransferGateway.Oracles[0]", "10.2.0.7:9998"),
            ("TransferGateway.Oracles[3]", "10.2.0.8"),
        ),
    )
    assert "s3cret" not in repr(found)


def test_the_form_of_2018_and_field_names_in_any_case() -> None:
    found = read_loom_yml("eventdispatcheruri: redis://10.2.0.9:6379\nAPPSTORE: {VERSION: 1}\n")
    assert found.redis_uris == ("redis://10.2.0.9:6379",)
    assert found.app_store_version == 1


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_an_empty_file_sets_nothing(text: str) -> None:
    assert read_loom_yml(text) == LoomYml()


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [{','.join(['*' + chr(97 + at)] * 9)}]\n" for at in range(9)
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "not YAML"),
        pytest.param("[" * 900, "not YAML", id="deep"),
        pytest.param("[" * 20_000, "larger than", id="deeper"),
        ("a: !!python/object/apply:os.system [ls]", "not YAML"),
        ("a: 2001-99-99", "not YAML"),
        ("!!int ''", "not YAML"),
        ("!!bool x", "not YAML"),
        ("!!timestamp x", "not YAML"),
        ("? [a]\n: b", "not YAML"),
        ("- a", "not a YAML mapping"),
        ("text", "not a YAML mapping"),
        (BOMB, "more values"),
        pytest.param("a: " + "x" * 300_000, "larger than", id="large"),
        ("AppStore: {Version: three}", "AppStore.Version is not a number"),
    ],
)
def test_a_bad_loom_yml_is_told(text: str, problem: str) -> None:
    assert problem in (read_loom_yml(text).problem or "")


def test_a_recursive_document_ends() -> None:
    assert "more values" in (read_loom_yml("&a a: *a\nb: &b [*b]").problem or "not YAML, more values")


def test_a_version_may_be_quoted() -> None:
    assert read_loom_yml('AppStore: {Version: "2"}').app_store_version == 2


@pytest.mark.parametrize(
    ("names", "winner"),
    [
        (["loom.yml"], "loom.yml"),
        (["loom.yml", "loom.yaml"], "loom.yaml"),
        (["loom.hcl", "loom.yml", "loom.toml", "loom.json"], "loom.json"),
        (["./loom.prop", "loom.props"], "loom.props"),
        (["config/loom.json", "loom.hcl"], "loom.hcl"),
        (["../../../loom.json", "config/loom.yml"], "config/loom.yml"),
        (["loom.txt", "other.yml", "x/loom.yml"], None),
        ([], None),
    ],
)
def test_which_configuration_wins(names: list[str], winner: str | None) -> None:
    assert winning_config(names) == winner


CONFIG_TOML = """
moniker = "vm"
[rpc]
laddr = "tcp://0.0.0.0:26657"
[p2p]
laddr = "tcp://0.0.0.0:26656"
external_address = "10.2.0.4:26656"
pex = true
"""


def test_what_counts_in_a_config_toml() -> None:
    assert read_config_toml(CONFIG_TOML) == TendermintConfig(26656, "10.2.0.4:26656", "vm")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x", "not TOML"),
        pytest.param("a = " + "[" * 20_000, "not TOML", id="deep"),
        pytest.param("a = " + "9" * 10_000, "not TOML", id="long-number"),
        pytest.param("#" * 300_000, "larger than", id="large"),
        pytest.param("a." * 30_000 + "b = 1", "larger than", id="dotted"),
        ('[p2p]\nladdr = "tcp://0.0.0.0"', "has no port"),
        ('[p2p]\nladdr = "0.0.0.0:99999"', "has no port"),
    ],
)
def test_a_bad_config_toml_is_told(text: str, problem: str) -> None:
    found = read_config_toml(text)
    assert problem in (found.problem or "")
    assert found.p2p_port is None


@pytest.mark.parametrize("text", ["", "p2p = 7", '[p2p]\nladdr = 7\npex = "yes"', "moniker = 1"])
def test_absent_and_odd_values_are_none(text: str) -> None:
    assert read_config_toml(text) == TendermintConfig()


yaml_text = st.text("a:b- []{}&*!|>'\"#\n?%@0x1.e_,<=~\t")


@given(st.one_of(st.text(), yaml_text))
def test_no_text_raises(text: str) -> None:
    read_loom_yml(text)
    read_config_toml(text)


@given(st.text("[]={}\"'\n.ap2:0-T_#\\"))
def test_no_toml_raises(text: str) -> None:
    read_config_toml(text)


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("redis://10.2.0.9:6379", ("10.2.0.9", 6379)),
        ("redis://:‹hidden›@db.internal:7000/3", ("db.internal", 7000)),
        ("rediss://u:p@db", ("db", 6379)),
        ("redis://[fe80::1]:6379/0", ("fe80::1", 6379)),
        ("redis://", None),
        ("redis-sentinel://x:1", None),
        ("tcp://10.2.0.9:6379", None),
        ("redis://a,b:1", None),
    ],
)
def test_where_a_redis_uri_leads(uri: str, place: tuple[str, int] | None) -> None:
    assert redis_place(uri) == (("a", 6379) if uri == "redis://a,b:1" else place)


REDIS_YML = """# was redis://old:1/0
Dispatcher: redis
A: "redis://:s3cret@10.2.0.9:6379/3"   # the cluster's
B: {URI: 'rediss://user:p%40ss@db.internal', X: 1}
C: ["redis://[fe80::1]:6379"]
D: redis://localhost
"""


def test_another_redis_and_nothing_else_is_changed() -> None:
    assert (
        with_redis(REDIS_YML, "10.9.9.9:7000")
        == """# was redis://old:1/0
Dispatcher: redis
A: "redis://:s3cret@10.9.9.9:7000/3"   # the cluster's
B: {URI: 'rediss://user:p%40ss@10.9.9.9:7000', X: 1}
C: ["redis://10.9.9.9:7000"]
D: redis://10.9.9.9:7000
"""
    )


@pytest.mark.parametrize(
    "text",
    [
        "A: redis://:pa/ss@10.2.0.9:6379",
        "A: Redis://10.2.0.9:6379",
        "A: redis://10.2.0.9:1,10.2.0.8:1/0",
        "A: redis://10.2.0.9:6379?db=1",
        "A: |\n  # redis://10.2.0.9:6379\nB: redis://x:1#y",
        "A: 'x redis://10.2.0.9:6379'",
        "A: [",
    ],
)
def test_a_redis_uri_that_cannot_be_told_apart_is_left_alone(text: str) -> None:
    with pytest.raises(ValueError, match=r"Redis|YAML"):
        with_redis(text, "10.9.9.9:7000")


@pytest.mark.parametrize("place", ["", "10.9.9.9", "a:b", "a b:1", "x|y:1", "&:1", "-x:1", "a:1\n", "[::1:1"])
def test_what_is_no_place_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        with_redis(REDIS_YML, place)
