"""Sentences are for people: the program steers by types, and help texts know no key by its letter.

`scripts/check` has no such rule; it is of this program alone, so it is a test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Where only another program's words tell what happened, with whose they are. By file, and by the function or
#: the constant that looks into them.
THEIRS = {
    ("loomtui/fleet/rights.py", "_NO_TTY"): "sudo has one exit status for everything",
    ("loomtui/fleet/rights.py", "_NOT_ALLOWED"): "sudo, likewise",
    ("loomtui/fleet/rights.py", "_WRONG"): "sudo, likewise",
    ("loomtui/fleet/ssh/paramiko_words.py", "closed_before_greeting"): "paramiko has one class for all",
    ("loomtui/fleet/ssh/paramiko_words.py", "is_refusal_of_a_channel"): "paramiko, likewise",
    ("loomtui/fleet/ssh/paramiko_words.py", "is_timeout"): "paramiko, likewise",
    ("loomtui/fleet/ssh/paramiko_words.py", "reason"): "paramiko, likewise",
    ("loomtui/loom/nodekey.py", "read_nodekey_output"): "`loom nodekey` ends with status 0 on errors too",
    ("loomtui/loom/diagnosis/evidence.py", "REFUSAL"): "a panic of Loom in its log",
}
#: Where a text has a form of its own that is read: no sentence, or one of loomtui's own files on a node.
FORMS = {
    ("loomtui/fleet/probes/service_state.py", "_HOLD"): "the first line of the hold that a run places",
    ("loomtui/restore/findings.py", "text"): "where the full stop is, which is all that is looked for",
    ("loomtui/restore/running/safe_now.py", "say_safe"): "the constant that stands for: not said otherwise",
}
#: Log rules are patterns of Loom's messages, and nothing else.
RULES = "loomtui/loom/logrules/"

_SENTENCE = re.compile(r"\w[,.:;]? [a-z]{2,}|[a-z]{2,}[,.:;]? \w")
_METHODS = frozenset(
    {"startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "split", "rsplit"}
    | {"index", "count", "search", "match", "fullmatch", "compile", "finditer", "findall"}
)
#: Attributes that hold what is said to people.
_SAID = frozenset(
    {"what", "message", "sentence", "advice", "safe", "remedy", "cause", "fix", "meaning", "reason", "words"}
)


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith("loomtui/drill/"):  # its stand-ins speak and read as the programs do
                yield name, ast.parse(path.read_text(encoding="utf-8"))


def places(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Every node of the tree with the function, or the constant of the module, that it stands in."""

    def walk(node: ast.AST, place: str) -> Iterator[tuple[str, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            inner = place
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = child.name
            elif not place and isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Name):
                inner = child.targets[0].id
            yield inner, child
            yield from walk(child, inner)

    yield from walk(tree, "")


def is_sentence(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return bool(_SENTENCE.search(text))
        case ast.Constant(value=bytes(data)):
            return bool(_SENTENCE.search(data.decode("latin-1")))
        case ast.JoinedStr(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return any(map(is_sentence, parts))
        case ast.BinOp(left=left, right=right):
            return is_sentence(left) or is_sentence(right)
        case _:
            return False


def is_text(node: ast.AST) -> bool:
    """A text that stands in the source, or the name of a constant, which may be one."""
    match node:
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.JoinedStr():
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper()
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return any(map(is_text, parts))
        case _:
            return False


def is_said(node: ast.AST) -> bool:
    """`error.what`, `str(error)`."""
    match node:
        case ast.Attribute(attr=name):
            return name in _SAID
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]):
            return "error" in name
        case _:
            return False


def looks_into_words(node: ast.AST) -> bool:
    match node:
        case ast.Compare(
            left=left, comparators=others, ops=[ast.In() | ast.NotIn() | ast.Eq() | ast.NotEq()]
        ):
            parts = [left, *others]
            return any(map(is_sentence, parts)) or (any(map(is_said, parts)) and any(map(is_text, parts)))
        case ast.Call(func=ast.Attribute(attr=method, value=subject), args=args) if method in _METHODS:
            return any(map(is_sentence, args)) or (is_said(subject) and any(map(is_text, args)))
        case ast.MatchValue(value=value):
            return is_sentence(value)
        case _:
            return False


def found_in(name: str, tree: ast.Module) -> Iterator[tuple[tuple[str, str], int]]:
    if not name.startswith(RULES):
        for place, node in places(tree):
            if looks_into_words(node):
                yield (name, place), getattr(node, "lineno", 0)


def test_no_branch_looks_into_a_sentence() -> None:
    found = {at: line for name, tree in sources("loomtui", "screens") for at, line in found_in(name, tree)}
    allowed = THEIRS | FORMS
    wrong = [
        f"{file}:{line}: {place}" for (file, place), line in found.items() if (file, place) not in allowed
    ]
    assert not wrong, "decide by a type, not by words:\n" + "\n".join(wrong)
    assert not set(allowed) - set(found), "no longer needed"


@pytest.mark.parametrize(
    "code",
    [
        'x = "not the one of the plan" in failure',
        'x = f"{name}: Redis of " in refusal',
        'x = sentence.startswith("the chain would")',
        'x = error.what == "gone"',
        'x = str(error).startswith("Error")',
        "x = facts.reason == UNREADABLE",
        'x = mismatch.message.partition(": ")',
        'x = text in {"no room", "is gone"}',
        'import re\nx = re.search("was not found", text)',
    ],
)
def test_the_check_sees_it(code: str) -> None:
    assert list(found_in("some.py", ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        'x = state == "unreadable"',
        "x = refusal.code is FindingCode.NO_ROOM",
        'x = line.partition(" ")',
        'x = f"{one.message}: {two.advice}"',
        "x = one.what != two.what",
    ],
)
def test_the_check_leaves_alone(code: str) -> None:
    assert not list(found_in("some.py", ast.parse(code)))


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────

#: Keys by name: esc, ctrl+c, F5. What Textual's own fields and buttons take (enter, tab, arrows) stays.
_NAMED = re.compile(r"\b(?:esc|escape|ctrl\+\w+|shift\+\w+|alt\+\w+|pageup|pagedown|[fF]\d{1,2})\b")
#: A letter by itself in a text: `u lists the runs`. Not the article, no `5 s`, no `'s`, no {placeholder}.
_LETTER = re.compile(r"(?<![\w'’{./*_\-\[(])[b-zB-HJ-Z](?![\w'’}./*_\-\])])(?=[ ,:;])")
_WORD = re.compile(r"[a-z]{3,}")
_UNITS = re.compile(r"\((?:or )?[a-z](?:, [a-z])*\)")  # `-5m (or s, h, d)`


def docstrings(tree: ast.Module) -> set[int]:
    bodies = (node.body for node in ast.walk(tree) if hasattr(node, "body") and isinstance(node.body, list))
    return {
        id(body[0].value)
        for body in bodies
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    }


def keys_typed(tree: ast.Module) -> Iterator[tuple[int, str]]:
    told = docstrings(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in told:
            continue
        text = _UNITS.sub("", node.value)
        prose = " " in text.strip() and _WORD.search(text)
        if prose and (_NAMED.search(text) or _LETTER.search(text)):
            yield node.lineno, text


def test_no_text_names_a_key_by_its_letter() -> None:
    """`{screen.back}` in a help and `keys.name("screen.back")` in a message are the operator's own key."""
    wrong = [f"{name}:{line}: {text}" for name, tree in sources("screens") for line, text in keys_typed(tree)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "text",
    ["nothing happens; u lists the runs", "reading  esc gives it up", "press ctrl+c to end", "n and N go"],
)
def test_the_check_sees_a_key(text: str) -> None:
    assert list(keys_typed(ast.parse(f"say({text!r})")))


@pytest.mark.parametrize(
    "text",
    ["press {screen.back} to go", "a list of nodes", "it took 5 s", "the cluster's name", "press enter:"],
)
def test_the_check_leaves_a_text_alone(text: str) -> None:
    assert not list(keys_typed(ast.parse(f"say({text!r})")))
