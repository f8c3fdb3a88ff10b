"""The house in figures, from imports alone: rooms and arrows of each folder, circles, file sizes.

    python -m tests.sheets [CHECKOUT]

A sheet is one folder: its rooms are its modules and sub-folders, an arrow is an import between two
of them. A circle is a set of rooms that import each other. Upward imports are those that go against
the layers in pyproject.toml.
"""

import ast
import statistics
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TOP: Final = ("cargo_sync", "cargo_ctl")

Arrows = dict[str, set[str]]


def imports(root: Path) -> Iterator[tuple[str, str]]:
    """(importing module, imported module) of our own, dotted."""
    modules = {dotted(root, path) for top in TOP for path in (root / top).rglob("*.py")}
    for top in TOP:
        for path in (root / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module:
                    for alias in node.names:
                        full = f"{node.module}.{alias.name}"
                        found = full if full in modules else node.module
                        if found in modules:
                            yield dotted(root, path), found


def dotted(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sheets(root: Path) -> dict[str, Arrows]:
    """The arrows of each folder, between its rooms."""
    found: dict[str, Arrows] = defaultdict(lambda: defaultdict(set))
    for importing, imported in imports(root):
        one, other = importing.split("."), imported.split(".")
        depth = 0
        while depth < min(len(one), len(other)) and one[depth] == other[depth]:
            depth += 1
        if 0 < depth < min(len(one), len(other)):
            found[".".join(one[:depth])][one[depth]].add(other[depth])
    return found


def circles(arrows: Arrows) -> list[set[str]]:
    """Sets of rooms that can reach each other."""
    reach: dict[str, set[str]] = {}
    for room in set(arrows):
        seen, waiting = set[str](), list(arrows[room])
        while waiting:
            if (other := waiting.pop()) not in seen:
                seen.add(other)
                waiting += arrows.get(other, ())
        reach[room] = seen
    groups = [
        {room} | {other for other in reach[room] if room in reach.get(other, ())}
        for room in reach
        if room in reach[room]
    ]
    return [group for number, group in enumerate(groups) if group not in groups[:number]]


def upward(root: Path) -> int:
    """Imports against the layers, and between rooms of one layer that may not know each other."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [one["layers"] for one in contracts["contracts"] if one["type"] == "layers"]
    level = {
        room: (number, "|" in line)
        for number, line in enumerate(layers)
        for room in line.replace("|", " ").replace(":", " ").split()
    }
    count = 0
    for room, others in sheets(root)["cargo_sync"].items():
        for other in others & level.keys() if room in level else ():
            (one, _), (two, independent) = level[room], level[other]
            count += two < one or (one == two and independent)
    return count


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    files = [path for top in TOP for path in (root / top).rglob("*.py")]
    total = 0
    arrows = sheets(root)
    for folder in sorted({path.parent for path in files}):
        name = ".".join(folder.relative_to(root).parts)
        rooms = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
        rooms |= {path.parent.name for path in folder.glob("*/__init__.py")}
        found = arrows.get(name, {})
        total += len(circles(found))
        count = sum(len(others - {room}) for room, others in found.items())
        print(f"{name:36} {len(rooms):3} rooms {count:4} arrows {len(circles(found)):2} circles")
    lines = sorted((len(path.read_text(encoding="utf-8").splitlines()), path) for path in files)
    longest, path = lines[-1]
    print(f"circles {total}, imports upwards {upward(root)}, files {len(files)}")
    print(f"largest {path.relative_to(root)} {longest} lines")
    print(f"median {statistics.median(length for length, _ in lines):g} lines")


if __name__ == "__main__":
    main()
