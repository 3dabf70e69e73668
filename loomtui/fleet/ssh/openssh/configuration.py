"""What OpenSSH's configuration says of a host. The `ssh` program is asked; where there is none, we read."""

from __future__ import annotations

import getpass
import os
import pwd
import socket
from collections.abc import Hashable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from loomtui.errors import CallError
from loomtui.fleet.ssh.openssh import reading
from loomtui.fleet.ssh.openssh.options import Asked, SshOptions, algorithms, family, from_program, is_yes
from loomtui.fleet.ssh.openssh.program import SshProgram, ssh_program
from loomtui.fleet.ssh.openssh.sharing import Answers, for_host, is_plain_name, tells_hosts_apart
from loomtui.fleet.ssh.openssh.tokens import Tokens, with_home
from loomtui.text import clean_line

_USER_FILE = ".ssh/config"
_USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


class Which(StrEnum):
    """Which files are read."""

    USUAL = "usual"  # those of `ssh HOST`: the user's and the machine's
    NAMED = "named"  # that of `ssh -F FILE HOST` alone
    NONE = "none"


@dataclass(frozen=True)
class Answer:
    options: SshOptions
    tokens: Tokens  # for the names of files, and for commands, that still have them


class Configuration:
    """Answers for one inventory. `file` is that of Which.NAMED.

    Without `tells_known_hosts`, nothing is refused because of the names of known_hosts files.
    """

    def __init__(self, which: Which, file: Path | None = None, *, tells_known_hosts: bool = True) -> None:
        self._which = which
        self._file = file
        self._tells_known_hosts = tells_known_hosts

    def answer(self, asked: Asked) -> Answer:
        """Blocks for a moment. Raises CallError if the configuration is wrong, or is not understood."""
        if asked.host.startswith("-"):
            raise CallError(f"a host cannot be called {clean_line(asked.host, limit=80)!r}")
        if self._file is not None:
            _refuse_absent(self._file)
        program = self._program()
        return self._own(asked) if program is None else self._asked(program, asked)

    def _program(self) -> SshProgram | None:
        """The program looks its user's home folder up in the user database; it knows no other one."""
        if self._which is Which.NONE:
            return None
        if self._which is Which.USUAL and Path.home() != _home_of_user():
            return None
        return ssh_program(os.environ.get("PATH"))

    def _asked(self, program: SshProgram, asked: Asked) -> Answer:
        usual = (_home_of_user() / _USER_FILE, reading.SYSTEM_FOLDER / "ssh_config")
        state = _state(*((self._file,) if self._file else usual))
        options = self._told(program, state, asked)
        tokens = _tokens(options, asked, _home_of_user(), _name_of_user())
        if not program.fills_in:
            options = _filled_in(options, tokens)
        if not self._tells_known_hosts:
            return Answer(replace(options, user_known_hosts=(), global_known_hosts=()), tokens)
        if any(" " in name for name in (*options.user_known_hosts, *options.global_known_hosts)):
            options = self._with_blanks(options, asked)
        return Answer(options, tokens)

    def _told(self, program: SshProgram, state: Hashable, asked: Asked) -> SshOptions:
        """What the program says. It is asked once for all hosts if its files do not tell them apart."""

        def ask() -> SshOptions:
            return from_program(program.ask(asked, self._file))

        about = (program, self._file, state, asked)
        if not is_plain_name(asked.host) or _APART.once(about[:3], lambda: tells_hosts_apart(self._files)):
            return _ANSWERS.once(about, ask)
        first, told = _SHARED.once(
            (program, self._file, state, replace(asked, host="")), lambda: (asked.host, ask())
        )
        own = told if first == asked.host else for_host(told, first, asked.host)
        return own or _ANSWERS.once(about, ask)

    @property
    def _files(self) -> reading.Files:
        home = _home_of_user()
        return reading.Files(home, self._file, None) if self._file else reading.Files(home, home / _USER_FILE)

    def _own(self, asked: Asked) -> Answer:
        options = self._read(asked, Path.home())
        return Answer(options, _tokens(options, asked, Path.home(), _local_user()))

    def _read(self, asked: Asked, home: Path) -> SshOptions:
        match self._which:
            case Which.USUAL:
                files = reading.Files(home, home / _USER_FILE)
            case Which.NAMED:
                files = reading.Files(home, self._file, None, is_named=True)
            case Which.NONE:
                files = reading.Files(home, None, None)
        return read_options(files, asked)

    def _with_blanks(self, options: SshOptions, asked: Asked) -> SshOptions:
        """The program puts names of files on a line and marks no ends, so our reading has to say them."""
        problem = ""
        try:
            own = self._read(asked, _home_of_user())
        except CallError as error:
            problem = f" ({error.what})"
        else:
            if (_line(own.user_known_hosts), _line(own.global_known_hosts)) == (
                _line(options.user_known_hosts),
                _line(options.global_known_hosts),
            ):
                return replace(
                    options, user_known_hosts=own.user_known_hosts, global_known_hosts=own.global_known_hosts
                )
        shown = clean_line(_line(options.user_known_hosts), limit=200)
        raise CallError(
            f"nobody can tell where the names of known_hosts files for {asked.host} end: {shown}{problem}",
            advice="Use names without blanks, or give `ssh.known_hosts` in the inventory.",
        )


