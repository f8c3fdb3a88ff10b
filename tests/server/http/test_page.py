"""The page of files is served with its headers; nothing else is."""

import posixpath
import re
from pathlib import Path

import pytest

from cargo_sync.api.web_headers import PAGE_HEADERS
from cargo_sync.server.http.browsing.page import SHELL, FilesPage
from tests.server.house import living


@pytest.mark.parametrize("prefix", ["", "/cargo"])
async def test_the_page_is_at_the_prefix(tmp_path: Path, prefix: str) -> None:
    async with living(tmp_path, prefix) as house:
        shell = await house.call("GET", f"{prefix}/", user="")
        assert (shell.status, shell.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        for name, value in PAGE_HEADERS.items():
            assert shell.headers[name] == value
        script = await house.call("GET", f"{prefix}/page/files/main.js", user="")
        assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert script.headers["Content-Security-Policy"] == PAGE_HEADERS["Content-Security-Policy"]
        if prefix:
            slash = await house.call("GET", prefix, user="", redirects=False)
            assert (slash.status, slash.headers["Location"]) == (308, f"{prefix}/")


async def test_what_the_browser_has_is_not_sent_again(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        first = await house.call("GET", "/page/common/theme.css", user="")
        assert first.headers["Cache-Control"] == "no-cache"
        again = await house.call(
            "GET",
            "/page/common/theme.css",
            user="",
            headers={"If-None-Match": first.headers["ETag"]},
        )
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "name",
    ["files/other.js", "__init__.py", "../api/keys.py", "%2e%2e/api/keys.py", "jobs/main.js", "",
     "jobs.html", "//etc/passwd"],
)  # fmt: skip
async def test_only_the_files_of_the_page_are_served(tmp_path: Path, name: str) -> None:
    async with living(tmp_path) as house:
        answer = await house.call("GET", f"/page/{name}", user="")
        assert (answer.status, answer.code) == (404, "unknown")


def test_all_that_the_page_names_is_there() -> None:
    """A script, a style or an import that is missing would show only in a browser."""
    files = FilesPage("")._files
    for name, file in files.items():
        text = file.content.decode()
        for used in named_in(name, text):
            assert used in files, f"{name} names {used}"
    assert SHELL in files


def named_in(name: str, text: str) -> set[str]:
    if name.endswith(".html"):
        return set(re.findall(r'(?:src|href)="page/([^"]+)"', text))
    if not name.endswith(".js"):
        return set()
    imports = re.findall(r'^\s*import [^;]*?"(\.[^"]+)"', text, re.MULTILINE)
    return {posixpath.normpath(posixpath.join(posixpath.dirname(name), one)) for one in imports}
