"""Whether every place that a restore changes on a node can be changed: known before anything is stopped.

docs/refusals.md lists each condition with the look that sees it.
"""

from __future__ import annotations

import asyncio
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from loomtui.backups.model import Contents
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.backup_jobs import JobKind
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.places import Fault, Places, Unfit, Use, hold_file, look_at_places
from loomtui.inventory.model import Inventory
from loomtui.loom.databases import ADDRBOOK, CONFIG_TARGETS, STATE_NAMES, UNIT, VALIDATOR
from loomtui.loom.units import EffectiveUnit
from loomtui.restore.choices import BackupPolicy, Choices
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import FileAction, NodePlan, SigningAction
from loomtui.restore.planning.observations import Observations
from loomtui.restore.planning.place_words import finding_of
from loomtui.restore.planning.unit_choices import restored_unit
from loomtui.restore.planning.units_after import UnitsAfter

#: What a restore may replace in the working directory.
_FILES = (*(target for target in CONFIG_TARGETS if target != UNIT), ADDRBOOK)
#: A path of systemd's that is taken as it is written: without specifiers and variables.
_PLAIN = re.compile(r"/[^%$]*")
#: Where systemd reads units and drop-ins. Source: systemd.unit(5), "Unit File Load Path".
_SEARCHED = re.compile(r".*/systemd/(system(\.control|\.attached)?|generator(\.early|\.late)?|transient)")
#: What a suspended script gets around its name, with the longest name of a run.
_SUSPENDED_NAME = ".{name}.loomtui-20260101-000000-abcd"


def unit_path_of(details: NodeDetails, default: str) -> str:
    """Where the unit file lies: what systemd loaded, or else the inventory's."""
    unit = details.status.unit
    return (unit.files[0].path if unit is not None and unit.files else "") or default


async def look_at_all_places(
    fleet: Fleet,
    inventory: Inventory,
    details: Mapping[str, NodeDetails],
    configs: Mapping[str, Contents],
    choices: Choices,
) -> Mapping[str, Places]:
    """What is wrong at the places that a restore may change on these nodes. Only looks.

    Raises LoomtuiError.
    """

    async def one(name: str) -> Places:
        unit_path = unit_path_of(details[name], inventory.loom_of(inventory.node(name)).unit_file)
        return await look_at_places(
            fleet.session(name),
            details[name].working_directory,
            hold_file(unit_path),
            details[name].user,
            wanted_places(details[name], configs.get(name), unit_path, choices.backup_policy),
        )

    found = await asyncio.gather(*map(one, details))
    return dict(zip(details, found, strict=True))


def wanted_of(plan: NodePlan) -> list[tuple[Use, str]]:
    """What a plan changes, for a last look before anything is stopped."""
    return [
        *((Use.FILE, f"{plan.working_directory}/{target}") for target in _FILES),
        (Use.UNIT, plan.unit_path),
        *((Use.STATE, pattern) for pattern in STATE_NAMES),
        (Use.HOLD, hold_file(plan.unit_path)),
        (Use.SIGNING, "live"),
    ]


def refused_now(plan: NodePlan, places: Places) -> tuple[Unfit, ...]:
    """What of it could not be changed, as it is now."""
    return tuple(unfit for unfit in places.unfit if _is_in_the_way(unfit, plan, set(), None))


def wanted_places(
    details: NodeDetails, config: Contents | None, unit_path: str, policy: BackupPolicy
) -> list[tuple[Use, str]]:
    """All that a restore may change there, whatever the plan will decide."""
    wanted = [
        *((Use.FILE, f"{details.working_directory}/{target}") for target in _FILES),
        *((Use.UNIT, path) for path in sorted({unit_path, *_files_of_unit(details)})),
        *((Use.STATE, pattern) for pattern in STATE_NAMES),
        (Use.VERIFY, unit_path),
        (Use.HOLD, hold_file(unit_path)),
        (Use.SIGNING, "live"),
        *_of_jobs(details, unit_path, policy),
    ]
    for unit in _units(details, config, unit_path):
        wanted += _of_unit(unit)
    return list(dict.fromkeys(wanted))


