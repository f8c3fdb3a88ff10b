"""The files of our pages, and the headers of every answer to a browser."""

import gzip
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from cargo_sync.api.page_files import TYPES, PageFile, page_files
from cargo_sync.api.web_headers import CONTENT_SECURITY_POLICY, PAGE_HEADERS


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {
        "__init__.py": "",
        "jobs.html": "<!doctype html>",
        "files.html": "<!doctype html>",
        "common/theme.css": ":root {}",
        "common/icons/a.svg": "<svg/>",
        "common/notes": "not served",
        "common/__init__.py": "not served",
        "files/main.js": "of another page",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("cargo_sync.api.page_files.files", lambda _: tmp_path)
    return tmp_path


def test_a_page_has_its_shell_and_its_folders_and_nothing_else(pages: Path) -> None:
    found = page_files("jobs.html", ("common", "no such folder"))
    assert {name: (file.content, file.type) for name, file in found.items()} == {
        "jobs.html": (b"<!doctype html>", "text/html; charset=utf-8"),
        "common/theme.css": (b":root {}", "text/css; charset=utf-8"),
        "common/icons/a.svg": (b"<svg/>", "image/svg+xml"),
    }
    with pytest.raises(FileNotFoundError):
        page_files("none.html", ())


def test_an_etag_changes_with_the_content_alone(pages: Path) -> None:
    def theme() -> PageFile:
        return page_files("jobs.html", ("common",))["common/theme.css"]

    first = theme()
    assert re.fullmatch(r'"[0-9a-f]{32}"', first.etag)
    assert theme() == first
    (pages / "common/theme.css").write_text(":root { }")
    assert theme().etag != first.etag


def test_what_may_be_kept_for_ever_has_a_name_of_its_content(pages: Path) -> None:
    (pages / "jobs.html").write_text('<link rel="icon" href="page/common/icons/a.svg">\n')
    found = page_files("jobs.html", ("common",))
    [name] = (name for name, file in found.items() if file.lasting)
    assert re.fullmatch(r"a\.[0-9a-f]{16}\.svg", name)
    assert found["jobs.html"].content == f'<link rel="icon" href="page/{name}">\n'.encode()
    kept = found[name].answer({})
    assert (kept.status, kept.body) == (200, b"<svg/>")
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert found["jobs.html"].answer({}).headers["Cache-Control"] == "no-cache"
    (pages / "common/icons/a.svg").write_text("<svg></svg>")
    assert name not in page_files("jobs.html", ("common",))


def test_a_large_file_goes_compressed_to_who_takes_it(pages: Path) -> None:
    content = b":root {}\n" * 1000
    (pages / "common/theme.css").write_bytes(content)
    theme = page_files("jobs.html", ("common",))["common/theme.css"]
    packed = theme.answer({"Accept-Encoding": "br, gzip;q=0.8"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == content
    plain = theme.answer({"Accept-Encoding": "gzip;q=0"})
    assert plain.body == content
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["ETag"] != plain.headers["ETag"]
    for first, coding in ((packed, "gzip"), (plain, "")):
        request = {"Accept-Encoding": coding, "If-None-Match": first.headers["ETag"]}
        again = theme.answer(request)
        assert (again.status, again.body) == (304, b"")
    assert all(one.headers["Vary"] == "Accept-Encoding" for one in (packed, plain))


def test_every_file_of_the_real_pages_has_a_type() -> None:
    def check(folder: Traversable) -> None:
        for each in folder.iterdir():
            if each.is_dir():
                if each.name != "__pycache__":
                    check(each)
            elif each.name != "__init__.py":
                assert each.name[each.name.rfind(".") :] in TYPES, each.name

    check(files("cargo_sync.page"))


def test_nothing_runs_or_is_loaded_but_our_own_files() -> None:
    parts = CONTENT_SECURITY_POLICY.split("; ")
    assert parts[0] == "default-src 'none'"
    assert {part.split(" ", 1)[1] for part in parts} == {"'none'", "'self'", "'script'"}
    assert PAGE_HEADERS["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