_ANSWERS = Answers[SshOptions]()
_APART = Answers[bool]()  # whether files tell hosts apart
_SHARED = Answers[
    tuple[str, SshOptions]
]()  # the host that was asked about, and what was said, for all others


def read_options(files: reading.Files, asked: Asked) -> SshOptions:
    """Our own reading, in the form of the program's answer. Raises CallError."""
    local_user = _local_user()
    found = reading.read(files, asked, local_user)
    options = SshOptions(
        host_name=found.host,
        user=found.one("user") or local_user,
        port=int(found.one("port") or 22),
        identity_files=found.named_files("identityfile"),
        certificate_files=found.named_files("certificatefile"),
        identities_only=is_yes(found.one("identitiesonly")),
        revoked_host_keys=_unless_none(found.one("revokedhostkeys")),
        host_key_alias=found.one("hostkeyalias").lower(),
        strict=is_yes(found.one("stricthostkeychecking")),
        address_family=family(found.one("addressfamily")),
        bind_address=found.one("bindaddress"),
        proxy_jump=_unless_none(found.one("proxyjump")),
        proxy_command=_unless_none(found.one("proxycommand")),
        proxy_gives_socket=not _unless_none(found.one("proxyjump")) and is_yes(found.one("proxyusefdpass")),
        algorithms=algorithms({keyword: values[0] for keyword, values in found.values.items()}),
    )
    if not options.user:
        raise CallError("nobody knows what you are called here", advice="Give `ssh.user` in the inventory.")
    tokens = _tokens(options, asked, files.home, local_user)
    own = found.values.get("userknownhostsfile", list(_USER_KNOWN_HOSTS))
    every = found.values.get("globalknownhostsfile", list(_GLOBAL_KNOWN_HOSTS))
    return replace(
        options,
        identity_agent=tokens.file(found.one("identityagent")),
        user_known_hosts=tuple(tokens.file(name) for name in own if _unless_none(name)),
        global_known_hosts=tuple(name for name in every if _unless_none(name)),
    )


def _tokens(options: SshOptions, asked: Asked, home: Path, local_user: str) -> Tokens:
    """ssh_config(5), TOKENS. `%C` is not among them: what it is a digest of differs between versions."""
    this_host = socket.gethostname()
    return Tokens(
        home,
        {
            "d": str(home),
            "h": options.host_name,
            "i": str(os.getuid()),
            "k": options.host_key_alias or asked.host,
            "L": this_host.partition(".")[0],
            "l": this_host,
            "n": asked.host,
            "p": str(options.port),
            "r": options.user,
            "u": local_user,
        },
    )


def _filled_in(options: SshOptions, tokens: Tokens) -> SshOptions:
    """What older programs leave as it is written. They know no tokens in the names of known_hosts files."""
    for name in options.user_known_hosts:
        if "%" in name or "${" in name:
            raise CallError(
                f"the `ssh` program of this machine does not fill in {clean_line(name, limit=120)!r}",
                advice="Write the name of the known_hosts file out, or install OpenSSH 8.4 or later.",
            )
    return replace(
        options,
        identity_agent=tokens.file(options.identity_agent),
        user_known_hosts=tuple(with_home(name, tokens.home) for name in options.user_known_hosts),
    )


def _home_of_user() -> Path:
    """As the program has it. Of a user whom the database does not know, it says so itself."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path.home()


def _name_of_user() -> str:
    """As the program has it, whatever LOGNAME says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return _local_user()


def _local_user() -> str:
    """The name of LOGNAME and its like, or of the user database; '' if there is none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _refuse_absent(file: Path) -> None:
    """Raises CallError."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CallError(f"the SSH configuration {file} does not exist") from error
    except OSError as error:  # a folder on the way may be another's
        raise CallError(f"the SSH configuration {file} cannot be read: {error.strerror}") from error


def _state(*files: Path) -> tuple[tuple[int, int] | None, ...]:
    """What tells that a file was changed since: when, and its size; None where there is none."""
    return tuple(_changed(file) for file in files)


def _changed(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _unless_none(value: str) -> str:
    return "" if value.lower() == "none" else value


def _line(names: tuple[str, ...]) -> str:
    return " ".join(names)
