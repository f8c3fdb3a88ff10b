"""The structure of the code: what is in a folder, how much, and what classes are called."""

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = sorted(
    path.parent for top in ("cargo_sync", "cargo_ctl") for path in (ROOT / top).rglob("__init__.py")
)
MOST_ROOMS: Final = 12
LIMITED: Final = (
    "cargo_sync/admission",
    "cargo_sync/backup_protocol",
    "cargo_sync/cluster",
    "cargo_sync/copying",
    "cargo_sync/daemon",
    "cargo_sync/engine",
    "cargo_sync/server",
    "cargo_sync/testing",
    "cargo_sync/webhooks",
)
"""Below these, no folder has more than `MOST_ROOMS` rooms."""
SHARED_NAMES: Final[dict[str, str]] = {}
"""Public class names that stand in two modules, and why."""


def rooms(package: Path) -> set[str]:
    """Modules, and folders with a slash."""
    found = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    return found | {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}


def listed(package: Path) -> set[str]:
    """The rooms that a package's docstring has a line for: `name  what it is for`."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    return set(re.findall(r"^([a-z][a-z0-9_]*/?)  +\S", text, re.MULTILINE))


def called(package: Path) -> str:
    return str(package.relative_to(ROOT))


@pytest.mark.parametrize("package", PACKAGES, ids=called)
def test_a_packages_docstring_lists_its_rooms(package: Path) -> None:
    assert listed(package) == rooms(package)


@pytest.mark.parametrize("package", PACKAGES, ids=called)
def test_no_hall_has_too_many_rooms(package: Path) -> None:
    if called(package).startswith(LIMITED):
        assert len(rooms(package)) <= MOST_ROOMS


def test_a_class_name_means_one_thing() -> None:
    places = defaultdict(list)
    for package in PACKAGES:
        for path in package.glob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(str(path.relative_to(ROOT)))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert {name for name in twice if name not in SHARED_NAMES} == set(), twice
    assert set(SHARED_NAMES) <= set(twice), "an exception that is none any more"


def test_the_tests_mirror_the_folders() -> None:
    """A folder of the product has one of the tests, or lies in one that has."""
    tested = {
        str(path.parent.relative_to(ROOT / "tests")) for path in ROOT.glob("tests/**/test_*.py")
    }
    missing = []
    for package in PACKAGES:
        name = called(package).removeprefix("cargo_sync/")
        above = {name, *map(str, Path(name).parents)} - {"."}
        if name not in ("cargo_sync", "cargo_ctl") and not tested & above:
            missing.append(name)
    # The pages are no Python: tests/browser looks at them. Those who use the fakes prove them.
    assert missing == ["page", "testing"]
