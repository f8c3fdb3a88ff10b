"""Every relative link of the pages leads to a file, every #anchor to a heading; the files of code
that docs/architecture.md names are there, and the tests that docs/promises.md names."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
CODE = re.compile(r"^( {0,3}(```+|~~~+)).*?^\1", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^()\s]+(?:\([^()\s]*\))?)\)")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return CODE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page: the second of the same name is `name-1`."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.*?)\s*$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = again = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = 0
        while again in found:
            number += 1
            again = f"{name}-{number}"
        found.add(again)
    return found


def dead_links(page: Path) -> list[str]:
    dead = []
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page))):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert dead_links(page) == []


def test_there_are_pages_with_links() -> None:
    names = {page.name for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "architecture.md"} <= names
    assert sum(len(LINK.findall(prose(page))) for page in PAGES) > 60


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `word`, two\n\n## Twice\n\n## Twice\n\n```\n# no heading\n[x](no-link.md)\n```\n"
        "[a](#one-word-two) [b](page.md#twice-1) [c](https://example.org/#x) `[d](code.md)`\n"
        "[e](#no-heading) [f](gone.md) [g](page.md#twice-2)\n",
        encoding="utf-8",
    )
    assert dead_links(page) == ["#no-heading", "gone.md", "page.md#twice-2"]


def test_the_code_that_the_architecture_names_is_there() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)+(?:\w+\.\w+)?)`", page))
    bases = (ROOT, ROOT / "cargo_sync", ROOT / "cargo_ctl")
    gone = [name for name in named if not any((base / name).exists() for base in bases)]
    assert len(named) > 60
    assert sorted(gone) == [], "moved or renamed: say so in docs/architecture.md"


def unknown_tests(text: str) -> list[str]:
    """The tests `tests/FILE.py::test_NAME` in a text that are not functions of that file."""
    unknown = []
    for file, name in sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text))):
        functions = {
            node.name
            for node in (
                ast.parse((ROOT / file).read_text()).body if (ROOT / file).exists() else ()
            )
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        if name not in functions:
            unknown.append(f"{file}::{name}")
    return unknown


def test_each_promise_names_its_code_and_tests_that_are_there() -> None:
    page = (ROOT / "docs/promises.md").read_text(encoding="utf-8")
    promises = re.findall(r"^### \d+\. (.+?)(?=^##)", page, re.DOTALL | re.MULTILINE)
    promises += re.findall(r"^\| .*`tests/.* \|$", page, re.MULTILINE)
    assert len(promises) == 18 + 12 + 17
    assert [one for one in promises if "`tests/" not in one] == []
    assert unknown_tests(page) == []
    code = set(re.findall(r"`((?:\w+/)+\w+\.py)`", page))
    assert [one for one in sorted(code) if not (ROOT / "cargo_sync" / one).exists()] == []


def test_tests_that_are_not_there_are_found() -> None:
    here = "tests/test_links.py"
    named = f"`{here}::test_gone`, `tests/gone.py::test_a`, `{here}::dead_links`"
    assert unknown_tests(named) == ["tests/gone.py::test_a", f"{here}::test_gone"]
