"""What becomes of each config file of a node."""

from __future__ import annotations

import pytest

from loomtui.backups.model import Contents, Item
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.loom.databases import (
    ADDRBOOK,
    CONFIG_TARGETS,
    LOOM_CONFIG,
    LOOM_GENESIS,
    NODE_KEY,
    TENDERMINT_CONFIG,
    TENDERMINT_GENESIS,
    UNIT,
    VALIDATOR,
)
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.loom.units import read_cat, read_unit
from loomtui.restore.findings import texts_of
from loomtui.restore.plan import FileAction, FileChoice, SigningAction
from loomtui.restore.planning.chain import Chain
from loomtui.restore.planning.config_choices import ConfigDecision, decide_files, live_text, unified_diff
from tests.restore.material import (
    CONFIG_TOML,
    LOOM_YML,
    contents,
    node_details,
    node_key_of,
    node_status,
    signing_choice,
)
from tests.restore.material import (
    LOOM_GENESIS as GENESIS_TEXT,
)

UNIT_TEXT = "[Service]\nExecStart=/usr/bin/loom run\n"
KEY = node_key_of(1)


def config(key: int = 1, **changes: object) -> Contents:
    texts = {
        LOOM_GENESIS: GENESIS_TEXT,
        LOOM_CONFIG: LOOM_YML,
        TENDERMINT_GENESIS: "{}",
        TENDERMINT_CONFIG: CONFIG_TOML,
        UNIT: UNIT_TEXT,
    }
    made = {
        "config_items": tuple(Item(f"in/{target}", target) for target in CONFIG_TARGETS),
        "texts": texts,
        "digests": {target: f"{number:064x}" for number, target in enumerate(CONFIG_TARGETS)},
        "node_key": NodeKeyFacts(node_key_of(key).node_id, node_key_of(key).public64),
    }
    return contents(**(made | changes))


def decide(
    details: NodeDetails | None = None,
    backup: Contents | None = None,
    *,
    keep_key: bool = False,
    stale: bool = False,
    signing: SigningAction = SigningAction.KEEP,
) -> ConfigDecision:
    return decide_files(
        details or node_details(),
        backup,
        keep_key=keep_key,
        signing=signing_choice(signing, reason="so it was decided"),
        addrbook_stale=stale,
        chain=Chain(None, None, None, None),
    )


def choice(decision: ConfigDecision, target: str) -> FileChoice:
    (file_choice,) = [file for file in decision.files if file.target == target]
    return file_choice


def test_every_file_of_a_config_restore_is_decided_in_its_order() -> None:
    assert tuple(file.target for file in decide(backup=config()).files) == CONFIG_TARGETS


def test_a_file_that_differs_is_restored_and_shown() -> None:
    backup = config(texts={**config().texts, LOOM_CONFIG: LOOM_YML + "Oracle:\n  Password: hunter2\n"})
    file_choice = choice(decide(backup=backup), LOOM_CONFIG)
    assert (file_choice.action, file_choice.changes) == (FileAction.RESTORE, True)
    assert file_choice.digest == backup.digests[LOOM_CONFIG]
    assert "+Oracle:" in file_choice.diff
    assert "hunter2" not in file_choice.diff


def test_the_same_bytes_are_no_change() -> None:
    backup = config()
    details = node_details(digests={LOOM_CONFIG: backup.digests[LOOM_CONFIG]})
    file_choice = choice(decide(details, backup), LOOM_CONFIG)
    assert (file_choice.action, file_choice.changes) == (FileAction.RESTORE, False)
    assert file_choice.digest == backup.digests[LOOM_CONFIG]


def test_the_same_text_of_other_bytes_is_a_change() -> None:
    """Bytes that are no UTF-8 look alike as text: the file must still become the plan's."""
    details = node_details(digests={LOOM_CONFIG: "f" * 64})
    file_choice = choice(decide(details, config()), LOOM_CONFIG)
    assert file_choice.changes
    assert file_choice.diff == ""


def test_without_digests_nothing_counts_as_the_same() -> None:
    assert choice(decide(node_details(digests={}), config(digests={})), LOOM_CONFIG).changes


def test_of_the_unit_the_text_decides() -> None:
    same = node_details(status=node_status(unit=read_unit("/etc/systemd/system/loom.service", UNIT_TEXT)))
    file_choice = choice(decide(same, config()), UNIT)
    assert (file_choice.action, file_choice.changes, file_choice.digest) == (FileAction.RESTORE, False, None)
    other = node_details(status=node_status(unit=read_unit("/x/loom.service", UNIT_TEXT + "# local\n")))
    assert "-# local" in choice(decide(other, config()), UNIT).diff


def test_a_file_that_is_missing_on_the_node_is_restored() -> None:
    file_choice = choice(decide(node_details(texts={}), config()), TENDERMINT_CONFIG)
    assert file_choice.changes
    assert file_choice.reason == "missing on the node"
    assert "+[p2p]" in file_choice.diff


def test_a_file_that_the_backup_lacks_stays() -> None:
    """Configs of 2018-08 to 2018-09 hold no Tendermint genesis (docs/loom.md 8)."""
    items = tuple(item for item in config().config_items if item.target != TENDERMINT_GENESIS)
    decision = decide(backup=config(config_items=items))
    file_choice = choice(decision, TENDERMINT_GENESIS)
    assert (file_choice.action, file_choice.changes, file_choice.reason) == (
        FileAction.KEEP,
        False,
        "the backup has none",
    )
    assert decision.refusals == ()


