"""The documents of our pages, and the few files that a browser gets for each."""

import re
from pathlib import Path

import pytest

import cargo_sync.page
from cargo_ctl.web import routes
from cargo_sync.api.page_files import page_files
from cargo_sync.server.http.browsing import page as files_page

ROOT = Path(cargo_sync.page.__path__[0])
PAGES = [(routes.SHELL, routes.FOLDERS), (files_page.SHELL, files_page.FOLDERS)]


_ICON = re.compile(r'data-icon="(\w+)"><path d="([^"]+)"')
_LINE = re.compile(r'^  (\w+): "([^"]+)",$', re.MULTILINE)


def test_the_frame_in_the_document_has_the_icons_and_words_of_the_scripts() -> None:
    html, icons = (ROOT / "jobs.html").read_text(), (ROOT / "common/icons.js").read_text()
    drawn = dict(_ICON.findall(html))
    assert drawn.items() <= dict(_LINE.findall(icons)).items()
    assert {"job", "server", "user"} <= drawn.keys()
    words = [
        ("Speed and files", "jobs/rates.js"),
        ("Ten minutes", "common/span_rates.js"),
        ("Day", "common/span_rates.js"),
        ("All", "jobs/need.js"),
    ]
    for word, script in words:
        assert f">{word}" in html
        assert f'"{word}"' in (ROOT / script).read_text()


@pytest.mark.parametrize(("shell", "folders"), PAGES)
def test_a_page_is_few_files_which_a_browser_keeps(shell: str, folders: tuple[str, ...]) -> None:
    files = page_files(shell, folders)
    asked = re.findall(r'(?:src|href)="page/([^"]+)"', files[shell].content.decode())
    assert [re.sub(r"\.[0-9a-f]{16}\.", ".", name) for name in asked if "icon" not in name] == [
        "first.js",  # before the sheet: what is behind one waits for it
        "page.css",
        "page.js",
    ]
    assert all(files[name].lasting for name in asked)

    def modules_of(begin: str) -> set[str]:
        """The modules of a script, which the document need not name."""
        found = [
            file.content.decode()
            for name, file in files.items()
            if re.fullmatch(rf"{begin}\.[0-9a-f]{{16}}\.js", name)
        ]
        return set(re.findall(r'^\$modules\["([^"]+)"\]', "".join(found), re.MULTILINE))

    modules = modules_of("page") | modules_of("later")
    assert "jobs/form_page.js" not in modules_of("page"), "the first picture does not need it"
    plain = {"common/theme.js", "jobs/early.js"}
    there = {name for name, file in files.items() if "/" in name and name.endswith(".js")}
    unused = there - modules - plain
    assert modules <= there
    # The folder `common` is for both pages; of its own folders a page uses everything.
    assert {name for name in unused if not name.startswith("common/")} == set()
