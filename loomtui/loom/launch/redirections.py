"""Where the redirections and pipes of a script send what a command says.

Source: POSIX.1-2017, Shell Command Language, 2.7; bash(1) for `&>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loomtui.loom.launch.context import joined
from loomtui.loom.launch.letters import Text, gap_in, plain
from loomtui.loom.launch.outputs import Output, Outputs, Sink
from loomtui.text import clean_line

SIGNS = frozenset({">", ">>", ">|", "&>", "&>>", ">&", "<", "<<<", "<&", "<>"})
_TO_JOURNAL = frozenset({"logger", "systemd-cat"})

#: Stands for a pipe until its other end is known.
PIPE = Output(Sink.ELSEWHERE, words="a pipe")


@dataclass(frozen=True)
class Redirection:
    sign: str
    number: str  # the descriptor in front of it; empty: none is written
    target: Text


@dataclass(frozen=True)
class Here:
    """Where a script is while it redirects."""

    folder: str
    script: str

    def redirected(self, outputs: Outputs, redirections: Sequence[Redirection]) -> Outputs:
        for redirection in redirections:
            outputs = self._one(outputs, redirection)
        return outputs

    def _one(self, outputs: Outputs, redirection: Redirection) -> Outputs:
        sign, target = redirection.sign, plain(redirection.target)
        if sign.startswith("<"):
            return outputs
        if sign == ">&" and target in ("1", "2", "-"):
            onto = outputs.standard if target == "1" else outputs.error
            output = Output(Sink.NOWHERE, said_in=self.script) if target == "-" else onto
        elif sign == ">&" and target is not None and target.isdecimal():
            words = f"descriptor {target}, which the script has opened"
            output = Output(Sink.ELSEWHERE, said_in=self.script, words=words)
        else:
            output = self.file(redirection.target)
        if sign in ("&>", "&>>") or (
            sign == ">&" and not redirection.number and not (target or "").isdecimal() and target != "-"
        ):
            return Outputs(output, output)
        if redirection.number == "2":
            return replace(outputs, error=output)
        return replace(outputs, standard=output) if redirection.number in ("", "1") else outputs

    def file(self, target: Text) -> Output:
        path = plain(target)
        if path is None:
            gap = gap_in(target)
            words = f"a file whose name comes from {gap.why if gap else 'elsewhere'}"
            return Output(Sink.ELSEWHERE, said_in=self.script, words=words)
        if not (whole := joined(self.folder, path)):
            words = f"{clean_line(path, limit=200)} in a folder that is not known"
            return Output(Sink.ELSEWHERE, said_in=self.script, words=words)
        path = whole
        if path == "/dev/null":
            return Output(Sink.NOWHERE, said_in=self.script)
        return Output(Sink.FILE, path, said_in=self.script, by_script=True)

    def pipe_end(self, words: Sequence[Text], outputs: Outputs) -> Output:
        """What the command at the end of a pipe does with what it gets; `outputs` are its own."""
        name = (plain(words[0]) or "").rpartition("/")[2] if words else ""
        if name == "tee":
            files = [word for word in words[1:] if not (plain(word) or "").startswith("-")]
            return self.file(files[0]) if files else outputs.standard
        if name in _TO_JOURNAL:
            return Output(Sink.JOURNAL)
        if name == "cat":
            return outputs.standard
        return Output(Sink.ELSEWHERE, said_in=self.script, words=f"`{clean_line(name, limit=40)}`")


def through(outputs: Outputs, onto: Output) -> Outputs:
    """The pipe stands for what its other end does."""
    return Outputs(*(onto if one is PIPE else one for one in (outputs.standard, outputs.error)))
