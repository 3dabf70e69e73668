"""Generated ssh_config files: every form of a line that OpenSSH reads, and some that it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from loomtui.fleet.ssh.openssh.options import Asked

#: A variable of the environment that the tests set.
VARIABLE = "LOOMTUI_TEST_PLACE"
_HOSTS = ("node", "NODE", "node-1", "n1.example.com", "10.0.0.7", "127.1", "::1", "bastion")
_USERS = ("op", "root", "Admin")
_PATTERNS = (
    "*", "node", "node*", "NODE", "n?de", "?", "*.example.com", "10.0.0.*", "other", "**1", "!node", "!*.com",
    "!op", "target.example.com", "1*7*", "root", "op",
)  # fmt: skip
_CIPHERS = (
    "aes128-ctr",
    "aes256-ctr",
    "+aes128-cbc",
    "-aes*",
    "^aes256-gcm@openssh.com",
    "aes128-ctr,aes256-ctr",
)
_MACS = ("hmac-sha2-256", "-hmac-sha1*,umac*", "^hmac-sha2-512", "+hmac-md5", "hmac-sha2-512,hmac-sha2-256")
_KEX = ("curve25519-sha256", "-sntrup*", "^ecdh-sha2-nistp256", "+diffie-hellman-group14-sha1", "nothing")
_KEYS = ("ssh-ed25519", "+ssh-rsa", "-ecdsa*", "^rsa-sha2-256", "rsa-sha2-*", "ssh-ed25519,rsa-sha2-512")
_FILES = (
    "~/.ssh/one", "/k/two", "/k/with blank", "/k/%h", "~/.ssh/%r@%n", "/k/%p-%u-%i", "/k/%k", "%d/k",
    "/k/%l.%L", "/k/50%%", f"${{{VARIABLE}}}/k", "/k/#1", "none", "relative/k",
)  # fmt: skip
_WRONG_FILES = ("/k/%q", "/k/%", "${LOOMTUI_TEST_NOTHING}/k", "~nobody-has-this-name/k", "/k/%C", "")
_VALUES: dict[str, tuple[str, ...]] = {
    "HostName": ("10.0.0.8", "Target.Example.COM", "%h.example.com", "x%%y", "::01", "127.2", "%n", "node"),
    "User": (*_USERS, "two words", "us%h"),
    "Port": ("22", "2201", "+2202", "ssh", "0", "70000", "many"),
    "IdentitiesOnly": ("yes", "no", "TRUE", "False", "maybe"),
    "StrictHostKeyChecking": ("yes", "no", "ask", "off", "Accept-New", "true", "sometimes"),
    "HostKeyAlias": ("alias", "Alias.Two", "%h"),
    "IdentityAgent": (
        "none",
        "SSH_AUTH_SOCK",
        "~/agent",
        f"${VARIABLE}",
        "/run/%u/agent",
        f"${{{VARIABLE}}}/a",
    ),
    "Ciphers": _CIPHERS,
    "MACs": _MACS,
    "KexAlgorithms": _KEX,
    "HostKeyAlgorithms": _KEYS,
    "PubkeyAcceptedAlgorithms": _KEYS,
    "PubkeyAcceptedKeyTypes": _KEYS,
    "CanonicalizeHostname": ("no", "no", "yes"),
    "ProxyUseFdpass": ("yes", "no"),
    "AddressFamily": ("inet", "INET6", "any", "ipx"),
    "BindAddress": ("127.0.0.9", "here.example.com"),
    "Compression": ("yes", "no"),
    "ForwardAgent": ("no", "yes"),
    "GSSAPIAuthentication": ("no",),
    "IgnoreUnknown": ("Frob*,UseNothing", "other"),
    "Frobnicate": ("1",),
}
_NOT_LOOKED_AT = ("Compression", "ForwardAgent", "GSSAPIAuthentication")
_COMMANDS = (
    "nc %h %p",
    "ssh -W %h:%p gate # not a comment",
    'sh -c "nc %h %p"',
    "none",
    "a = 'b'",
    "nc 'open",
)
_JUMPS = (
    "gate", "op@gate:2200", "gate,inner", "op@[::1]:23,gate", "10.0.0.1", "none", "None", "ssh://op@gate:24",
    "a/b", "a:b:c", "gate # x",
)  # fmt: skip
_COMMENTS = ("", "", "", " # a comment", "  #none", '\t# "quote', " ", "\t", "\r", "#glued")
_SEPARATORS = (" ", " ", " ", "  ", "\t", "=", " = ", "= ", " =", " \t ")
_CRITERIA = ("host", "originalhost", "user", "localuser")
_INCLUDED = 3


@dataclass(frozen=True)
class Case:
    """`files` are by name; the first is given with -F. They name each other as FOLDER/NAME."""

    files: dict[str, str]
    asked: Asked

    def write(self, folder: Path) -> Path:
        for name, text in self.files.items():
            path = folder / name
            path.write_text(text.replace("FOLDER", str(folder)), newline="")
            path.chmod(0o600)
        return folder / "config"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    files = {"config": draw(_texts(True))}
    for number in range(draw(st.integers(0, _INCLUDED))):
        files[f"{number}.conf"] = draw(_texts(number < _INCLUDED - 1))
    asked = Asked(
        draw(st.sampled_from(_HOSTS)),
        draw(st.sampled_from((None, None, *_USERS))),
        draw(st.sampled_from((None, None, 2222))),
    )
    return Case(files, asked)


def _texts(includes: bool) -> st.SearchStrategy[str]:
    kinds = [
        _hosts(),
        _matches(),
        _options(),
        _options(),
        _options(),
        _options(),
        _files(),
        _files(),
        _proxies(),
    ]
    if includes:
        kinds.append(_includes())
    line = st.one_of([*kinds, st.sampled_from(("", "# a comment", "   ", "\t#x"))])
    return st.lists(line, max_size=10).map(lambda lines: "".join(f"{each}\n" for each in lines))


def _one_in(
    often: int, rare: st.SearchStrategy[str], usual: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    return st.integers(1, often).flatmap(lambda number: rare if number == 1 else usual)


def _line(draw: st.DrawFn, keyword: str, arguments: str, *, comment: bool = True) -> str:
    spelt = draw(st.sampled_from((keyword, keyword, keyword.lower(), keyword.upper(), keyword.swapcase())))
    indent = draw(st.sampled_from(("", "", "  ", "\t")))
    end = draw(st.sampled_from(_COMMENTS)) if comment else ""
    return f"{indent}{spelt}{draw(st.sampled_from(_SEPARATORS))}{arguments}{end}"


def _quoted(draw: st.DrawFn, value: str) -> str:
    needs = " " in value or value.startswith("#") or not value
    form = draw(
        st.sampled_from(
            ("double", "single", "escaped") if needs else ("", "", "", "double", "single", "half")
        )
    )
    match form:
        case "double":
            return f'"{value}"'
        case "single":
            return f"'{value}'"
        case "escaped":
            return value.replace(" ", "\\ ") or '""'
        case "half":
            return f'{value[:1]}"{value[1:]}"'
        case _:
            return value


@st.composite
def _hosts(draw: st.DrawFn) -> str:
    patterns = draw(st.lists(st.sampled_from(_PATTERNS), min_size=1, max_size=3))
    return _line(draw, "Host", " ".join(_quoted(draw, each) for each in patterns))


@st.composite
def _matches(draw: st.DrawFn) -> str:
    words = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from((*_CRITERIA, *_CRITERIA, "all", "canonical", "final", "exec")))
        negated = draw(st.sampled_from(("", "", "", "!")))
        spelt = kind.upper() if draw(st.integers(1, 8)) == 1 else kind
        if kind in _CRITERIA:
            patterns = ",".join(draw(st.lists(st.sampled_from(_PATTERNS), min_size=1, max_size=3)))
            value = f'"{patterns}"' if draw(st.integers(1, 5)) == 1 else patterns
            words.append(f"{negated}{spelt}{draw(st.sampled_from((' ', ' ', '=')))}{value}")
        elif kind == "exec":
            if draw(st.integers(1, 4)) == 1:
                words.append(f'{negated}exec "true"')
        else:
            words.append(negated + spelt)
    return _line(draw, "Match", " ".join(words or ["all"]))


@st.composite
def _options(draw: st.DrawFn) -> str:
    keyword = draw(st.sampled_from(tuple(_VALUES)))
    values = _VALUES[keyword]
    # What is refused ends the reading of everything, so it comes seldom.
    value = values[0] if draw(st.integers(1, 3)) == 1 else draw(st.sampled_from(values))
    if keyword == "Frobnicate" and draw(st.integers(1, 4)) != 1:
        keyword = "Compression"
        value = "yes"
    # Values that change nothing for us are not looked at, so none is spoilt by a comment that is glued to it.
    return _line(draw, keyword, _quoted(draw, value), comment=keyword not in _NOT_LOOKED_AT)


@st.composite
def _files(draw: st.DrawFn) -> str:
    keyword = draw(
        st.sampled_from(
            ("IdentityFile", "IdentityFile", "CertificateFile", "UserKnownHostsFile", "GlobalKnownHostsFile",
             "RevokedHostKeys")
        )
    )  # fmt: skip
    most = 3 if keyword.endswith("KnownHostsFile") else 1
    name = _one_in(25, st.sampled_from(_WRONG_FILES), st.sampled_from(_FILES))
    names = draw(st.lists(name, min_size=1, max_size=most))
    return _line(draw, keyword, " ".join(_quoted(draw, each) for each in names))


@st.composite
def _proxies(draw: st.DrawFn) -> str:
    keyword, values = draw(st.sampled_from((("ProxyCommand", _COMMANDS), ("ProxyJump", _JUMPS))))
    value = values[0] if draw(st.booleans()) else draw(st.sampled_from(values))
    return _line(draw, keyword, value, comment=False)


@st.composite
def _includes(draw: st.DrawFn) -> str:
    names = draw(
        st.lists(
            st.sampled_from(("1.conf", "2.conf", "*.conf", "[12].con?", "absent", ".*")),
            min_size=1,
            max_size=2,
        )
    )
    return _line(draw, "Include", " ".join(_quoted(draw, f"FOLDER/{name}") for name in names))
