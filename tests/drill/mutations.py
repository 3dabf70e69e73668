"""Whether the drills bite: with the deciding step of a scenario switched off, its drill has to fail.

    python -m tests.drill.mutations [SCENARIO]... [--jobs N]

Prints a line for each; exit status 1 where a drill passes all the same, or a scenario has no mutation. A
third of them is a test (test_mutations.py).
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from unittest.mock import patch

import click

from loomtui.backups.model import Backup, Contents, Fault
from loomtui.drill import auto
from loomtui.drill.scenarios import Scenario, scenarios
from loomtui.engine.api import Engine
from loomtui.errors import CallError, LoomtuiError
from loomtui.fleet import scripts
from loomtui.loom.databases import NODE_KEY, UNIT, VALIDATOR
from loomtui.loom.health import ClusterState
from loomtui.restore.choices import Choices
from loomtui.restore.events import Event, StepName
from loomtui.restore.plan import FileAction, NodePlan, Plan
from loomtui.restore.planning import choosing
from loomtui.restore.running.operator import OnFailure
from loomtui.restore.running.staging import Stager
from loomtui.restore.running.steps import STEPS

_SECONDS = 900
#: A chain that stands is given no more time than one takes that moves.
_VERIFY_SECONDS = 30


@dataclass(frozen=True)
class Mutation:
    what: str  # is switched off
    apply: Callable[[], None]  # in a process of its own


def _put(owner: object, name: str, value: object) -> None:
    """For as long as the process lasts. What is not there cannot be switched off."""
    patch.object(owner, name, value).start()


def _of_plan(change: Callable[[Plan], Plan]) -> Callable[[], None]:
    """Every plan of the drill is changed before it is run."""

    def apply() -> None:
        made = auto._plan_with_consents

        async def changed(engine: Engine, choices: Choices) -> tuple[Plan, list[Plan]]:
            plan, earlier = await made(engine, choices)
            return change(plan), earlier

        _put(auto, "_plan_with_consents", changed)

    return apply


def _no_consent() -> None:
    auto._OFFERS.clear()


def _healthy_is_not_seen() -> None:
    async def stopped(engine: Engine) -> ClusterState:
        return ClusterState.STOPPED

    _put(auto, "_state_of", stopped)


def _no_refusals(plan: Plan) -> Plan:
    return replace(plan, refusals=())


def _keeping(*targets: str) -> Callable[[Plan], Plan]:
    """The nodes keep these files as they are."""

    def node(plan: NodePlan) -> NodePlan:
        files = [
            replace(file, action=FileAction.KEEP, changes=False) if file.target in targets else file
            for file in plan.files
        ]
        return replace(plan, files=tuple(files))

    return lambda plan: replace(plan, nodes=tuple(node(one) for one in plan.nodes))


def _without(name: StepName) -> None:
    """The step does nothing and holds that all is well."""
    step = next(step for step in STEPS if step.name is name)

    async def nothing(self: object, node: str) -> None:
        return None

    async def is_done(self: object, node: str) -> bool:
        return True

    async def evidence(self: object, node: str) -> Mapping[str, object]:
        return {}

    async def is_open(self: object) -> tuple[str, ...]:
        return ()

    async def ready(self: object) -> Mapping[str, LoomtuiError]:
        return {}

    changes = {"apply": nothing, "check": is_done, "verify": evidence, "gate": is_open, "make_ready": ready}
    for method, put in changes.items():
        _put(step, method, put)


def _units_stay() -> None:
    _of_plan(_keeping(UNIT))()
    _without(StepName.SERVICES)
    _without(StepName.NODE_KEYS)


def _keys_stay() -> None:
    _of_plan(_keeping(NODE_KEY, VALIDATOR))()
    _without(StepName.NODE_KEYS)


def _nobody_tries_again() -> None:
    async def stop(*_: object, **__: object) -> tuple[OnFailure, None]:
        return OnFailure.STOP, None

    _put(auto._Alone, "on_failure", stop)


def _any_data_is_fit() -> None:
    def fit(contents: Contents, *, needs_evm: bool) -> None:
        return None

    _put(choosing, "fault_for_nodes", fit)


def _damage_ends_it() -> None:
    def end(_self: choosing.Chooser, _backup: Backup, fault: Fault, **_: object) -> None:
        raise CallError(f"nothing is passed over: {fault.reason}")

    _put(choosing.Chooser, "_pass_over", end)


def _nobody_waits_for_s3() -> None:
    """No node asks again after a connection that broke, and nobody fetches or tries again in its place."""
    piece, waits = scripts.piece_text("stream"), "go_on || return 1"
    if waits not in piece:
        raise AssertionError(f"nothing of stream.sh is switched off: {waits}")
    texts = {"stream": piece.replace(waits, "go_on || :; return 1")}
    whole = scripts.piece_text
    _put(scripts, "piece_text", lambda name: texts.get(name) or whole(name))

    async def end(_self: Stager, name: str, _archive: object) -> None:
        raise CallError(f"{name} is not fetched in the node's place")

    _put(Stager, "_relay", end)
    _nobody_tries_again()


def _nobody_tells_of_redis() -> None:
    told = auto.choices_of
    _put(auto, "choices_of", lambda scenario, redis: replace(told(scenario, redis), redis=None))


def _evm_is_left_over() -> None:
    """What lies beside app.db stays: as a restore does that knows of app.db and chaindata alone."""
    _without(StepName.DATA)


_CONSENT = Mutation("consent to what the plan offers", _no_consent)
_UNITS = Mutation("whatever corrects the lists of peers", _units_stay)
_KEYS = Mutation("whatever gives nodes their own keys back", _keys_stay)
_AGAIN = Mutation("the second try", _nobody_tries_again)
MUTATIONS: Mapping[str, Mutation] = {
    "clean-restore": _CONSENT,
    "newer-signing-states": _CONSENT,
    "one-validator-lost": _CONSENT,
    "disk-short": _CONSENT,
    "moved-hosts": Mutation("the rewriting of peers", lambda: _without(StepName.SERVICES)),
    "drop-in": _UNITS,
    "upper-case-id": _UNITS,
    "healthy": Mutation("the look at the chain", _healthy_is_not_seen),
    "torn-backup": Mutation("the comparison of heights", _any_data_is_fit),
    "evm-missing": Mutation("the look for evm.db", _any_data_is_fit),
    "truncated-upload": Mutation("the passing over of damaged archives", _damage_ends_it),
    "stale-leftovers": Mutation("the exchange of all databases", _evm_is_left_over),
    "disk-fills": _AGAIN,
    "node-never-back": _AGAIN,
    "s3-fails": Mutation("the patience with S3", _nobody_waits_for_s3),
    "shared-node-key": _KEYS,
    "foreign-identity": _KEYS,
    "redis-gone": Mutation("what people know of Redis", _nobody_tells_of_redis),
    "wrong-host-backup": Mutation("the refusal of plans", _of_plan(_no_refusals)),
    "colleague": Mutation("the refusal of plans", _of_plan(_no_refusals)),
    "backup-job-wakes": Mutation("the stop and the hold", lambda: _without(StepName.STOP)),
}


def _hasten() -> None:
    _of_plan(lambda plan: replace(plan, verify_deadline_seconds=_VERIFY_SECONDS))()


def _play_mutant(name: str) -> int:
    """Exit status 0: the drill has failed, as it has to."""
    MUTATIONS[name].apply()
    _hasten()

    def ignore(_: Event) -> None:
        return None

    result = asyncio.run(auto.play(name, None, ignore))
    _say("passed all the same" if result.passed else " ".join(result.wrong))
    return 1 if result.passed else 0


def _say(what: str) -> None:
    click.echo(what)


def is_noticed(scenario: Scenario) -> bool:
    """Whether the drill of the mutant fails. Prints a line."""
    mutation = MUTATIONS.get(scenario.name)
    if mutation is None:
        _say(f"{scenario.name}: NO MUTATION")
        return False
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.drill.mutations", "--mutant", scenario.name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    told = done.stdout.strip() or done.stderr.strip()[-300:]
    mark = "noticed" if done.returncode == 0 else "NOT NOTICED"
    seconds = time.monotonic() - began
    _say(f"{scenario.name:22} {mark:12} {seconds:5.0f} s  without {mutation.what}: {told}")
    return done.returncode == 0


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drill.mutations", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="SCENARIO")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--mutant", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.mutant:
        return _play_mutant(options.mutant)
    wanted = [one for one in scenarios() if not options.only or one.name in options.only]
    with ThreadPoolExecutor(options.jobs) as workers:
        noticed = list(workers.map(is_noticed, wanted))
    _say(f"{sum(noticed)} of {len(noticed)} noticed")
    return 0 if noticed and all(noticed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
