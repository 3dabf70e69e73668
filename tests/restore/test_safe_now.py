"""What a failed run says is safe, which has to be true of every node by then."""

from __future__ import annotations

import pytest

from loomtui.errors import NOTHING_CHANGED, LoomtuiError
from loomtui.restore.events import StepName
from loomtui.restore.running.safe_now import (
    NOT_PUT_BACK,
    NOTHING_REPLACED,
    NOTHING_STOPPED,
    REPLACED,
    STARTED,
    safe_now,
    say_safe,
)
from loomtui.restore.running.steps import STEPS

_TRUE_IN = {
    StepName.PREFLIGHT: NOTHING_STOPPED,
    StepName.STOP: NOTHING_REPLACED,
    StepName.DATA: REPLACED,
    StepName.CONFIG: REPLACED,
    StepName.NODE_KEYS: REPLACED,
    StepName.SERVICES: REPLACED,
    StepName.START: STARTED,
    StepName.VERIFY: STARTED,
}


@pytest.mark.parametrize("step", StepName)
def test_it_goes_by_how_far_the_run_had_come(step: StepName) -> None:
    order = [one.name for one in STEPS]
    begun = set(order[: order.index(step) + 1])
    assert safe_now(begun.__contains__) == _TRUE_IN[step]


def test_old_databases_that_are_given_up_are_not_kept() -> None:
    begun = {StepName.PREFLIGHT, StepName.STOP}
    assert safe_now(begun.__contains__, ("n2",)) == NOTHING_REPLACED
    begun.add(StepName.DATA)
    said = safe_now(begun.__contains__, ("n2", "n3"))
    assert said == f"{REPLACED} That is without the old databases of n2 and n3, which the plan gives up."


@pytest.mark.parametrize(
    ("own", "said"), [("", NOT_PUT_BACK), (NOTHING_CHANGED, NOT_PUT_BACK), ("Held.", "Held.")]
)
def test_an_error_that_says_more_keeps_its_own_words(own: str, said: str) -> None:
    error = LoomtuiError("it failed", safe=own)
    say_safe(error, NOT_PUT_BACK)
    assert error.safe == said
