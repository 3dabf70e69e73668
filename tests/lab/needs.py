"""What the lab needs of the machine that it runs on. As a program it prints the Debian packages that lack."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress

from tests.lab import cgroups

#: Program → the Debian package that it comes from.
PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "mount": "mount",
    "losetup": "mount",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "ssh-agent": "openssh-client",
}

#: What a lab does first, in small; says what it was about when it fails. Nothing of it is left.
_TRIAL = """
trap 'echo "$what"' EXIT
what="tmpfs mounts"
mount -t tmpfs tmpfs /mnt
cd /mnt
what="loop devices with ext4"
truncate -s 4M image
mkfs.ext4 -q image
mkdir disk lower root
mount -o loop image disk
what="overlayfs"
mkdir disk/upper disk/work
mount -t overlay overlay -o lowerdir=lower,upperdir=disk/upper,workdir=disk/work root
what="veth and bridge network devices"
ip link add trial type veth peer name other
ip link add bridge type bridge
what=
"""
_APART = ("unshare", "--mount", "--propagation=private", "--net", "--pid", "--fork", "--kill-child=KILL")


class LabError(Exception):
    """The lab cannot be had, or did not do what it was told; the text says why."""


def packages() -> tuple[str, ...]:
    """The Debian packages that lack."""
    return tuple(
        dict.fromkeys(package for program, package in PROGRAMS.items() if shutil.which(program) is None)
    )


def missing() -> str:
    """Why there can be no lab here, in one line; empty when there can."""
    needs = "the lab of real nodes needs"
    if sys.platform != "linux":
        return f"{needs} Linux"
    if os.geteuid() != 0:
        return f"{needs} root"
    if lacking := packages():
        return f"{needs} the Debian packages {' '.join(lacking)}"
    if why := _tried() or _control_groups():
        return f"{needs} {why}"
    return ""


def _tried() -> str:
    done = subprocess.run(
        [*_APART, "sh", "-euc", _TRIAL],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    if done.returncode == 0:
        return ""
    what = done.stdout.strip() or "namespaces of its own (CAP_SYS_ADMIN)"
    return f"{what}, which cannot be had here: {' '.join(done.stderr.split())}"


def _control_groups() -> str:
    groups = cgroups.own_groups()
    if not groups:
        return "control groups, but no hierarchy is mounted"
    for group in groups:
        trial = group / f"loomtui-lab-trial-{os.getpid()}"
        try:
            trial.mkdir()
        except OSError as error:
            return f"control groups that can be written: {error}"
        finally:
            with suppress(OSError):
                trial.rmdir()
    return ""


if __name__ == "__main__":
    sys.stdout.write(f"{' '.join(packages())}\n")
