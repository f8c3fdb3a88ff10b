"""What Tab offers, from names in tables."""

import pytest

from cargo_ctl.shell.completion import Remembered, Sources, candidates
from cargo_ctl.shell.location import Location

HERE = Location("/here", "in", "default", "/home/ana")
REMOTE = {
    "in": [("a b.txt", False), ("abc", True), ("x\x1b", False), (".dot", False)],
    "in/abc": [("deep.txt", False)],
    "": [("in", True)],
}
LOCAL = {"/here": [("film.mov", False), ("films", True)], "/home/ana": [("home.txt", False)]}
SOURCES = Sources(
    lambda path: REMOTE.get(path, []),
    lambda path: [("lost.txt", False), ("gone", True)] if path == "in" else [],
    lambda path: LOCAL.get(path, []),
    lambda: ["nightly", "my job"],
    lambda: ["default", "archive"],
)


def lines(before: str) -> list[str]:
    """All lines that Tab can make from this one."""
    return [before[: each.start] + each.text for each in candidates(before, HERE, SOURCES)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("mk", ["mkdir "]),
        ("  mk", ["  mkdir "]),
        ("!c", ["!cd ", "!cwd "]),
        ("get a", ["get a\\ b.txt ", "get abc/"]),
        ("get a\\ ", ["get a\\ b.txt "]),
        ("get 'a ", ["get 'a b.txt' "]),
        ('get "a', ['get "a b.txt" ', 'get "abc/"']),
        ("get x", ["get $'x\\x1b' "]),
        ("get $'x", ["get $'x\\x1b' "]),
        ("get .", ["get .dot "]),
        ("get abc/", ["get abc/deep.txt "]),
        ("get /i", ["get /in/"]),
        ("get ../", ["get ../in/"]),
        ("get a x", ["get a $'x\\x1b' "]),
        ("cd ", ["cd abc/"]),
        ("put f", ["put film.mov ", "put films/"]),
        ("put ~/h", ["put ~/home.txt "]),
        ("!cd ", ["!cd films/"]),
        ("!cat fi", ["!cat film.mov ", "!cat films/"]),
        ("get -o f", ["get -o film.mov ", "get -o films/"]),
        ("put -ro a", ["put -ro a\\ b.txt ", "put -ro abc/"]),
        ("put -o abc f", ["put -o abc film.mov ", "put -o abc films/"]),
        ("sync m", ["sync my\\ job "]),
        ("use ", ["use archive ", "use default "]),
        ("help spe", ["help speed "]),
        ("frobnicate a", []),
        ("get nothing/", []),
        ("quit ", []),
        ("get $'\\x", []),
    ],
)
def test_candidates(before: str, after: list[str]) -> None:
    assert lines(before) == after


def test_names_are_shown_so_that_they_do_nothing() -> None:
    assert [each.shown for each in candidates("get x", HERE, SOURCES)] == ["x\\x1b"]


def test_what_was_asked_is_remembered_until_something_changes() -> None:
    asked: list[str] = []
    now, stamp = [0.0], [0]

    def ask(path: str) -> list[tuple[str, bool]]:
        asked.append(path)
        if path == "broken":
            raise TimeoutError
        return [("a", False)]

    names = Remembered(ask, lambda: stamp[0], lambda: now[0], (TimeoutError,), lasts=10.0)
    assert names("x") == names("x") == [("a", False)]
    assert names("broken") == names("broken") == []
    assert asked == ["x", "broken"]
    now[0] = 10.0
    names("x")
    stamp[0] = 1
    names("x")
    assert asked == ["x", "broken", "x", "x"]
