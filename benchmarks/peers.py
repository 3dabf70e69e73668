"""Other tools that loomtui is compared with: installed when a benchmark needs them, never needed by users."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.claims import Unavailable

#: The Python packages that bring a program, as they were when the claims were made.
_PACKAGES = {
    "aws": "awscli==1.46.3",
    "clush": "clustershell==1.9.3",
    "ansible": "ansible-core==2.19.14",
}

_SSHD_PACKAGES = ("openssh-server", "libwrap0")


def python_peer(name: str, folder: Path) -> Path:
    """The program, from a virtual environment of its own below the folder.

    Raises:
        Unavailable: It could not be installed.
    """
    home = folder / name
    program = home / "bin" / name
    if not program.exists():
        _run([sys.executable, "-m", "venv", "--without-pip", str(home)], name)
        python = str(home / "bin" / "python")
        _run(["python3", "-m", "pip", "--python", python, "install", "-q", _PACKAGES[name]], name)
    return program


def system_peer(name: str) -> str:
    """The program's path, where the machine has it.

    Raises:
        Unavailable: It has not.
    """
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"{name} is not installed; install the package of your system that brings it.")
    return found


def sshd_peer(folder: Path) -> tuple[Path, Path]:
    """OpenSSH's server and the folder of the libraries that come with it: the machine's, or Debian's.

    Debian's packages are unpacked below the folder and installed nowhere, so nothing starts by itself.

    Raises:
        Unavailable: It could not be had.
    """
    if own := shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return Path(own), folder
    home = folder / "sshd"
    program, libraries = home / "usr/sbin/sshd", home / "usr/lib" / f"{platform.machine()}-linux-gnu"
    if not program.exists():
        home.mkdir(parents=True, exist_ok=True)
        _run(["apt-get", "download", "-q", *_SSHD_PACKAGES], "sshd", home)
        for package in home.glob("*.deb"):
            _run(["dpkg-deb", "-x", str(package), str(home)], "sshd")
    return program, libraries


def _run(command: list[str], name: str, folder: Path | None = None) -> None:
    if shutil.which(command[0]) is None:
        raise Unavailable(f"{name} is not installed, and there is no {command[0]} to get it with.")
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=folder)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise Unavailable(f"{name} could not be installed: {last}")
