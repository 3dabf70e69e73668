"""Nodes on which a restore would not be where Loom looks, or that could not start with a file of theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loomtui.backups.model import Contents
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.inventory.model import Inventory, Node, S3Settings
from loomtui.loom.amino_json import FormFault
from loomtui.loom.databases import LOOM_CONFIG, NODE_KEY, TENDERMINT_CONFIG, TENDERMINT_GENESIS, VALIDATOR
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.loom.references import MismatchKind, compare
from loomtui.loom.validator import read_validator
from loomtui.restore.findings import FindingCode
from loomtui.restore.plan import FileAction, FileChoice, SigningAction
from loomtui.restore.planning.amino_files import unreadable_files
from loomtui.restore.planning.identities import facts_of
from loomtui.restore.planning.moved_files import moved_files
from tests.restore.material import (
    CONFIG_TOML,
    LOOM_YML,
    chain_facts,
    contents,
    node_details,
    node_key_of,
    node_status,
    signing_choice,
    tendermint_genesis,
    validator_key_of,
)

GENESIS = tendermint_genesis(validator_key_of(1))
PLAIN = GENESIS.replace('"power": "10"', '"power": 10').replace('"power":"10"', '"power":10')
MOVED = 'db_dir = "/mnt/big/data"\n' + CONFIG_TOML


def details(toml: str = CONFIG_TOML, loom_yml: str = LOOM_YML, **changes: Any) -> NodeDetails:
    texts = {TENDERMINT_CONFIG: toml, LOOM_CONFIG: loom_yml, TENDERMINT_GENESIS: GENESIS}
    return node_details("n1", 1, **({"texts": texts} | changes))


def saved(**texts: str) -> Contents:
    return contents(texts=texts)


def told(seen: NodeDetails, config: Contents | None = None) -> list[tuple[FindingCode, str]]:
    return [(finding.code, finding.text) for finding in moved_files(seen, config)]


def test_nothing_is_said_of_a_node_that_is_as_usual() -> None:
    assert told(details()) == []
    assert told(details(), saved(**{TENDERMINT_CONFIG: CONFIG_TOML, LOOM_CONFIG: LOOM_YML})) == []
    assert told(node_details("n1", 1, texts={})) == []


def test_what_is_moved_now_is_refused_with_key_and_path() -> None:
    ((code, text),) = told(details(MOVED))
    assert code is FindingCode.FILES_MOVED
    assert 'n1: db_dir = "/mnt/big/data" in chaindata/config/config.toml' in text
    assert "move chaindata/data from there to its usual place and take db_dir out" in text


def test_what_the_backup_would_move_is_refused_too() -> None:
    config = saved(**{TENDERMINT_CONFIG: MOVED})
    ((code, text),) = told(details(), config)
    assert code is FindingCode.FILES_MOVED
    assert f"as the config backup {config.backup.key} has it" in text
    assert "Take another config backup" in text


def test_both_count_and_each_is_said_once() -> None:
    found = told(details(MOVED), saved(**{TENDERMINT_CONFIG: CONFIG_TOML}))
    assert len(found) == 1, "the backup would put it right, but the data lie elsewhere now"
    both = told(details(MOVED), saved(**{TENDERMINT_CONFIG: MOVED}))
    assert len(both) == 1
    assert "its config backup has the setting too" in both[0][1]


@pytest.mark.parametrize(
    ("loom_yml", "code", "said"),
    [
        ("RootDir: /srv\n", FindingCode.ROOT_DIR, 'RootDir = "/srv" in loom.yml has Loom look at /srv/srv'),
        ("DBName: chain\n", FindingCode.FILES_MOVED, 'DBName = "chain"'),
        ("DBBackend: memdb\n", FindingCode.FILES_MOVED, 'DBBackend = "memdb"'),
        ("GenesisFile: g.json\n", FindingCode.FILES_MOVED, 'GenesisFile = "g.json"'),
        ("a: [\n", FindingCode.CONFIG_UNREADABLE, "loom.yml, as it will be after the restore, is not YAML"),
        ("AppStore: {Version: x}\n", FindingCode.CONFIG_UNREADABLE, "every loom command would panic"),
    ],
)
def test_a_loom_yml_that_leads_elsewhere(loom_yml: str, code: FindingCode, said: str) -> None:
    ((found, text),) = told(details(loom_yml=loom_yml))
    assert (found, said in text) == (code, True), text
    ((found, text),) = told(details(), saved(**{LOOM_CONFIG: loom_yml}))
    assert (found, said in text) == (code, True), text


def test_a_loom_yml_in_the_other_folder_counts() -> None:
    texts = {"config/loom.yml": "RootDir: sub\n", TENDERMINT_CONFIG: CONFIG_TOML}
    seen = details(texts=texts, loom_configs=("config/loom.yml",))
    assert [code for code, _ in told(seen)] == [FindingCode.ROOT_DIR]


def test_a_library_that_writes_the_same_files_stays() -> None:
    c = 'db_backend = "cleveldb"\n' + CONFIG_TOML
    runs = node_status("n1", 1, chain=chain_facts(100))
    assert told(details(c, status=runs)) == []
    assert told(details(c, status=runs), saved(**{TENDERMINT_CONFIG: c})) == []
    assert len(told(details(c, status=replace(runs, chain=None)))) == 1, "nothing shows that its build has it"
    for seen, config in ((details(), c), (details(c), CONFIG_TOML)):
        ((_, text),) = told(seen, saved(**{TENDERMINT_CONFIG: config}))
        assert 'db_backend = "cleveldb"' in text


def test_a_config_toml_that_nobody_can_read_is_refused() -> None:
    ((code, text),) = told(details("a = b = c"))
    assert code is FindingCode.CONFIG_UNREADABLE
    assert "runs on its defaults" in text
    assert told(details("a = b = c"), saved(**{TENDERMINT_CONFIG: CONFIG_TOML})) == []


def test_files_and_variables_that_win() -> None:
    names = (TENDERMINT_CONFIG, "chaindata/config/config.json")
    ((code, text),) = told(details(tendermint_configs=names))
    assert (code, "config.json lies beside config.toml" in text) == (FindingCode.CONFIG_SHADOWED, True)
    ((code, text),) = told(details(environment=("TM_DB_DIR", "LOOM_ROOTDIR")))
    assert (code, "sets TM_DB_DIR, LOOM_ROOTDIR" in text) == (FindingCode.FILES_MOVED, True)


def test_what_loom_nodekey_prints_wins_over_the_file() -> None:
    own, other = node_key_of(1).node_id, node_key_of(2).node_id
    assert told(details(reported_node_id=own)) == []
    ((code, text),) = told(details(reported_node_id=other))
    assert code is FindingCode.IDENTITY_DISPUTED
    assert own in text
    assert other in text


def test_and_so_it_does_among_the_node_keys() -> None:
    own, other = node_key_of(1).node_id, node_key_of(2).node_id
    node = Node(name="n1", host="10.0.0.1")
    inventory = Inventory(cluster="lab", production=False, s3=S3Settings(bucket="backups"), nodes=(node,))
    facts = facts_of(inventory, node, details(reported_node_id=other))
    assert (facts.node_id, facts.id_of_file) == (other, own)
    (mismatch,) = [one for one in compare([facts]).mismatches if one.blocking]
    assert mismatch.kind is MismatchKind.REPORTED_DIFFERS
    assert "Loom goes by another file" in mismatch.message


def unfit(
    seen: NodeDetails,
    choice: FileChoice,
    config: Contents | None = None,
    signing: SigningAction = SigningAction.KEEP,
) -> list[str]:
    found = list(unreadable_files(seen, config, [choice], signing_choice(signing)))
    assert all(finding.code is FindingCode.FILE_NOT_AMINO for finding in found)
    return [finding.text for finding in found]


def choice(target: str, action: FileAction = FileAction.KEEP, **changes: Any) -> FileChoice:
    return FileChoice(target, action, "", changes=True, **changes)


def with_genesis(text: str) -> NodeDetails:
    return details(texts={TENDERMINT_GENESIS: text})


def test_a_genesis_with_plain_numbers_is_refused_wherever_it_comes_from() -> None:
    assert PLAIN != GENESIS
    (text,) = unfit(with_genesis(PLAIN), choice(TENDERMINT_GENESIS))
    assert text.startswith(
        f"n1: it cannot start with {TENDERMINT_GENESIS}, which stays on the node: validators[0].power is 10"
    )
    assert 'Write "10" for validators[0].power' in text
    config = saved(**{TENDERMINT_GENESIS: PLAIN})
    (text,) = unfit(with_genesis(GENESIS), choice(TENDERMINT_GENESIS, FileAction.RESTORE), config)
    assert f"from {config.backup.key}" in text
    (text,) = unfit(with_genesis(GENESIS), choice(TENDERMINT_GENESIS, FileAction.RESTORE, text=PLAIN))
    assert "validators[0].power" in text
    assert unfit(with_genesis(GENESIS), choice(TENDERMINT_GENESIS)) == []
    assert unfit(with_genesis(GENESIS), choice(TENDERMINT_GENESIS), config) == []


def test_a_signing_state_in_the_wrong_form_is_refused_unless_it_is_written_anew() -> None:
    wrong = read_validator(validator_key_of(1).validator_json(100, last_height=100))
    seen = details(status=node_status("n1", 1, validator=wrong))
    kept = choice(VALIDATOR)
    (text,) = unfit(seen, kept)
    assert 'last_height is 100, and Tendermint wants "100"' in text
    assert unfit(seen, choice(VALIDATOR, FileAction.RESET), signing=SigningAction.RESET) == []
    right = replace(wrong, form_faults=())
    config = contents(validator=wrong)
    fine = details(status=node_status("n1", 1, validator=right))
    assert unfit(fine, kept, config) == []
    assert unfit(fine, choice(VALIDATOR, FileAction.RESTORE), config, SigningAction.RESTORE) != []
    assert unfit(fine, choice(VALIDATOR, FileAction.RAISE), config, SigningAction.RAISE) == []


@pytest.mark.parametrize(("found_height", "said"), [(None, ["backup"]), (100, [])])
def test_a_reset_is_judged_by_the_file_that_it_is_made_of(found_height: int | None, said: list[str]) -> None:
    """A node that has lost its file gets the backup's, and a text in the wrong form stays in it."""
    right = read_validator(validator_key_of(1).validator_json(100))
    wrong = replace(right, form_faults=(FormFault("address", "a number", "text in quotes"),))
    config = contents(validator=wrong)
    seen = details(status=node_status("n1", 1, validator=right))
    signing = signing_choice(SigningAction.RESET, found_height=found_height)
    found = unreadable_files(seen, config, [choice(VALIDATOR, FileAction.RESET)], signing)
    assert ["backup" for one in found if f"from {config.backup.key}" in one.text] == said


def test_a_node_key_that_stays_and_that_nobody_can_read() -> None:
    broken = NodeKeyFacts(None, None, "its priv_key is not base64 of 64 bytes")
    seen = details(status=node_status("n1", 1, node_key=broken), digests={NODE_KEY: "1" * 64})
    (text,) = unfit(seen, choice(NODE_KEY))
    assert "priv_key is not base64" in text
    assert unfit(seen, choice(NODE_KEY, FileAction.RESTORE)) == []
    assert unfit(details(), choice(NODE_KEY)) == []