def _files_of_unit(details: NodeDetails) -> set[str]:
    """Where the peers may have to be corrected."""
    unit = details.status.unit
    if unit is None:
        return set()
    files = {file.path for file in unit.files} | set(unit.environment_files)
    return {path for path in files if _PLAIN.fullmatch(path)}


def _of_jobs(details: NodeDetails, unit_path: str, policy: BackupPolicy) -> Iterator[tuple[Use, str]]:
    """What of backup.sh is suspended, and where it stages."""
    uses = {JobKind.CRONTAB: Use.CRONTAB, JobKind.SCRIPT: Use.MOVE}
    if policy is not BackupPolicy.LEAVE:
        for job in details.backups.scheduled:
            if job.kind is JobKind.TIMER:
                yield Use.TIMER, hold_file(f"{posixpath.dirname(unit_path)}/{job.place}")
            else:
                yield uses[job.kind], job.place
    if details.backups.staging is not None:
        yield Use.STAGING, details.backups.staging


def _units(details: NodeDetails, config: Contents | None, unit_path: str) -> Iterator[EffectiveUnit]:
    """The node's unit as it is, and with the backup's text."""
    if details.status.unit is not None and details.status.unit.files:
        yield details.status.unit
    restored = restored_unit(details, config, unit_path)
    if restored is not None:
        yield restored


def _of_unit(unit: EffectiveUnit) -> Iterator[tuple[Use, str]]:
    """What systemd has to find to start it."""
    if unit.exec_start and _PLAIN.fullmatch(unit.exec_start[0]):
        yield Use.PROGRAM, unit.exec_start[0]
    for use, name in ((Use.USER, unit.user), (Use.GROUP, unit.group)):
        if name and not set("%$") & set(name):
            yield use, name


# ── what follows from it ────────────────────────────────────────────────────────────────────────────────────


def place_refusals(
    observations: Observations, plans: Sequence[NodePlan], units: UnitsAfter
) -> Iterator[Finding]:
    """What a step would refuse on a node, with the cluster down."""
    for plan in plans:
        places, details = observations.places.get(plan.name), observations.details[plan.name]
        if places is None:
            continue
        config = observations.chosen.config.get(plan.name)
        needed = _needed_of_unit(plan, details, config)
        for unfit in places.unfit:
            if _is_in_the_way(unfit, plan, needed, units.corrected_file(plan.name)):
                yield finding_of(plan, unfit)
        yield from _unread_hold(plan)
        yield from _template(plan)
        yield from _long_names(plan, details, places)
        yield from _odd_signing_state(plan, config)


def place_warnings(observations: Observations, plans: Sequence[NodePlan]) -> Iterator[Finding]:
    """What is done otherwise than it looks, and what may be in the way by then."""
    for plan in plans:
        places = observations.places.get(plan.name, Places())
        yield from _links(plan, places)
        for opened in places.open_by:
            sentence = (
                f"{plan.name}: process {opened.process} ({opened.name}) has {opened.file} open, and a "
                "stop of the service does not end it: nothing could be moved"
            )
            advice = f"End it before the restore, or see what it is (ps -fp {opened.process})"
            yield Finding(FindingCode.OPENED_ELSEWHERE, plan.name, sentence, advice)


def _links(plan: NodePlan, places: Places) -> Iterator[Finding]:
    """Files behind links, files with several names, and databases behind links."""
    for link in places.links:
        target = _target(plan, link.path)
        is_file = target in _FILES
        if not (_is_written(plan, target) if is_file else plan.data is not None):
            continue
        what = "the link is moved away, and the restored database is a folder in its place"
        if is_file:
            what = "the file there is replaced, and the link stays"
        sentence = f"{plan.name}: {link.path} is a symbolic link to {link.real}: {what}"
        yield Finding(FindingCode.LINKED_FILE, plan.name, sentence)
    for link in places.hard_links:
        if _is_written(plan, _target(plan, link.path)):
            sentence = (
                f"{plan.name}: {link.real} has other names (hard links): this one gets the new file, the "
                "others keep the old one"
            )
            yield Finding(FindingCode.LINKED_FILE, plan.name, sentence)


