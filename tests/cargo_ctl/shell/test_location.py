"""Where paths lead, and what patterns match."""

import pytest

from cargo_ctl.shell.location import Location
from cargo_ctl.shell.patterns import expand

HERE = Location("/home/ana/films", "docs/2024", "default", "/home/ana")


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("a", "docs/2024/a"),
        ("", "docs/2024"),
        (".", "docs/2024"),
        ("..", "docs"),
        ("../..", ""),
        ("../../../..", ""),
        ("/", ""),
        ("/a//b/./c/", "a/b/c"),
        ("a/../../b", "docs/b"),
        ("/../a", "a"),
    ],
)
def test_remote_paths(typed: str, path: str) -> None:
    assert HERE.remote_path(typed) == path


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("a", "/home/ana/films/a"),
        ("..", "/home/ana"),
        ("../../../..", "/"),
        ("/tmp//x/", "/tmp/x"),
        ("~", "/home/ana"),
        ("~/x", "/home/ana/x"),
        ("~bob", "/home/ana/films/~bob"),
    ],
)
def test_local_paths(typed: str, path: str) -> None:
    assert HERE.local_path(typed) == path


def test_a_quoted_tilde_is_a_name() -> None:
    assert HERE.local_path("~", home=False) == "/home/ana/films/~"


def test_another_workspace_begins_at_its_root() -> None:
    assert HERE.in_workspace("archive") == Location("/home/ana/films", "", "archive", "/home/ana")


TREE = {
    "": [
        ("a.mov", False),
        ("b.mov", False),
        (".hidden.mov", False),
        ("docs", True),
        ("dots", True),
        ("a*b", False),
    ],
    "docs": [("x.txt", False), ("sub", True)],
    "docs/sub": [("y.txt", False)],
    "dots": [("z.txt", False)],
    "..": [("up.mov", False)],
    "/": [("etc", True)],
    "/etc": [("x.conf", False)],
}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.mov", ["a.mov", "b.mov"]),
        (".*.mov", [".hidden.mov"]),
        ("?.mov", ["a.mov", "b.mov"]),
        ("[!a].mov", ["b.mov"]),
        ("d*", ["docs", "dots"]),
        ("d*/", ["docs", "dots"]),
        ("d*/*.txt", ["docs/x.txt", "dots/z.txt"]),
        ("docs/*/*.txt", ["docs/sub/y.txt"]),
        ("*/sub/y.txt", ["docs/sub/y.txt"]),
        ("../*.mov", ["../up.mov"]),
        ("/e*/*.conf", ["/etc/x.conf"]),
        ("[*]*", []),
        ("a[*]?", ["a*b"]),
        ("*.txt", []),
        ("a.mov/*", []),
    ],
)
def test_patterns(pattern: str, found: list[str]) -> None:
    assert [
        each.path
        for each in expand(pattern, lambda folder: TREE.get(folder.rstrip("/") or folder, []))
    ] == found
