"""Says where the code is tangled: import circles, large classes, file names that are easily confused.

python scripts/structure.py

Ends with status 1 where modules import each other in a circle (imports for types only count), where a class
has more methods of its own than it may have, or where a package holds two files of one name.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGES = ("loomtui", "screens")
#: The most methods that a class may have of its own, properties included.
MOST_METHODS = 22
_LISTED = 10
#: Names that tell by their folder what they are about.
_EVERYWHERE = frozenset({"__init__.py", "__main__.py", "base.py"})


def main() -> int:
    problems = [*_show_circles(), *_show_classes(), *_show_names()]
    sys.stdout.write("\n" + "".join(f"✗ {problem}\n" for problem in problems))
    return 1 if problems else 0


def _show_circles() -> Iterator[str]:
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=False, cache_dir=None)
    found = circles({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    sys.stdout.write(f"Import circles: {len(found) or 'none'}\n")
    for circle in found:
        sys.stdout.write(f"  {', '.join(circle)}\n")
        yield f"{len(circle)} modules import each other in a circle: {', '.join(circle)}"


def circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """The strongly connected components with more than one module (Tarjan), each in alphabetical order."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_ones: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        open_ones.append(module)
        for other in sorted(imports.get(module, ())):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in open_ones:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            place = open_ones.index(module)
            component = open_ones[place:]
            del open_ones[place:]
            if len(component) > 1:
                found.append(sorted(component))

    for module in sorted(imports):
        if module not in number:
            visit(module)
    return found


def _show_classes() -> Iterator[str]:
    classes = sorted(_classes(), reverse=True)
    sys.stdout.write("\nThe largest classes, by methods of their own\n")
    for methods, name, path in classes[:_LISTED]:
        sys.stdout.write(f"{methods:4}  {name:<24}{path}\n")
    for methods, name, path in classes:
        if methods > MOST_METHODS:
            yield f"{name} in {path} has {methods} methods; {MOST_METHODS} is the most"


def _classes() -> Iterator[tuple[int, str, str]]:
    for path in _files():
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                methods = sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body)
                yield methods, node.name, str(path)


def _show_names() -> Iterator[str]:
    places: dict[tuple[Path, str], list[str]] = defaultdict(list)
    for path in _files():
        if path.name not in _EVERYWHERE:
            places[_package(path), path.name].append(str(path))
    twice = [paths for paths in places.values() if len(paths) > 1]
    sys.stdout.write(f"\nFile names that a package has twice: {len(twice) or 'none'}\n")
    for paths in twice:
        sys.stdout.write(f"  {', '.join(paths)}\n")
        yield f"these could be taken for each other: {', '.join(paths)}"


def _package(path: Path) -> Path:
    """`screens`, or the folder below `loomtui`."""
    parts = path.parent.parts
    return Path(*parts[: 1 if parts[0] == "screens" else 2])


def _files() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT)


if __name__ == "__main__":
    sys.exit(main())
