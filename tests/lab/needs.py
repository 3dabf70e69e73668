"""What the lab needs of the machine that it runs on."""

from __future__ import annotations

import os
import shutil
import sys

#: Program → the Debian package that it comes from.
PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "mount": "mount",
    "nsenter": "util-linux",
    "ssh-agent": "openssh-client",
}


class LabError(Exception):
    """The lab cannot be had, or did not do what it was told; the text says why."""


def missing() -> str:
    """Why there can be no lab here, in one line; empty when there can."""
    if sys.platform != "linux":
        return "the lab of real nodes needs Linux"
    if os.geteuid() != 0:
        return "the lab of real nodes needs root"
    packages = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    return f"the lab of real nodes needs the Debian packages {' '.join(packages)}" if packages else ""
