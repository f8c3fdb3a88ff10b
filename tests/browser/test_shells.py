"""The HTML files of our pages."""

import posixpath
import re
from pathlib import Path

import cargo_sync.page

ROOT = Path(cargo_sync.page.__path__[0])
FIRST = ("jobs/main.js", "jobs/list.js")
"""What the first page of `cargo_ctl web` needs; the others are read when they are opened."""


def imports(module: str) -> list[str]:
    """The modules that a module imports at once."""
    text = (ROOT / module).read_text()
    found = re.findall(r'^(?:import|\} from|import .* from) "(\.[^"]+)";$', text, re.MULTILINE)
    return [posixpath.normpath(posixpath.join(posixpath.dirname(module), each)) for each in found]


def test_the_modules_of_the_first_page_are_asked_for_at_once() -> None:
    needed: set[str] = set()
    waiting = list(FIRST)
    while waiting:
        module = waiting.pop()
        if module not in needed:
            needed.add(module)
            waiting += imports(module)
    html = (ROOT / "jobs.html").read_text()
    asked = re.findall(r'<link rel="modulepreload" href="page/([^"]+)">', html)
    assert sorted(asked) == sorted(needed - {FIRST[0]})
