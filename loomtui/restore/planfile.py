"""A plan as a file: YAML that a person can read and review, checked whole when it is read again."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from loomtui.errors import CallError
from loomtui.loom.databases import ADDRBOOK, CONFIG_TARGETS, STATE_NAMES
from loomtui.restore.plan import PLAN_VERSION, Archive, Plan
from loomtui.text import clean_line

_ADAPTER = TypeAdapter(Plan)
_MAX_BYTES = 64 * 1024 * 1024
_SAFE_NAME = re.compile(r"^(?!-)[^\x00-\x1f\x7f]+$")


def dump_plan(plan: Plan) -> str:
    """The plan as YAML."""
    data = _ADAPTER.dump_python(plan, mode="json")
    made = f"{plan.made_at:%Y-%m-%d %H:%M} UTC"
    head = f"# A restore plan for {plan.cluster}, made {made}. Nothing secret is in it.\n"
    return head + yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def save_plan(plan: Plan, path: Path) -> None:
    """Writes the file whole or not at all, mode 0600. Raises CallError when it cannot be written."""
    try:
        write_private(path, dump_plan(plan).encode())
    except OSError as error:
        raise CallError(f"the plan cannot be written to {path}: {error.strerror}") from error


def load_plan(path: Path) -> Plan:
    """Raises CallError: not readable, not a plan, another version, or paths that no plan may hold."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CallError(f"{path} is too large to be a plan")
        data = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - a SafeLoader without its slow parser
    except OSError as error:
        raise CallError(f"the plan {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise CallError(f"{path} is not a plan: {clean_line(str(error), limit=200)}") from error
    return read_plan(data, str(path))


def read_plan(data: Any, name: str) -> Plan:
    """The plan from its parsed form. Raises CallError."""
    if not isinstance(data, dict) or data.get("version") != PLAN_VERSION:
        raise CallError(
            f"{name} is not a plan of this version ({PLAN_VERSION})",
            advice="Make it anew: loomtui plan -o FILE",
        )
    try:
        plan = _ADAPTER.validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CallError(f"{name} is not a valid plan: {place}: {clean_line(first['msg'])}") from error
    _check_paths(plan, name)
    return plan


def _check_paths(plan: Plan, name: str) -> None:
    targets = {*CONFIG_TARGETS, ADDRBOOK}
    for node in plan.nodes:
        for path in (node.working_directory, node.unit_path):
            if not path.startswith("/") or ".." in PurePosixPath(path).parts or not _SAFE_NAME.match(path):
                raise CallError(f"{name}: {node.name}: {clean_line(path)} is not a path that a plan may hold")
        for archive in (node.data, node.config):
            if archive is not None:
                _check_items(archive, targets, f"{name}: {node.name}")


def _check_items(archive: Archive, targets: set[str], where: str) -> None:
    state = {name for name in STATE_NAMES if "*" not in name}
    for item in archive.items:
        source_ok = _SAFE_NAME.match(item.source) and ".." not in PurePosixPath(item.source).parts
        if not source_ok or item.source.startswith("/") or item.target not in targets | state:
            raise CallError(
                f"{where}: {clean_line(item.source)} → {clean_line(item.target)} may not be restored"
            )


def write_private(path: Path, data: bytes) -> None:
    """Writes a file of mode 0600 atomically and durably. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".loomtui-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed in a plan")
        return super().compose_node(parent, index)


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represent_text)
