"""What the plan says of a place on a node that cannot be changed: what is there, and what to do."""

from __future__ import annotations

from collections.abc import Mapping

from loomtui.fleet.probes.places import Fault, Unfit, Use
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import NodePlan

_CODES: Mapping[Use, FindingCode] = {
    Use.PROGRAM: FindingCode.CANNOT_START,
    Use.USER: FindingCode.CANNOT_START,
    Use.GROUP: FindingCode.CANNOT_START,
    Use.SIGNING: FindingCode.SIGNING_STATE_ODD,
    Use.TOOL: FindingCode.TOOL_MISSING,
}

#: What would not work.
_ACTS: Mapping[Use, str] = {
    Use.FILE: "{what} cannot be replaced",
    Use.UNIT: "the unit file {what} cannot be replaced",
    Use.STATE: "{what} cannot be swapped in one step, nor back",
    Use.MOVE: "{what}, which starts backup.sh, cannot be suspended",
    Use.CRONTAB: "{what}, which starts backup.sh, cannot be suspended",
    Use.TIMER: "the timer that starts backup.sh cannot be suspended with {what}",
    Use.HOLD: "the service cannot be held with {what}",
    Use.STAGING: "{what}, in which backup.sh stages, cannot be set aside",
    Use.PROGRAM: "the service could not start",
    Use.USER: "the service could not start",
    Use.GROUP: "the service could not start",
    Use.VERIFY: "the peers in {what} have to be corrected, and cannot be",
    Use.SIGNING: "its signing state cannot be set",
    Use.WORK: "a run has no place in {what}",
    Use.TOOL: "a run cannot work there",
}

_AWAY = "Move it away"
_FORM = (
    "{at} is of a form that loomtui does not know",
    "Correct the file on the node, or get it from a backup",
)
_ABSENT: Mapping[Use, tuple[str, str]] = {
    Use.PROGRAM: (
        "its unit starts {at}, which is not there",
        "Install Loom there, or correct ExecStart= of the unit",
    ),
    Use.USER: (
        "its unit names the user {at}, whom the node does not know",
        "Make the user, or correct User=",
    ),
    Use.GROUP: (
        "its unit names the group {at}, which the node does not know",
        "Make the group, or correct Group=",
    ),
    Use.TOOL: ("there is no {at}", "Install it (coreutils, findutils, grep, sed, tar)"),
}
#: What is wrong, and what to do.
_FAULTS: Mapping[Fault, tuple[str, str]] = {
    Fault.FOLDER: ("{at} is a folder, where a file is expected", _AWAY),
    Fault.SPECIAL: ("{at} is no regular file, but a pipe, a socket or a device", _AWAY),
    Fault.LOOP: ("{at} is a symbolic link that leads in a circle", "Put the file itself there"),
    Fault.DANGLING: (
        "{what} is a symbolic link to {at}, and what it needs there is missing",
        "Mount the disk or make the folder that it leads to, or remove the link",
    ),
    Fault.UNTRUSTED: (
        "it leads to {at} by a symbolic link that root did not make, and the folder there is not that of the "
        "service's user: nothing is written there for him",
        "Make the link anew as root, or put the file itself there",
    ),
    Fault.LINKED: ("{at} is a symbolic link", "Put in its place what it leads to, or remove it"),
    Fault.MOUNTED: (
        "{at} is a mount point, which cannot be renamed",
        "Unmount it, and put what was mounted into its place",
    ),
    Fault.IMMUTABLE: ("{at} is immutable", "As root: chattr -i {at}"),
    Fault.APPEND_ONLY: ("{at} can only be appended to", "As root: chattr -a {at}"),
    Fault.UNWRITABLE: (
        "{at} cannot be written, by root either: its file system is read-only, or it is immutable",
        "Make it writable (mount -o remount,rw; chattr -i)",
    ),
    Fault.NO_FOLDER: ("{at} is no folder, and one is needed there", _AWAY),
    Fault.IN_THE_WAY: ("{at} is in the way", _AWAY),
    Fault.ELSEWHERE: (
        "{at} lies on another file system, or another mount, than the working directory",
        "Move them together, or leave it out",
    ),
    Fault.PLAIN: (
        "it lies on a file system that knows no owners and no hard links",
        "Move the working directory to another file system (ext4, xfs)",
    ),
    Fault.NOT_EXECUTABLE: (
        "its unit starts {at}, which the service's user may not execute",
        "Give it the right mode: chmod 755 {at}",
    ),
    Fault.NOT_GNU: ("its {at} is not GNU's, and does not unpack as a run needs it", "Install GNU tar"),
    Fault.TOP: (
        "it is a folder at the top of the file system, where others have things too",
        "Empty it, or set TMP_LOCATION of backup.sh to a folder of its own",
    ),
    Fault.HOLDS_NODE: (
        "the node itself lies in it",
        "Set TMP_LOCATION of backup.sh to a folder of its own",
    ),
    Fault.OF_NODE: (
        "it is one of the node's own folders",
        "Set TMP_LOCATION of backup.sh to a folder of its own",
    ),
    Fault.REFUSED: ("systemd refuses the file as it is: {at}", "Correct the unit on the node"),
    Fault.KEY_CHANGED: _FORM,
    Fault.UNKNOWN_FORM: _FORM,
    Fault.NO_HEIGHT: _FORM,
    Fault.SIGNATURE_LEFT: _FORM,
}


def said_of(unfit: Unfit) -> tuple[str, str]:
    """What is there, and what to do; both without a full stop."""
    missing = ("{at} is not there", "Make it")
    what, todo = _ABSENT.get(unfit.use, missing) if unfit.fault is Fault.ABSENT else _FAULTS[unfit.fault]
    values = {"what": unfit.what, "at": unfit.at}
    leave = unfit.use in {Use.CRONTAB, Use.MOVE, Use.TIMER}
    advice = f"{todo.format(**values)}{', or plan with --backup-jobs leave' if leave else ''}"
    return f"{_ACTS[unfit.use].format(**values)}: {what.format(**values)}", advice


def finding_of(plan: NodePlan, unfit: Unfit) -> Finding:
    """The refusal, with the node, the place, what is there, and what to do."""
    code = _CODES.get(unfit.use, FindingCode.UNFIT_PLACE)
    if unfit.fault is Fault.ELSEWHERE:
        code = FindingCode.SEVERAL_FILE_SYSTEMS
    sentence, advice = said_of(unfit)
    return Finding(code, plan.name, f"{plan.name}: {sentence}", advice)
