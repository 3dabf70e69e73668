"""The backups that lie in S3 when a scenario begins, as backup.sh has made them on the hosts of the past."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from loomtui.drill import archives
from loomtui.drill.archives import ConfigFiles, Era, Method, Upload
from loomtui.drill.scenarios import Scenario
from loomtui.drill.scenarios.backup_models import DataBackup
from loomtui.drill.stage import Host, Stage
from loomtui.drill.store import PREFIX

_OLD_HEIGHTS = (40, 20)  # of the older config backups


def heights_wanted(scenario: Scenario) -> set[int]:
    """Of which heights databases are needed, for nodes and for backups."""
    wanted = {scenario.tip_height, scenario.data_height}
    for state in scenario.state:
        if state.data is not None:
            wanted.add(scenario.height(state.data.height))
    for backup in scenario.backups.data:
        height = scenario.height(backup.height)
        wanted |= {height, height + backup.app_ahead}
    return wanted


def uploads(stage: Stage) -> list[Upload]:
    """Everything that is in S3."""
    with ThreadPoolExecutor(4) as pool:
        data = [pool.submit(_data_backup, stage, kind) for kind in stage.scenario.backups.data]
        config = [
            upload
            for n, host in enumerate(stage.hosts)
            if host.machine.validator or stage.past.backup_config
            for upload in _config_backups(stage, n, host)
        ]
        return [*(future.result() for future in data), *config]


def _data_backup(stage: Stage, kind: DataBackup) -> Upload:
    host = next(host for host in stage.hosts if not host.machine.validator)
    height = stage.scenario.height(kind.height)
    prefix = "home/ubuntu/" if kind.absolute else ""
    items = tuple(item for item in archives.DATA if item not in kind.lacks)
    entries = archives.data_entries(stage.snapshots[height], items, stage.config(host, 0), prefix)
    if kind.app_ahead:
        entries[f"{prefix}app.db"] = stage.snapshots[height + kind.app_ahead] / "app.db"
    upload = _upload(stage, _Taken(host, height, minutes=7), entries, kind.form.value)
    if kind.truncated:
        return Upload(upload.key, upload.body[: len(upload.body) * 2 // 3], upload.taken_at)
    return upload


def _config_backups(stage: Stage, number: int, host: Host) -> list[Upload]:
    newest = stage.scenario.data_height - 11 + 2 * number % 11
    odd = number % 2 == 1
    methods = (Method.RSYNC, Method.ABSOLUTE_TAR)
    kinds = [
        (newest, Era.FOLDER, methods[odd], "tar.gz" if odd else "tar.bz2", False),
        (_OLD_HEIGHTS[0], Era.FOLDER, methods[not odd], "tar.zst", True),
        (_OLD_HEIGHTS[1], Era.NODE_KEY, Method.RSYNC, "tar.bz2", True),
    ]
    made = []
    for height, era, method, extension, former in kinds:
        inside = _inside(stage, host) if height == newest else host
        files = _config_files(stage, inside, height, former=former)
        entries = archives.config_entries(files, era, method)
        made.append(_upload(stage, _Taken(host, height, minutes=number % 5), entries, extension))
    return made


def _inside(stage: Stage, host: Host) -> Host:
    """Whose files the newest config backup under this host's name holds."""
    for wrong in stage.scenario.backups.wrong_hosts:
        if wrong.under == host.machine.name:
            return stage.host(wrong.holds)
    return host


def _config_files(stage: Stage, host: Host, height: int, *, former: bool) -> ConfigFiles:
    return ConfigFiles(
        home=Path("/home/ubuntu"),
        unit=Path("/etc/systemd/system/loom.service"),
        unit_text=stage.unit(host).encode(),
        config=stage.config(host, height, former=former),
        loom_genesis=stage.history.loom_genesis.encode(),
        loom_yml=stage.loom_yml(host.machine).encode(),
    )


@dataclass(frozen=True)
class _Taken:
    """Of which host, and how many minutes after the block of that height."""

    host: Host
    height: int
    minutes: int


def _upload(stage: Stage, taken: _Taken, entries: Mapping[str, Path | bytes], extension: str) -> Upload:
    at = stage.history.time_of(taken.height) + timedelta(minutes=taken.minutes)
    key = archives.object_key(PREFIX, at, taken.host.machine.hostname, extension)
    return Upload(key, archives.pack(entries, extension, at), at)
