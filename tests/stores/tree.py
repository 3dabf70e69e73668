"""The Debian tree that servers run in: made once, outside the checkout. Nothing else is installed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from tests.apart import APART, run_apart

SUITE = "bookworm"
PACKAGES = (
    "radosgw",
    "ceph-mon",
    "ceph-osd",
    "ceph-common",
    "swift-proxy",
    "swift-account",
    "swift-container",
    "swift-object",
    "memcached",
)
#: Program -> the Debian package that it comes from.
PROGRAMS = {"debootstrap": "debootstrap", "unshare": "util-linux", "mount": "mount"}

_PREPARE = f"""
set -eu
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get update -q
apt-get install -q -y --no-install-recommends {" ".join(PACKAGES)}
apt-get clean
mkdir -p /etc/swift
"""


class StoreError(Exception):
    """A server cannot be had; the text says why."""


def missing() -> str:
    """Why the servers of Debian cannot be run here, in one line; empty when they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "Ceph and Swift need Linux and root"
    lacking = {package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    return f"Ceph and Swift need the Debian packages {' '.join(sorted(lacking))}" if lacking else ""


def cache_folder() -> Path:
    """Where the tree is. LOOM_STORES_CACHE names another folder."""
    return Path(os.environ.get("LOOM_STORES_CACHE", "/var/cache/loomtui-stores"))


def debian_tree() -> Path:
    """The tree; built at the first call, which takes a few minutes and 1 GB. Raises StoreError."""
    if why := missing():
        raise StoreError(why)
    recipe = "\n".join((SUITE, _PREPARE))
    tree = cache_folder() / f"tree-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if not tree.is_dir():
        partial = tree.with_name(f"{tree.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        _build(partial)
        partial.rename(tree)
    return tree


def apart(tree: Path, *command: str) -> list[str]:
    """A command in the tree, with processes and mounts that end with it."""
    mounts = (
        f"mount -t proc proc {tree}/proc && mount --rbind /dev {tree}/dev"
        f" && mount -t tmpfs tmpfs {tree}/srv && mount -t tmpfs tmpfs {tree}/etc/swift"
        f' && exec chroot {tree} "$@"'
    )
    return [*APART, "sh", "-c", mounts, "sh", *command]


def _build(folder: Path) -> None:
    # LOOM_LAB_MIRROR: a Debian mirror, as for the lab; without it the one that debootstrap knows.
    mirror = [os.environ["LOOM_LAB_MIRROR"]] if "LOOM_LAB_MIRROR" in os.environ else []
    run_apart(["debootstrap", "--variant=minbase", SUITE, str(folder), *mirror], StoreError)
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    inside = f'mount -t proc proc {folder}/proc && exec chroot {folder} sh -c "$1"'
    run_apart(["sh", "-c", inside, "sh", _PREPARE], StoreError)
