"""A script is killed before each command that changes something, and called again: nothing may tell the two
ends apart, and no byte may be lost in between."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.restore.local import LocalNode, Tree, digests, tree

_LONG_AGO = 1_500_000_000_123_456_789  # nanoseconds


@dataclass(frozen=True)
class Call:
    """A change script with its arguments after WORKDIR and RUN."""

    script: str
    args: tuple[str, ...]
    stdin: bytes = b""


@dataclass(frozen=True)
class Killed:
    """A node on which a script was killed."""

    node: LocalNode
    before: Tree  # when the script had not begun
    point: int


def age(folder: Path) -> None:
    """Gives every file a time of its own that no copy would have by chance."""
    for number, path in enumerate(sorted(folder.rglob("*"))):
        if path.is_file() and not path.is_symlink():
            os.utime(path, ns=(_LONG_AGO, _LONG_AGO + number * 1_000_000_007))


class Interruptions:
    """Builds the same node again and again at one place, and kills a script at one point after the other."""

    def __init__(self, root: Path, build: Callable[[LocalNode], None], call: Call) -> None:
        self._root = root
        self._call = call
        self._built = root.with_name(f"{root.name}-as-built")
        for folder in (root, self._built):
            shutil.rmtree(folder, ignore_errors=True)
        machine = LocalNode(root)
        machine.pass_over_processes()
        build(machine)
        age(machine.workdir)
        age(machine.unit_folder)
        root.rename(self._built)

    def node(self) -> LocalNode:
        """The node as it was built, at the place where it was built."""
        shutil.rmtree(self._root, ignore_errors=True)
        shutil.copytree(self._built, self._root, symlinks=True)
        return LocalNode.found(self._root)

    def run(self, machine: LocalNode) -> int:
        return machine.run(self._call.script, *self._call.args, stdin=self._call.stdin).returncode

    def again(self, machine: LocalNode) -> None:
        machine.done(self._call.script, *self._call.args, stdin=self._call.stdin)

    def undisturbed(self) -> Tree:
        machine = self.node()
        self.again(machine)
        return state(machine)

    def each(
        self, *, torn: bool = False, at_least: int = 3, may_lose: Container[str] = ()
    ) -> Iterator[Killed]:
        """Every point once; `torn`: those where a copy is made, which is then half done.

        `may_lose`: digests of files that the script deletes.
        """
        names = self._commands()
        assert len(names) >= at_least
        for point, name in enumerate(names, 1):
            if torn and name != "cp":
                continue
            machine = self.node()
            before, originals = live(machine), digests(machine.root)
            machine.set_trap(point, torn=torn)
            assert self.run(machine) == -9, f"point {point}"
            machine.set_trap(0)
            lost = {one for one in originals - digests(machine.root) if one not in may_lose}
            assert not lost, f"point {point}: files are lost"
            yield Killed(machine, before, point)

    def _commands(self) -> list[str]:
        """The commands of an undisturbed script that change something, in their order."""
        machine = self.node()
        machine.set_trap(1_000_000)
        self.again(machine)
        return machine.trapped()

    def check_repeated(self, *, copies: bool = False, at_least: int = 3) -> None:
        """Killed anywhere and called again, it ends as if nothing had happened; `copies`: it calls cp."""
        expected = self.undisturbed()
        for torn in (False, True) if copies else (False,):
            for killed in self.each(torn=torn, at_least=at_least):
                self.again(killed.node)
                assert state(killed.node) == expected, f"point {killed.point}"
        self.again(machine := self.node())
        self.again(machine)
        assert state(machine) == expected


def state(machine: LocalNode) -> Tree:
    """All that counts on a node, without times, which a repetition cannot keep."""
    return tree(machine.workdir, machine.unit_folder, machine.state, times=False)


def live(machine: LocalNode) -> Tree:
    """What the service sees: files with their times, and nothing of the run's own."""
    own = machine.workdir / ".loomtui"
    return tree(machine.workdir, machine.unit_folder, without=[own, machine.hold])
