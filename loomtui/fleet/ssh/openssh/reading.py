"""Our own reading of ssh_config files, for machines where no `ssh` can be asked.

It does what readconf.c and ssh.c of OpenSSH 9.2 do, tried against `ssh -G` on generated files
(tests/fleet/test_openssh_differences.py), and refuses with file and line what it cannot do: commands, the
names that DNS knows, what versions of OpenSSH take differently.
"""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from loomtui.errors import CallError
from loomtui.fleet.ssh.openssh import algorithms, keywords
from loomtui.fleet.ssh.openssh.criteria import Moment, judge
from loomtui.fleet.ssh.openssh.lines import Place, Statement, matches, matches_list, read_text, statements
from loomtui.fleet.ssh.openssh.names import literal_address, port_number, proxy_jump
from loomtui.fleet.ssh.openssh.options import Asked
from loomtui.fleet.ssh.openssh.tokens import Tokens
from loomtui.text import clean_line

#: `$NAME`, or a text with `${NAME}` in it. Fact: `valid_env_name` of readconf.c.
_AGENT_VARIABLE = re.compile(r"\$(\{|[A-Za-z0-9_]+\Z)")
DEEPEST = 16  # files that include each other
_MOST_FILES = 32  # known_hosts files on a line
_WRITABLE_BY_OTHERS = 0o022
_WITHOUT_DNS = {"canonicalizehostname": ("no", "false"), "canonicalizepermittedcnames": ("none",)}
SYSTEM_FOLDER = Path("/etc/ssh")


@dataclass(frozen=True)
class Files:
    """Which files are read. `user_file` None: none; `system_file` None: not the machine's."""

    home: Path
    user_file: Path | None
    system_file: Path | None = SYSTEM_FOLDER / "ssh_config"
    is_named: bool = False  # as by `ssh -F`: it has to be there, and whoever may write it is not looked at


@dataclass(frozen=True)
class _Source:
    """One file that is read, and what holds for all of it."""

    path: Path
    of_user: bool
    checked: bool  # only its owner and root may be able to write it
    never: bool = False  # included where nothing counts
    depth: int = 0


@dataclass
class Found:
    """The values that count, by keyword, and the places of the lines that they came from.

    `files` are those of keywords that may stand more than once: name, and whether the user named it.
    """

    values: dict[str, list[str]]
    host: str  # as it is dialled
    places: dict[str, Place] = field(default_factory=dict)
    files: dict[str, dict[tuple[str, bool], None]] = field(default_factory=dict)
    wants_final: bool = False

    def one(self, keyword: str) -> str:
        return self.values.get(keyword, [""])[0]

    def named_files(self, keyword: str) -> tuple[str, ...]:
        """Those of a keyword that may stand more than once, in their order."""
        return tuple(name for name, _ in self.files.get(keyword, {}))


def read(files: Files, asked: Asked, local_user: str) -> Found:
    """Raises CallError with file and line for what is wrong or not understood."""
    given = {
        "user": asked.user,
        "port": str(asked.port) if asked.port else None,
        "proxyjump": None if asked.proxied else "none",
    }
    found = Found({name: [value] for name, value in given.items() if value}, asked.host)
    _Reading(files, asked, local_user, found, final=False).all_files()
    _refuse_undoable(found)
    found.host = _dialled(found, asked)
    if found.wants_final:
        found.values["hostname"] = [found.host]
        _Reading(files, asked, local_user, found, final=True).all_files()
        _refuse_undoable(found)
    return found


def _host_name(found: Found, asked: Asked) -> str:
    name = found.one("hostname")
    return Tokens(Path("/"), {"h": asked.host}).filled(name, environment=False) if name else asked.host


def _dialled(found: Found, asked: Asked) -> str:
    host = _host_name(found, asked)
    return literal_address(host, found.one("addressfamily").lower()) or host.lower()


def _refuse_undoable(found: Found) -> None:
    """Raises CallError where what counts depends on DNS, or where nobody is to connect at all."""
    if found.one("refuseconnection"):
        found.places["refuseconnection"].refuse(clean_line(found.one("refuseconnection"), limit=200))
    for keyword, none in _WITHOUT_DNS.items():
        if found.one(keyword).lower() not in ("", *none):
            found.places[keyword].refuse(f"loomtui cannot do {keyword}; the `ssh` program could")


