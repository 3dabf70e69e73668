"""How text that may hold secrets is shown: in diffs, previews and reports."""

from __future__ import annotations

import re
from collections.abc import Iterator

HIDDEN = "‹hidden›"

_WORDS = (
    r"(?:pass(?:word|wd|phrase)|secret|token|hsmauth|priv_?key|private_?key|api_?key|access_?key"
    r"|credential|mnemonic|sign(?:ing)?_?key|authorization)"
)
_SETTING = re.compile(rf"{_WORDS}[\w.-]{{0,64}}(?P<quote>[\"']?)\s*[:=]\s*", re.IGNORECASE)
_ARGUMENT = re.compile(rf"((?<![\w-])--?[\w-]{{0,40}}?{_WORDS}[\w-]{{0,40}} +)[^\s-]\S*", re.IGNORECASE)
_USER_INFO = re.compile(r"(://[^\s\"'@/:]*):[^\s\"'/]*@")
_KEY_BYTES = re.compile(r"[A-Za-z0-9+/]{86}==")  # base64 of 64 bytes, the size of an ed25519 private key
_PEM_BEGIN, _PEM_END = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "-----END "
_FENCES = frozenset({'"""', "'''"})  # TOML's strings of several lines
_OPENING = re.compile(r"(?:[|>][0-9+-]*|[\[{])?\s*")
_EMPTY = re.compile(r"(?:\"\"|''|\{\}|\[\])\s*,?\s*")
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_FLOW = re.compile(r"\{[^{}\[\]]*\}|\[[^{}\[\]]*\]")
_SCALAR = re.compile(r"[^\s,}\]\[{\"']+(?=\s*[,}\]])")


def mask_secrets(text: str) -> str:
    """The text with the values of secrets replaced by ‹hidden›. The number of lines stays. Never raises.

    Works on YAML, TOML, JSON, unit files and command lines. If in doubt, it hides more.
    """
    return "\n".join(_mask_lines(text.split("\n")))


def _mask_lines(lines: list[str]) -> Iterator[str]:
    depth: int | None = None  # lines that stand deeper belong to a secret
    end = ""  # the text that ends a secret of several lines
    for line in lines:
        content = line.strip()
        indent = len(line) - len(line.lstrip())
        if not end and _PEM_BEGIN.search(line):
            end = _PEM_END
        if end:
            end = "" if end in line else end
            yield line[:indent] + HIDDEN
        elif depth is not None and (not content or _is_deeper(indent, content, depth)):
            yield line[:indent] + HIDDEN if content else line
        else:
            masked, opens, end = _mask_line(line)
            depth = indent if opens else None
            yield masked


def _is_deeper(indent: int, content: str, depth: int) -> bool:
    """YAML allows a list to be as deep as its name."""
    return indent > depth or (indent == depth and content.startswith("-"))


def _mask_line(line: str) -> tuple[str, bool, str]:
    """The line without secrets, whether deeper lines below belong to a secret too, and which text ends it."""
    line = _USER_INFO.sub(rf"\1:{HIDDEN}@", line)
    line = _KEY_BYTES.sub(HIDDEN, line)
    line = _ARGUMENT.sub(rf"\1{HIDDEN}", line)
    parts: list[str] = []
    at = 0
    while match := _SETTING.search(line, at):
        parts.append(line[at : match.end()])
        at = match.end()
        fence = line[at : at + 3]
        if fence in _FENCES:
            closed = fence in line[at + 3 :]
            return "".join(parts) + HIDDEN, False, "" if closed else fence
        if _OPENING.fullmatch(line, at):
            return "".join(parts) + line[at:], True, ""
        if _EMPTY.match(line, at):
            continue
        value = _QUOTED.match(line, at) or _FLOW.match(line, at)
        if value is None and match["quote"]:
            value = _SCALAR.match(line, at)
        if value is None:
            return "".join(parts) + HIDDEN, True, ""
        quote = value[0][0] if value[0][0] in "\"'" else ""
        parts.append(quote + HIDDEN + quote)
        at = value.end()
    return "".join(parts) + line[at:], False, ""
