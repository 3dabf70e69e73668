"""The Debian tree that all nodes share, read-only: made once, then kept outside the checkout."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.apart import run_apart
from tests.lab.needs import LabError

SUITE = "bookworm"  # its Python is the oldest that the stand-in runs on
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "libpam-systemd",
    "dbus",
    "openssh-server",
    "libpam-oath",  # one-time codes (RFC 4226)
    "sudo",
    "cron",
    "python3",
    "python3-yaml",
    "python3-cryptography",
    "python3-cffi-backend",  # debootstrap does not find what only provides a name
    "curl",
    "wget",
    "bzip2",
    "xz-utils",
    "zstd",
    "rsync",
    "iproute2",
    "procps",
    "ca-certificates",
)

SERVICE_USER = "ubuntu"  # uid 1000, as on the nodes of the deployment guide; nobody logs in as it
SUDO_USER = "oncall"  # sudo without a password
PASSWORD_USER = "careful"  # sudo asks for PASSWORD
PLAIN_USER = "visitor"  # no sudo
PASSWORD = "lab-sudo-8f1c0e"

_PREPARE = f"""
set -eu
useradd --uid 1000 --create-home --shell /bin/bash {SERVICE_USER}
for user in {SUDO_USER} {PASSWORD_USER} {PLAIN_USER}; do
    useradd --create-home --shell /bin/bash "$user"
done
echo '{PASSWORD_USER}:{PASSWORD}' | chpasswd
echo '{SUDO_USER} ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/{SUDO_USER}
echo '{PASSWORD_USER} ALL=(ALL:ALL) ALL' > /etc/sudoers.d/{PASSWORD_USER}
chmod 440 /etc/sudoers.d/*
rm -f /etc/ssh/ssh_host_* /etc/hostname /etc/machine-id /var/lib/dbus/machine-id
cat > /etc/ssh/sshd_config.d/lab.conf <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
END
mkdir -p /var/log/journal
systemctl mask --quiet apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \\
    e2scrub_reap.service fstrim.timer console-getty.service systemd-firstboot.service
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/*
"""


def cache_folder() -> Path:
    """Where the tree and the disks of running labs are. LOOM_LAB_CACHE names another one."""
    return Path(os.environ.get("LOOM_LAB_CACHE", "/var/cache/loomtui-lab"))


def debian_tree() -> Path:
    """The tree; built at the first call, which takes about two minutes. Raises LabError."""
    recipe = "\n".join((SUITE, *PACKAGES, _PREPARE))
    tree = cache_folder() / f"tree-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if tree.is_dir():
        return tree
    cache_folder().mkdir(parents=True, exist_ok=True)
    with _alone(cache_folder() / "building"):
        if not tree.is_dir():
            partial = tree.with_name(f"{tree.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            _build(partial)
            partial.rename(tree)
    return tree


def _build(folder: Path) -> None:
    # LOOM_LAB_MIRROR: a Debian mirror; without it the one that debootstrap knows.
    mirror = [os.environ["LOOM_LAB_MIRROR"]] if "LOOM_LAB_MIRROR" in os.environ else []
    include = ",".join(PACKAGES)
    made = ["debootstrap", "--variant=minbase", f"--include={include}", SUITE, str(folder), *mirror]
    run_apart(made, LabError)
    run_apart(["chroot", str(folder), "sh", "-c", _PREPARE], LabError)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
