"""A plan as a file.

It is YAML that a person can read and review, and it is checked as a whole when it is read again.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from loomtui.backups.prepared.places import manifest_key
from loomtui.backups.prepared.reference import ManifestRef
from loomtui.errors import CallError
from loomtui.loom.config import REDIS_PLACE
from loomtui.loom.databases import ADDRBOOK, CONFIG_TARGETS, OLD_DATABASES, STATE_NAMES
from loomtui.restore.choices import KEEP_REDIS
from loomtui.restore.findings import FindingCode
from loomtui.restore.plan import PLAN_VERSION, Archive, NodePlan, Plan
from loomtui.restore.planning.chain import GENESIS_FILES
from loomtui.text import UNSHOWABLE, clean_line

_MAX_BYTES = 64 * 1024 * 1024
_SAFE_NAME = re.compile(r"(?!-)[^\x00-\x1f\x7f]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_UNIT_NAME = re.compile(r"[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*\.service")
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\$?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ETAG = re.compile(r"(\"?)[A-Za-z0-9._:+/=-]{0,200}\1")
_DATABASE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,254}")
_DEEPEST = 50  # lists and mappings inside each other; a plan has 6
_LONGEST_SECONDS = 24 * 3600
_LONGEST_OBJECTIVE = 3650 * 24 * 3600
_RENAMED = {"foreign": "external_addresses"}
_CHOICES_THEN = {
    "stage_first": "stage_first",
    "reset_signing": "reset_confirmed",
    "backup_policy": "backup_policy",
}
#: libyaml's, which takes an eighth of the time, where PyYAML has it: every run that is listed has a plan.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OF_FINDINGS = ("refusals", "warnings")
_ANEW = "Make it anew: loomtui plan -o FILE"  # with which choices it was made, it does not tell


@cache
def _adapter() -> TypeAdapter[Plan]:
    """Made when it is needed: the first frame does not wait for it."""
    return TypeAdapter(Plan)


def dump_plan(plan: Plan) -> str:
    """The plan as YAML."""
    data = _adapter().dump_python(plan, mode="json")
    made_at = f"{plan.made_at:%Y-%m-%d %H:%M} UTC"
    head = f"# A restore plan for {plan.cluster}, made {made_at}. Nothing secret is in it.\n"
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return head + UNSHOWABLE.sub(_escape, text)


def save_plan(plan: Plan, path: Path) -> None:
    """Writes the file as a whole or not at all, with mode 0600. Raises CallError if it cannot be written."""
    try:
        write_private(path, dump_plan(plan).encode())
    except OSError as error:
        raise CallError(f"the plan cannot be written to {path}: {error.strerror}") from error


def load_plan(path: Path) -> Plan:
    """Raises CallError: the file is unreadable, no plan, of another version, or has forbidden paths."""
    return parse_plan(plan_bytes(path), str(path))


def plan_bytes(path: Path) -> bytes:
    """The plan as it is written. Raises CallError."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CallError(f"{path} is too large to be a plan")
        return path.read_bytes()
    except OSError as error:
        raise CallError(f"the plan {path} cannot be read: {error.strerror}") from error