def _target(plan: NodePlan, path: str) -> str:
    return path.removeprefix(f"{plan.working_directory}/")


def _is_written(plan: NodePlan, target: str) -> bool:
    """Whether the restore puts something there or takes it away; otherwise it only keeps a copy."""
    choice = next((choice for choice in plan.files if choice.target == target), None)
    if choice is None:
        return False
    if target == VALIDATOR:
        return choice.action is not FileAction.KEEP
    return choice.changes


def _is_in_the_way(unfit: Unfit, plan: NodePlan, needed: set[tuple[Use, str]], corrected: str | None) -> bool:
    match unfit.use:
        case Use.FILE:
            return _is_written(plan, _target(plan, unfit.what))
        case Use.UNIT:
            restored = unfit.what == plan.unit_path and _is_written(plan, UNIT)
            return restored or unfit.what == corrected
        case Use.VERIFY:
            return unfit.what == corrected and not _is_written(plan, UNIT)
        case Use.STATE:
            return plan.data is not None
        case Use.PROGRAM | Use.USER | Use.GROUP:
            return (unfit.use, unfit.what) in needed
        case Use.SIGNING:
            return plan.signing.action is SigningAction.RESET and plan.signing.found_height is not None
        case _:
            return True


def _needed_of_unit(plan: NodePlan, details: NodeDetails, config: Contents | None) -> set[tuple[Use, str]]:
    """What the unit needs that will be there after the restore."""
    restored = restored_unit(details, config, plan.unit_path) if _is_written(plan, UNIT) else None
    unit = restored or details.status.unit
    return set(_of_unit(unit)) if unit is not None and (restored or unit.files) else set()


def _unread_hold(plan: NodePlan) -> Iterator[Finding]:
    """Beside a unit that is linked from elsewhere, an old systemd tells the place that it leads to."""
    folder = posixpath.dirname(plan.unit_path)
    if not _SEARCHED.fullmatch(folder):
        sentence = (
            f"{plan.name}: its unit lies in {folder}, where systemd reads no drop-ins: nothing would hold "
            "the service"
        )
        advice = "Copy it to /etc/systemd/system, then: systemctl daemon-reload"
        yield Finding(FindingCode.UNFIT_PLACE, plan.name, sentence, advice)


def _template(plan: NodePlan) -> Iterator[Finding]:
    """A run names the service by its unit file; a template is none, and a hold of it would hold them all."""
    name = posixpath.basename(plan.unit_path)
    if "@." in name:
        sentence = (
            f"{plan.name}: its unit is an instance of the template {plan.unit_path}: a run can neither hold "
            "nor replace it alone"
        )
        advice = (
            "Copy it to a unit of its own, without @ in its name, name that in the inventory, and plan again"
        )
        yield Finding(FindingCode.UNFIT_PLACE, plan.name, sentence, advice)


def _long_names(plan: NodePlan, details: NodeDetails, places: Places) -> Iterator[Finding]:
    """A suspended script gets a longer name, in its own folder."""
    for job in details.backups.scheduled:
        name = _SUSPENDED_NAME.format(name=posixpath.basename(job.place))
        if job.kind is JobKind.SCRIPT and len(name.encode()) > (places.name_limit or 255):
            sentence = (
                f"{plan.name}: {job.place} cannot be suspended: its name is too long to get a longer one"
            )
            advice = "Give it a shorter name, or plan with --backup-jobs leave"
            yield Finding(FindingCode.UNFIT_PLACE, plan.name, sentence, advice)


def _odd_signing_state(plan: NodePlan, config: Contents | None) -> Iterator[Finding]:
    """The file of the backup is edited on the node, where only its known forms are."""
    saved = config.validator if config is not None else None
    edits = plan.signing.action is SigningAction.RAISE or (
        plan.signing.action is SigningAction.RESET and plan.signing.found_height is None
    )
    if edits and saved is not None and saved.signing is None:
        yield finding_of(plan, Unfit(Use.SIGNING, "backup", Fault.UNKNOWN_FORM, f"{VALIDATOR} of the backup"))
