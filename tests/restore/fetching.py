"""A job that fetches an archive, started by its script alone, and how it ended."""

from __future__ import annotations

import time
from pathlib import Path

from loomtui.backups.model import Compression
from loomtui.fleet.scripts import ChangeScript, script_text
from tests.restore.local import LocalNode, digest
from tests.restore.serving import Store

KEY = "2026-01-01--000000-n1.tar.gz"
ETAG = "0123456789abcdef"
MEMBERS = ("app.db", "chaindata/data")


def offer(store: Store, body: bytes, etag: str = ETAG) -> str:
    store.objects[KEY] = (body, etag)
    return digest(body)


def start(
    node: LocalNode,
    store: Store,
    sha: str,
    *members: str,
    compression: Compression = Compression.GZIP,
    etag: str = f'"{ETAG}"',
) -> None:
    job = script_text(ChangeScript("fetch_job"))
    stdin = f"{store.url(KEY)}\n{etag}\n{job}".encode()
    size = str(len(store.objects[KEY][0]) if KEY in store.objects else 1)
    node.done("fetch", "data", compression.value, sha, size, "0", *(members or MEMBERS), stdin=stdin)


def job_file(node: LocalNode, name: str) -> Path:
    return node.run_folder() / "job/data" / name


def outcome(node: LocalNode) -> tuple[int, str]:
    """When the job has ended: its status, and what it says."""
    deadline = time.monotonic() + 60
    while not job_file(node, "rc").exists():
        assert time.monotonic() < deadline, "the job does not end"
        time.sleep(0.01)
    return int(job_file(node, "rc").read_text()), job_file(node, "message").read_text().strip()


def raw(node: LocalNode) -> Path:
    return node.run_folder() / "raw/data"


def files_with(folder: Path, text: str) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]