def parse_plan(text: bytes, name: str) -> Plan:
    """The plan from the bytes of its file. Raises CallError, as `load_plan`."""
    try:
        data = _parsed(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise CallError(f"{name} is not a plan: {clean_line(str(error), limit=200)}") from error
    return read_plan(data, name)


def read_plan(data: Any, name: str) -> Plan:
    """The plan from its parsed form. Raises CallError."""
    if not isinstance(data, dict) or data.get("version") != PLAN_VERSION:
        raise CallError(
            f"{name} is not a plan of this version ({PLAN_VERSION})",
            advice=_ANEW,
        )
    try:
        plan = _adapter().validate_python(_by_todays_names(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CallError(
            f"{name} is not a valid plan: {clean_line(place)}: {clean_line(first['msg'])}", advice=_ANEW
        ) from error
    problem = next(_problems(plan), None)
    if problem is not None:
        raise CallError(f"{name} holds what no plan may hold: {clean_line(problem, limit=300)}", advice=_ANEW)
    return plan


def _by_todays_names(data: dict[str, Any]) -> dict[str, Any]:
    """Lets runs that were begun with an earlier loomtui be resumed with the plans that they keep.

    Such a plan tells only a part of its choices; a new one is made from the same nodes and data.
    """
    data = data | {name: _findings(data[name]) for name in _OF_FINDINGS if name in data}
    nodes = data.get("nodes")
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        return data
    renamed = [{_RENAMED.get(name, name): value for name, value in node.items()} for node in nodes]
    return {"choices": _choices_of_old_plan(data, nodes)} | data | {"nodes": renamed}


def _choices_of_old_plan(data: dict[str, Any], nodes: list[dict[str, Any]]) -> dict[str, Any]:
    choices: dict[str, Any] = {"stage_first": False}  # the default of that time
    choices |= {now: data[then] for now, then in _CHOICES_THEN.items() if then in data}
    keys = [
        node["data"]["key"] for node in nodes if isinstance(node.get("data"), dict) and "key" in node["data"]
    ]
    if keys:
        choices["data_key"] = keys[0]
    if data.get("left_out"):
        choices["nodes"] = [node.get("name") for node in nodes]
    return choices


def _findings(listed: Any) -> Any:
    """Findings were plain texts once, and still are in what `loomtui plan --json` prints."""
    if not isinstance(listed, list):
        return listed
    return [
        {"code": FindingCode.NOT_TOLD, "node": None, "sentence": one} if isinstance(one, str) else one
        for one in listed
    ]


def _problems(plan: Plan) -> Iterator[str]:
    """What no plan may hold, because it would end up in a command or in a path on a node."""
    if not _NAME.fullmatch(plan.cluster):
        yield f"the cluster's name {plan.cluster!r}"
    if not 1 <= plan.verify_deadline_seconds <= _LONGEST_SECONDS:
        yield f"a deadline of {plan.verify_deadline_seconds} seconds"
    for objective in (plan.objectives.downtime_seconds, plan.objectives.data_loss_seconds):
        if objective is not None and not 0 < objective <= _LONGEST_OBJECTIVE:
            yield f"an objective of {objective} seconds"
    if plan.made_at.tzinfo is None:
        yield "a time without its zone"
    if any(passed.taken_at.tzinfo is None for passed in plan.passed_over):
        yield "a time without its zone"
    if plan.choices.before is not None and plan.choices.before.tzinfo is None:
        yield "a time without its zone"
    if plan.choices.redis not in (None, KEEP_REDIS) and not REDIS_PLACE.fullmatch(plan.choices.redis or ""):
        yield f"the Redis address {plan.choices.redis!r}"
    names = [node.name for node in plan.nodes]
    yield from (f"the node {name!r} twice" for name in sorted(set(names)) if names.count(name) > 1)
    if (plan.choices.look_limit_bytes or 0) < 0:
        yield f"a limit of {plan.choices.look_limit_bytes} bytes"
    yield from _unread_problems(plan)
    yield from _loss_problems(plan)
    for node in plan.nodes:
        yield from (f"{problem} ({node.name})" for problem in _node_problems(node))


def _node_problems(node: NodePlan) -> Iterator[str]:
    if not _NAME.fullmatch(node.name):
        yield f"the name {node.name!r}"
    for path in (node.working_directory, node.unit_path):
        if not path.startswith("/") or ".." in PurePosixPath(path).parts or not _SAFE_NAME.fullmatch(path):
            yield f"the path {path!r}"
    if not _UNIT_NAME.fullmatch(PurePosixPath(node.unit_path).name):
        yield f"the unit {node.unit_path!r}"
    yield from (f"the owner {name!r}" for name in (node.user, node.group) if not _ACCOUNT.fullmatch(name))
    for redis in (file.redis for file in node.files if file.redis is not None):
        if not REDIS_PLACE.fullmatch(redis):
            yield f"the Redis address {redis!r}"
    for file in (file for file in node.files if file.text is not None):
        if file.target not in GENESIS_FILES or file.digest != sha256((file.text or "").encode()).hexdigest():
            yield f"a text for {file.target!r}"
    known = {*CONFIG_TARGETS, ADDRBOOK}
    yield from (f"the file {file.target!r}" for file in node.files if file.target not in known)
    if node.data is not None:
        yield from _archive_problems(node.data, {name for name in STATE_NAMES if "*" not in name})
    if node.config is not None:
        yield from _archive_problems(node.config, set(CONFIG_TARGETS))


def _unread_problems(plan: Plan) -> Iterator[str]:
    """Only data may be unread, and only where the plan says that something is not known yet."""
    for node in plan.nodes:
        for archive in (node.data, node.config):
            unread = archive is not None and not archive.is_known
            if (
                archive is not None
                and unread
                and (plan.is_complete or archive is node.config or archive.items)
            ):
                yield f"an archive without its SHA-256 ({node.name})"


def _loss_problems(plan: Plan) -> Iterator[str]:
    """Old databases are deleted only with consent, by names of such, and for data that is judged before."""
    yield from (f"a size below zero ({node.name})" for node in plan.nodes if node.taken_over_bytes < 0)
    if not plan.gives_up:
        return
    if not plan.choices.give_up_old_data:
        yield "old data given up without consent"
    for node in plan.nodes:
        if node.gives_up is not None and node.data is None:
            yield f"old data given up for nothing ({node.name})"
        old = node.gives_up
        if old is not None and min(old.bytes, old.files, len(old.names) - 1) < 0:
            yield f"old data of no size ({node.name})"
        names = old.names if old is not None else ()
        yield from (f"the database {name!r} ({node.name})" for name in names if not _is_old_database(name))
    is_read = all(node.data is None or node.data.is_known for node in plan.nodes)
    if not is_read and len(plan.gives_up) == len(plan.nodes):
        yield "old data given up for an archive that nobody judges before"


def _is_old_database(name: str) -> bool:
    plain = _DATABASE.fullmatch(name) is not None and ".." not in name
    patterns = (pattern for pattern in OLD_DATABASES if pattern.count("/") == name.count("/"))
    return plain and any(fnmatchcase(name, pattern) for pattern in patterns)


def _archive_problems(archive: Archive, targets: set[str]) -> Iterator[str]:
    if archive.is_known and not _SHA256.fullmatch(archive.sha256):
        yield f"the SHA-256 {archive.sha256!r}"
    if not _ETAG.fullmatch(archive.etag):
        yield f"the ETag {archive.etag!r}"
    if min(archive.size_bytes, archive.unpacked_bytes, archive.file_count) < 0:
        yield "a size below zero"
    if archive.taken_at.tzinfo is None:
        yield "a time without its zone"
    if archive.manifest is not None:
        yield from _manifest_problems(archive, archive.manifest)
    elif archive.has_twin:
        yield "a twin without a manifest"
    for item in archive.items:
        plain = _SAFE_NAME.fullmatch(item.source) and ".." not in PurePosixPath(item.source).parts
        if not plain or item.source.startswith("/") or item.target not in targets:
            yield f"the item {item.source!r} → {item.target!r}"
        targets = targets - {item.target}


def _manifest_problems(archive: Archive, ref: ManifestRef) -> Iterator[str]:
    if ref.key != manifest_key(archive.key):
        yield f"the manifest {ref.key!r}"
    if not _SHA256.fullmatch(ref.sha256):
        yield f"the SHA-256 {ref.sha256!r}"
    if not _ETAG.fullmatch(ref.etag):
        yield f"the ETag {ref.etag!r}"
    if ref.size_bytes < 0:
        yield "a size below zero"
    if ref.made_at is not None and ref.made_at.tzinfo is None:
        yield "a time without its zone"


def write_private(path: Path, data: bytes) -> None:
    """Writes a file of mode 0600 atomically and durably. Raises OSError."""
    write_whole(path, data, mode=0o600)


def write_whole(path: Path, data: bytes, *, mode: int) -> None:
    """Writes a file atomically and durably: whoever reads it finds the old or the new one. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".loomtui-")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _parsed(text: bytes) -> Any:
    """What the YAML says. Raises yaml.YAMLError, ValueError."""
    depth = 0
    for event in yaml.parse(text, Loader=_SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed in a plan")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise yaml.YAMLError("its values are nested too deep for a plan")
    return yaml.load(text, Loader=_SafeLoader)  # noqa: S506 - one of the two safe loaders


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    if UNSHOWABLE.search(value):  # some would not survive otherwise, others would deceive who reads the file
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _escape(match: re.Match[str]) -> str:
    """Escapes as YAML's double-quoted scalars do. Characters that cannot be shown are allowed only there."""
    return f"\\U{ord(match[0]):08X}"


_Dumper.add_representer(str, _represent_text)
