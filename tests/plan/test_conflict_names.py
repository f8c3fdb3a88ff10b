"""What a conflict copy is called."""

from itertools import islice

import pytest

from cargo_sync.model import paths
from cargo_sync.plan.conflict_names import copy_paths, safe_host

WHEN = 1_795_880_580.0  # 2026-11-28 15:43 UTC
MARK = " (conflict anna-pc 2026-11-28 1543)"


def first(path: str) -> str:
    return next(copy_paths(path, "anna-pc", WHEN))


@pytest.mark.parametrize(
    ("path", "copy"),
    [
        ("report.odt", f"report{MARK}.odt"),
        ("a/b/report.odt", f"a/b/report{MARK}.odt"),
        ("README", f"README{MARK}"),
        (".bashrc", f".bashrc{MARK}"),
        (".config.json", f".config{MARK}.json"),
        ("backup.tar.gz", f"backup{MARK}.tar.gz"),
        ("v1.2 of Mr. Smith", f"v1.2 of Mr. Smith{MARK}"),  # what has a space is no extension
        ("a.b/c", f"a.b/c{MARK}"),
        ("été.ñ", f"été.ñ{MARK}"),
        ("end.", f"end.{MARK}"),
        ("x.conf", f"x{MARK}.conf"),
    ],
)
def test_the_mark_stands_before_the_extension(path: str, copy: str) -> None:
    assert first(path) == copy


@pytest.mark.parametrize(
    "name",
    [
        "report (conflict bob 2025-01-02 0304).odt",
        "report (conflict bob 2025-01-02 0304) 2.odt",
        f"report{MARK}.odt",
    ],
)
def test_marks_never_stack(name: str) -> None:
    assert first(name) == f"report{MARK}.odt"


@pytest.mark.parametrize(
    "name", ["report (conflict).odt", "(conflict bob 2025-01-02 0304).odt", "x (conflict b 1 2).y"]
)
def test_what_only_looks_like_a_mark_stays(name: str) -> None:
    stem, dot, extension = name.rpartition(".")
    assert first(name) == f"{stem}{MARK}{dot}{extension}"


def test_further_names_are_numbered() -> None:
    assert list(islice(copy_paths("d/a.txt", "h", WHEN), 3)) == [
        "d/a (conflict h 2026-11-28 1543).txt",
        "d/a (conflict h 2026-11-28 1543) 2.txt",
        "d/a (conflict h 2026-11-28 1543) 3.txt",
    ]


@pytest.mark.parametrize("letter", ["a", "é", "漢", "🙂"])
def test_a_long_stem_is_cut_between_characters(letter: str) -> None:
    stem = letter * (251 // len(letter.encode()))
    for copy in islice(copy_paths(f"{stem}.txt", "h" * 32, WHEN), 12):
        assert paths.bad_path(copy) is None
        assert copy.endswith(".txt")
        assert len(copy.encode()) > paths.NAME_BYTES - len(letter.encode())


def test_a_long_path_stays_one_that_can_be_used() -> None:
    folder = "/".join(["f" * 99] * 40)  # 3,999 bytes
    copy = first(f"{folder}/{'n' * 90}.txt")
    assert paths.bad_path(copy) is None
    assert copy.endswith(f"{MARK}.txt")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("anna-pc", "anna-pc"),
        ("anna.example.org", "anna"),
        ("Anna's MacBook.local", "Anna-s-MacBook"),
        ("../../etc", "unknown"),
        ("", "unknown"),
        ("böse\x1b[31m", "b-se-31m"),
        ("x" * 64, "x" * 32),
        ("x" * 31 + "-y", "x" * 31),
    ],
)
def test_a_hosts_name_is_safe_in_a_file_name(name: str, safe: str) -> None:
    assert safe_host(name) == safe
    copy = next(copy_paths("a.txt", safe, WHEN))
    assert next(copy_paths(copy, safe, WHEN)) == copy  # the mark is found again
