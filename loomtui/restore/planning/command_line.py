"""The command that makes a plan again with the same choices. Pure.

If a message told a command without these choices, a consent that was given would be lost.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from loomtui.restore.choices import BackupPolicy, Choices
from loomtui.restore.plan import Plan, RemedyKind, consented
from loomtui.text import clean_line


def options_of(choices: Choices, cluster: str) -> tuple[str, ...]:
    """The arguments of `loomtui plan` for these choices."""
    options = [("--data", choices.data_key), ("--redis", choices.redis)]
    if choices.before is not None:
        options.append(("--before", choices.before.isoformat()))
    if choices.nodes is not None:
        options.append(("--nodes", ",".join(choices.nodes)))
    options += [("--map", f"{node}={host}") for node, host in choices.sources.items()]
    if choices.gone:
        options.append(("--gone", ",".join(choices.gone)))
    if choices.reset_signing:
        options.append(("--reset-signing-state", cluster))
    if choices.give_up_old_data:
        options.append(("--give-up-old-data", cluster))
    if choices.look_limit_bytes is not None:
        options.append(("--look-limit", str(choices.look_limit_bytes)))
    flags = [
        ("--no-stage-first", not choices.stage_first),
        ("--keep-keys", choices.keep_keys),
        ("--delta", choices.delta),
        ("--look", choices.look),
    ]
    return (
        *(word for name, value in options if value is not None for word in (name, value)),
        *(name for name, given in flags if given),
        *_policy(choices.backup_policy),
    )


def command_for(choices: Choices, cluster: str) -> str:
    """The command line that makes a plan with these choices, to be shown and copied."""
    return _shell_text(options_of(choices, cluster))


def plan_command(
    plan: Plan,
    *,
    offer: RemedyKind = RemedyKind.NONE,
    look: bool = False,
    inventory: Path | None = None,
    output: Path | None = None,
) -> str:
    """The command line that makes this plan again, also with the consent to what it offers.

    With `look` the data is read whole for it.

    `inventory` is what was given with -i; `output` says where the plan is to be kept.
    """
    choices = consented(replace(plan.choices, look=plan.choices.look or look), offer)
    return _shell_text(
        [
            *(("-i", str(inventory)) if inventory is not None else ()),
            *options_of(choices, plan.cluster),
            *(("-o", str(output)) if output is not None else ()),
        ]
    )


def _policy(policy: BackupPolicy) -> tuple[str, ...]:
    return () if policy is BackupPolicy.WAIT else ("--backup-jobs", policy.value)


def _shell_text(arguments: Iterable[str]) -> str:
    return clean_line(shlex.join(["loomtui", "plan", *arguments]), limit=4_000)
