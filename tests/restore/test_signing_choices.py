"""The rules about signing states: docs/loom.md 7 (C1, C2, C4, K7, K8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.validator import ValidatorFacts
from loomtui.restore.plan import Prediction, RemedyKind, Scope, SigningAction, SigningChoice, ValidatorPower
from loomtui.restore.planning.signing_choices import SigningCase, choose_signing, predict, reset_choice
from tests.restore.material import Key

OWN, OTHER = Key(1), Key(2)


def choose(
    live: ValidatorFacts | None,
    backup: ValidatorFacts | None,
    scope: Scope = Scope.CLUSTER,
    living: int | None = None,
) -> SigningChoice:
    return choose_signing(SigningCase("n1", live, backup), scope, living)


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("backup", [None, OWN.facts(100), OWN.facts(130), OWN.facts(None)])
def test_the_nodes_own_newest_state_stays(backup: ValidatorFacts | None, scope: Scope) -> None:
    choice = choose(OWN.facts(130), backup, scope, 140)
    assert choice.action is SigningAction.KEEP
    assert (choice.address, choice.found_height, choice.result_height) == (OWN.address, 130, 130)


def test_a_newer_state_in_the_backup_wins_also_within_one_height() -> None:
    choice = choose(OWN.facts(130, 0, 2), OWN.facts(130, 1, 1))
    assert choice.action is SigningAction.RESTORE
    assert "newer" in choice.reason


@pytest.mark.parametrize("living", [None, 140])
def test_a_newer_state_in_the_backup_wins_on_a_living_chain_too(living: int | None) -> None:
    choice = choose(OWN.facts(100), OWN.facts(130), Scope.NODES, living)
    assert choice.action is SigningAction.RESTORE
    assert choice.result_height == 130


def test_a_lost_state_comes_from_the_backup_when_the_whole_cluster_goes_back() -> None:
    choice = choose(None, OWN.facts(100))
    assert choice.action is SigningAction.RESTORE
    assert (choice.found_height, choice.result_height) == (None, 100)
    assert "has none" in choice.reason


@pytest.mark.parametrize(("living", "backup", "result"), [(140, 100, 140), (90, 100, 100)])
def test_a_lost_state_is_raised_to_the_living_chains_height(living: int, backup: int, result: int) -> None:
    choice = choose(None, OWN.facts(backup), Scope.NODES, living)
    assert choice.action is SigningAction.RAISE
    assert choice.result_height == result


def test_the_key_of_another_validator_gives_way_to_the_backups() -> None:
    choice = choose(OTHER.facts(500), OWN.facts(100))
    assert choice.action is SigningAction.RESTORE
    assert choice.address == OWN.address
    assert OTHER.address in choice.reason


def test_the_height_that_another_key_has_signed_is_not_this_keys() -> None:
    """A reset works on the node's own file only where that holds the very key."""
    assert choose(OTHER.facts(500), OWN.facts(100)).found_height is None


def test_the_key_of_another_validator_on_a_living_chain_is_raised() -> None:
    choice = choose(OTHER.facts(500), OWN.facts(100), Scope.NODES, 140)
    assert (choice.action, choice.address, choice.result_height) == (SigningAction.RAISE, OWN.address, 140)


@pytest.mark.parametrize("unreadable", [None, ValidatorFacts(None, None, None, problem="not JSON")])
def test_without_any_key_the_node_does_not_sign(unreadable: ValidatorFacts | None) -> None:
    choice = choose(unreadable, unreadable)
    assert choice.action is SigningAction.NONE
    assert choice.address is None
    assert reset_choice(choice) == choice


@pytest.mark.parametrize("scope", Scope)
def test_an_unreadable_state_of_the_own_key_counts_as_lost(scope: Scope) -> None:
    unreadable = ValidatorFacts(OWN.address, OWN.public64, None, problem="last_height is no number")
    choice = choose(unreadable, OWN.facts(100), scope, 140)
    assert choice.action is (SigningAction.RAISE if scope is Scope.NODES else SigningAction.RESTORE)
    assert choice.result_height == (140 if scope is Scope.NODES else 100)
    assert choice.found_height is None


def test_a_file_that_never_signed_counts_as_height_0() -> None:
    choice = choose(OWN.facts(None), None)
    assert (choice.action, choice.result_height) == (SigningAction.KEEP, 0)


def test_an_hsm_key_is_kept_and_reset_like_any_other() -> None:
    hsm = ValidatorFacts(OWN.address, OWN.public64, OWN.facts(130).signing, hsm=True)
    choice = choose(hsm, OWN.facts(100))
    assert choice.action is SigningAction.KEEP
    assert reset_choice(choice).action is SigningAction.RESET


