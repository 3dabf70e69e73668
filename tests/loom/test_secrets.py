from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.config import mask_secrets

from .vectors import KEY_A, A, node_key, validator

H = "‹hidden›"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("HsmAuthPassword: hunter two # x", f"HsmAuthPassword: {H}"),
        ('HsmAuthKeyID: "7"', f'HsmAuthKeyID: "{H}"'),
        ("  token = 'abc'", f"  token = '{H}'"),
        ('{"api_key":"abc","port":1}', f'{{"api_key":"{H}","port":1}}'),
        ('{"token": 123, "port": 1}', f'{{"token": {H}, "port": 1}}'),
        ('{"a":{"secret":"b\\"c"},"d":1}', f'{{"a":{{"secret":"{H}"}},"d":1}}'),
        ('{"priv_key":{"type":"t","value":"v"},"x":1}', f'{{"priv_key":{H},"x":1}}'),
        ('{"priv_key":{"type":{"a":"v"}},"x":1}', f'{{"priv_key":{H}'),
        ('Environment="REDIS_PASSWORD=abc"', f'Environment="REDIS_PASSWORD={H}'),
        ("ExecStart=loom run --auth-token abc --peers x", f"ExecStart=loom run --auth-token {H} --peers x"),
        ("ExecStart=loom run --token=abc", f"ExecStart=loom run --token={H}"),
        ("URI: redis://:pw@10.2.0.9:6379", f"URI: redis://:{H}@10.2.0.9:6379"),
        ('URI: "redis://me:p@w:x@h:6379"', f'URI: "redis://me:{H}@h:6379"'),
        ('password: ""', 'password: ""'),
        ("secrets: []", "secrets: []"),
        (f'"value":"{KEY_A}"', f'"value":"{H}"'),
        ("password: |\n  one\n\n  two\nport: 1", f"password: |\n  {H}\n\n  {H}\nport: 1"),
        ("secrets:\n  a: b\n  c: d\nport: 1", f"secrets:\n  {H}\n  {H}\nport: 1"),
        ('password: "one\n  two"\nport: 1', f"password: {H}\n  {H}\nport: 1"),
        ('"priv_key": {\n  "value": "v"\n},\n"x": 1', f'"priv_key": {{\n  {H}\n}},\n"x": 1'),
        ("secrets:\n- a\n- b\nport: 1", f"secrets:\n{H}\n{H}\nport: 1"),
        ('secret = """\nab\n"""\nport = 1', f"secret = {H}\n{H}\n{H}\nport = 1"),
        ("secret = '''ab'''\nport = 1", f"secret = {H}\nport = 1"),
        ("a\n-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----\nb", f"a\n{H}\n{H}\n{H}\nb"),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        f"ExecStart=loom run --persistent-peers tcp://{A}@10.2.0.4:46656,tcp://{A}@h:1",
        'private_peer_ids = ""\npriv_validator_file = "config/priv_validator.json"',
        "RPCListenAddress: tcp://127.0.0.1:46657\n\n# a comment\n\tAppStore:\n  Version: 3",
        "pass_through: 1",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_secrets(text) == text


def test_key_files_show_no_private_key() -> None:
    for text in (node_key(KEY_A), validator()):
        assert KEY_A[:20] not in mask_secrets(text)


@given(st.one_of(st.text(), st.text("password: token={}[]\"'|>\n\\-/@,x ")))
def test_the_number_of_lines_stays_and_nothing_raises(text: str) -> None:
    assert mask_secrets(text).count("\n") == text.count("\n")


names = st.sampled_from(["password", "HsmAuthPassword", "api_key", "OracleToken", "priv_key", "Secret"])
forms = st.sampled_from(
    ["{}: {}", '{}: "{}"', "{} = '{}'", '{{"{}":"{}"}}', "{}: |\n  {}", "--{} {}", "{}:\n - {}"]
)


@given(
    names, forms, st.sampled_from(["", "  ", "x: y\n", '{"a": "b"}\n']), st.sampled_from(["", "\nport: 1"])
)
def test_a_secret_is_hidden_wherever_it_stands(name: str, form: str, before: str, after: str) -> None:
    text = form.format(name, "hunter2").replace("\n", "\n" + " " * (len(before) if before.isspace() else 0))
    shown = mask_secrets(before + text + after)
    assert "hunter2" not in shown
    assert shown.endswith(after)


@pytest.mark.parametrize("part", ["token", "a", "://a:", "-", '{"', "--a", "--token ", 'key="', '"token":{'])
def test_long_hostile_lines_take_little_time(part: str) -> None:
    began = time.perf_counter()
    mask_secrets(part * (200_000 // len(part)))
    assert time.perf_counter() - began < 20