class _Reading:
    """Reads all files once. `final`: for the second time, with the name that is dialled."""

    def __init__(self, files: Files, asked: Asked, local_user: str, found: Found, *, final: bool) -> None:
        self._files = files
        self._asked = asked
        self._local_user = local_user
        self._found = found
        self._final = final
        self._host = found.host

    def all_files(self) -> None:
        own, system = self._files.user_file, self._files.system_file
        if own is not None:
            self._file(_Source(own, of_user=True, checked=not self._files.is_named), active=True)
        if system is not None:
            self._file(_Source(system, of_user=False, checked=False), active=True)

    def _file(self, source: _Source, *, active: bool) -> None:
        try:
            text = read_text(source.path)
            status = source.path.stat()
        except FileNotFoundError as error:
            if source.depth or self._files.is_named:
                raise _unreadable(source.path, error) from error
            return
        except OSError as error:
            raise _unreadable(source.path, error) from error
        strangers = status.st_uid not in (0, os.getuid()) or status.st_mode & _WRITABLE_BY_OTHERS
        if source.checked and strangers:
            raise CallError(
                f"the SSH configuration {source.path} is not trusted: others than you and root may write it",
                advice=f"Look at it, then `chmod go-w {source.path}`, and `chown` it if it is another's.",
            )
        for statement in statements(text, source.path):
            active = self._statement(statement, source, active=active)

    def _statement(self, statement: Statement, source: _Source, *, active: bool) -> bool:
        """Whether what follows counts."""
        keyword = keywords.ALIASES.get(statement.keyword, statement.keyword)
        if keyword == "host":
            return self._host_fits(statement) and not source.never
        if keyword == "match":
            matched = judge(statement, self._moment())
            self._found.wants_final = self._found.wants_final or matched.wants_final
            return matched.holds and not source.never
        if keyword == "include":
            self._include(statement, source, active=active)
        elif keyword in keywords.MANY:
            name = statement.word()
            if active:  # a file that the user names and one that the machine names are two
                self._found.files.setdefault(keyword, {})[name, source.of_user] = None
        elif keyword not in keywords.OTHERS:
            values = self._values(keyword, statement)
            if active and values and keyword not in self._found.values:
                self._found.values[keyword] = values
                self._found.places[keyword] = statement.place
        return active

    def _host_fits(self, statement: Statement) -> bool:
        fits = False
        for pattern in statement.words():
            if matches(self._host, pattern.removeprefix("!")):
                if pattern.startswith("!"):
                    return False
                fits = True
        return fits

    def _moment(self) -> Moment:
        host = self._host if self._final else _host_name(self._found, self._asked)
        user = self._found.one("user") or self._local_user
        values = {
            "host": host.lower(),
            "originalhost": self._asked.host.lower(),
            "user": user,
            "localuser": self._local_user,
            "tagged": self._found.one("tag"),
        }
        return Moment(values, self._final)

    def _values(self, keyword: str, statement: Statement) -> list[str]:
        """What the line gives for its keyword; [] if that may not replace what another line gave."""
        if keyword in keywords.REST:
            return self._proxy(keyword, statement)
        if keyword in keywords.LISTS:
            return _list(statement)
        if keyword in keywords.CHOICES:
            value = statement.word().lower()
            if value not in keywords.CHOICES[keyword]:
                statement.place.refuse(f"{keyword} cannot be {clean_line(value, limit=40)!r}")
            return [value]
        if keyword not in keywords.ONE:
            ignored = self._found.one("ignoreunknown").lower()
            if not (ignored and matches_list(keyword, ignored)):
                statement.place.refuse(f"loomtui does not know the option {clean_line(keyword, limit=40)!r}")
            return []
        return [_checked(keyword, statement)]

    def _proxy(self, keyword: str, statement: Statement) -> list[str]:
        """Of ProxyCommand and ProxyJump the first that is given counts."""
        statement.split()  # its quotes have to be closed all the same
        rest = statement.rest.lstrip(" \t=")
        if keyword == "proxyjump":
            proxy_jump(rest, statement.place)
        taken = {"proxycommand", "proxyjump"} & self._found.values.keys()
        return [] if taken else [rest]

    def _include(self, statement: Statement, source: _Source, *, active: bool) -> None:
        if source.depth >= DEEPEST:
            statement.place.refuse("too many files include each other")
        for name in statement.words():
            for path in included(name, statement.place, self._files.home, of_user=source.of_user):
                inner = _Source(
                    path,
                    source.of_user,
                    checked=True,
                    never=source.never or not active,
                    depth=source.depth + 1,
                )
                self._file(inner, active=active)


def included(name: str, place: Place, home: Path, *, of_user: bool) -> list[Path]:
    """The files that a name behind `Include` stands for. Raises CallError."""
    if any(sign in name for sign in ("\\", "%", "${")):
        place.refuse("versions of OpenSSH take backslashes, `%` and `${` in names of files differently")
    if name.startswith("~") and not of_user:
        place.refuse("the machine's configuration may not include files of a home folder")
    if name.startswith("~"):
        name = Tokens(home, {}).file(name)
    folder = home / ".ssh" if of_user else SYSTEM_FOLDER
    pattern = name if name.startswith("/") else f"{glob.escape(str(folder))}/{name}"
    found = glob.glob(pattern)  # noqa: PTH207 - that of pathlib takes hidden files too
    return [Path(path) for path in sorted(found, key=os.fsencode)]


def _list(statement: Statement) -> list[str]:
    words = list(statement.words())
    if len(words) > 1 and any(word.lower() == "none" for word in words):
        statement.place.refuse("`none` stands alone")
    if len(words) > _MOST_FILES:
        statement.place.refuse(f"there are more than {_MOST_FILES} files")
    return words


def _checked(keyword: str, statement: Statement) -> str:
    value = statement.word()
    if keyword == "port":
        return str(port_number(value, statement.place))
    if keyword in algorithms.KEYWORDS and (name := algorithms.unknown(keyword, value)):
        statement.place.refuse(f"loomtui does not know the algorithm {clean_line(name, limit=80)!r}")
    if keyword == "user" and ("%" in value or "${" in value):
        statement.place.refuse("versions of OpenSSH take `%` and `${` in User differently")
    if keyword == "identityagent" and value.startswith("$") and not _AGENT_VARIABLE.match(value):
        statement.place.refuse(f"{clean_line(value, limit=80)!r} names no environment variable")
    return value


def _unreadable(path: Path, error: OSError) -> CallError:
    return CallError(f"the SSH configuration {path} cannot be read: {clean_line(str(error), limit=200)}")