def test_a_reset_keeps_the_key_and_what_was_found() -> None:
    choice = reset_choice(choose(OWN.facts(130), OWN.facts(100)))
    assert choice.action is SigningAction.RESET
    assert (choice.address, choice.found_height, choice.result_height) == (OWN.address, 130, 0)


heights = st.none() | st.integers(0, 10**9)
keys = st.sampled_from([OWN, OTHER])
facts = st.none() | st.builds(lambda key, height: key.facts(height), keys, heights)


@given(live=facts, backup=facts, living=heights)
def test_on_a_living_chain_no_state_is_ever_lowered(
    live: ValidatorFacts | None, backup: ValidatorFacts | None, living: int | None
) -> None:
    choice = choose(live, backup, Scope.NODES, living)
    known = [
        facts.signing.height
        for facts in (live, backup)
        if facts and facts.signing and facts.address == choice.address
    ]
    assert (choice.result_height or 0) >= max(known, default=0)
    if choice.action is SigningAction.RAISE:
        assert living is not None
        assert (choice.result_height or 0) >= living


# ── can the chain move? ─────────────────────────────────────────────────────────────────────────────────────

KEYS = [Key(number) for number in range(1, 5)]


def outlook(
    height: int | None,
    last: list[int | None],
    *,
    powers: tuple[int, ...] = (10, 10, 10, 10),
    whole: bool = True,
) -> Prediction:
    choices = {
        f"n{number}": choose(key.facts(signed), None)
        for number, (key, signed) in enumerate(zip(KEYS, last, strict=True), 1)
        if signed is not None
    }
    validators = [ValidatorPower(key.address, power, None) for key, power in zip(KEYS, powers, strict=True)]
    return predict(height, choices, validators, whole_set_in_plan=whole)


def test_k8_one_of_four_ahead_goes_on() -> None:
    prediction = outlook(100, [100, 100, 100, 130])
    assert prediction.moves
    assert (prediction.signing_power, prediction.total_power, prediction.stuck) == (30, 40, ("n4",))
    assert prediction.remedy == ""


def test_k7_two_of_four_ahead_halt() -> None:
    prediction = outlook(100, [100, 100, 130, 130])
    assert not prediction.moves
    assert prediction.stuck == ("n3", "n4")
    assert "Reset the signing state of all restored validators" in prediction.remedy


def test_c1_old_data_and_newer_states_stand_still() -> None:
    prediction = outlook(19, [45, 45, 45, 45])
    assert not prediction.moves
    assert "20" in prediction.sentence
    assert prediction.remedy


def test_c2_with_all_states_reset_it_moves() -> None:
    choices = {f"n{key.seed}": reset_choice(choose(key.facts(45), None)) for key in KEYS}
    validators = [ValidatorPower(key.address, 10, None) for key in KEYS]
    assert predict(19, choices, validators, whole_set_in_plan=True).moves


def test_b1_everything_at_one_height_moves() -> None:
    assert outlook(19, [19, 19, 19, 19]).moves


def test_power_counts_and_not_heads() -> None:
    assert outlook(100, [100, 130, 130, 130], powers=(90, 5, 5, 5)).moves
    assert not outlook(100, [130, 100, 100, 100], powers=(90, 5, 5, 5)).moves


def test_exactly_two_thirds_are_not_enough() -> None:
    assert not outlook(100, [100, 100, 130, 130], powers=(10, 10, 5, 5)).moves


def test_a_key_that_nobody_holds_has_no_remedy_here() -> None:
    prediction = outlook(100, [100, 100, None, None])
    assert not prediction.moves
    assert KEYS[2].address[:12] in prediction.remedy
    assert prediction.remedy_kind is RemedyKind.FIND_KEYS


def test_without_the_whole_set_a_reset_is_never_offered() -> None:
    prediction = outlook(100, [130, 130, 130, 130], whole=False)
    assert not prediction.moves
    assert "Restore every validator together" in prediction.remedy
    assert prediction.remedy_kind is RemedyKind.WHOLE_SET


def test_an_unknown_height_predicts_nothing_good() -> None:
    prediction = outlook(None, [100, 100, 100, 100])
    assert not prediction.moves
    assert prediction.height is None
    assert prediction.total_power == 40
    assert prediction.remedy_kind is RemedyKind.RESET  # of nothing it is known that it is not ahead


def test_unknown_validators_predict_nothing_good() -> None:
    prediction = predict(100, {}, [], whole_set_in_plan=True)
    assert not prediction.moves
    assert "state.db" in prediction.sentence


def test_a_validator_elsewhere_is_called_by_its_node_or_its_address() -> None:
    named = ValidatorPower(KEYS[0].address, 10, "n9")
    nameless = ValidatorPower(KEYS[1].address, 10, None)
    prediction = predict(100, {}, [named, nameless], whole_set_in_plan=False)
    assert prediction.stuck == ("n9", f"validator {KEYS[1].address[:12]}")