@pytest.mark.parametrize("target", [LOOM_GENESIS, TENDERMINT_GENESIS, NODE_KEY, UNIT])
def test_a_file_without_which_it_cannot_start_must_be_somewhere(target: str) -> None:
    items = tuple(item for item in config().config_items if item.target != target)
    details = node_details(texts={}, digests={}, status=node_status(unit=None, node_key=None))
    refusals = texts_of(decide(details, config(config_items=items)).refusals)
    assert len(refusals) == 1
    assert target in refusals[0]


def test_other_files_may_be_missing_everywhere() -> None:
    items = tuple(
        item for item in config().config_items if item.target not in (LOOM_CONFIG, TENDERMINT_CONFIG)
    )
    assert decide(node_details(texts={}), config(config_items=items)).refusals == ()


def test_without_a_config_backup_everything_stays_and_that_is_said() -> None:
    decision = decide()
    assert {file.action for file in decision.files} == {FileAction.KEEP}
    assert texts_of(decision.warnings) == ("n1: there is no config backup of it; its own config stays",)
    assert decision.refusals == ()


# ── node keys ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_identity_is_no_change() -> None:
    file_choice = choice(decide(backup=config()), NODE_KEY)
    assert (file_choice.action, file_choice.changes) == (FileAction.RESTORE, False)
    assert KEY.node_id in file_choice.reason


def test_the_backups_identity_takes_the_place_of_another() -> None:
    file_choice = choice(decide(backup=config(key=2)), NODE_KEY)
    assert (file_choice.action, file_choice.changes) == (FileAction.RESTORE, True)
    assert node_key_of(2).node_id in file_choice.reason
    assert f"in the place of {KEY.node_id}" in file_choice.reason
    assert file_choice.diff == ""


def test_the_node_may_keep_its_identity() -> None:
    file_choice = choice(decide(backup=config(key=2), keep_key=True), NODE_KEY)
    assert (file_choice.action, file_choice.changes) == (FileAction.KEEP, False)


def test_a_node_without_a_key_gets_the_backups_even_when_keys_are_kept() -> None:
    details = node_details(status=node_status(node_key=None))
    file_choice = choice(decide(details, config(), keep_key=True), NODE_KEY)
    assert (file_choice.action, file_choice.changes) == (FileAction.RESTORE, True)
    assert "the node has none" in file_choice.reason


@pytest.mark.parametrize("key", [None, NodeKeyFacts(None, None, "not JSON")])
def test_a_key_that_cannot_be_read_is_not_restored(key: NodeKeyFacts | None) -> None:
    file_choice = choice(decide(backup=config(node_key=key)), NODE_KEY)
    assert file_choice.action is FileAction.KEEP
    assert "cannot be read" in file_choice.reason


@pytest.mark.parametrize(
    ("action", "file", "changes"),
    [
        (SigningAction.KEEP, FileAction.KEEP, False),
        (SigningAction.NONE, FileAction.KEEP, False),
        (SigningAction.RESTORE, FileAction.RESTORE, True),
        (SigningAction.RESET, FileAction.RESET, True),
        (SigningAction.RAISE, FileAction.RAISE, True),
    ],
)
def test_the_validators_file_follows_the_decision(
    action: SigningAction, file: FileAction, changes: bool
) -> None:
    file_choice = choice(decide(backup=config(), signing=action), VALIDATOR)
    assert (file_choice.action, file_choice.changes, file_choice.reason) == (
        file,
        changes,
        "so it was decided",
    )


# ── the address book, and what lies beside loom.yml ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("entries", "digest", "stale", "action"),
    [
        ((), False, False, None),
        (((KEY.node_id, "10.0.0.1:46656"),), True, False, FileAction.KEEP),
        (((KEY.node_id, "10.0.0.1:46656"),), True, True, FileAction.SET_ASIDE),
        ((), True, False, FileAction.SET_ASIDE),
    ],
    ids=["none", "right", "stale", "unreadable"],
)
def test_an_address_book_that_misleads_or_cannot_be_read_is_set_aside(
    entries: tuple[tuple[str, str], ...], digest: bool, stale: bool, action: FileAction | None
) -> None:
    details = node_details(addrbook=entries, digests={ADDRBOOK: "1" * 64} if digest else {})
    choices = [file for file in decide(details, config(), stale=stale).files if file.target == ADDRBOOK]
    assert [file.action for file in choices] == ([action] if action else [])


@pytest.mark.parametrize(
    ("beside", "winner"),
    [
        (("loom.yml",), None),
        ((), None),
        (("loom.yaml", "loom.yml"), "loom.yaml"),
        (("loom.json",), "loom.json"),
        (("config/loom.yaml", "loom.yml"), None),
    ],
)
def test_a_config_that_wins_over_the_restored_one_is_refused(
    beside: tuple[str, ...], winner: str | None
) -> None:
    refusals = texts_of(decide(node_details(loom_configs=beside), config()).refusals)
    assert len(refusals) == (winner is not None)
    assert all(str(winner) in refusal for refusal in refusals)


def test_the_live_unit_is_the_fragment_that_systemd_loaded() -> None:
    drop_in = "\n# /etc/systemd/system/loom.service.d/a.conf\n[Unit]\n"
    shown = f"# /lib/systemd/system/loom.service\n[Service]\n{drop_in}"
    details = node_details(status=node_status(unit=read_cat(shown)))
    assert live_text(details, UNIT) == "[Service]\n"
    assert live_text(node_details(status=node_status(unit=None)), UNIT) is None


def test_a_diff_carries_no_escapes_and_no_secrets() -> None:
    difference = unified_diff("a\x1b[31m: 1\n", "a: 2\npassword: geheim\n", "loom.yml")
    assert "\x1b" not in difference
    assert "geheim" not in difference
    assert "+a: 2" in difference
    assert unified_diff("same", "same", "x") == ""
