"""What the user of a folder reads: nothing of what is above it."""

import pytest

from cargo_sync.model.problems import Code, Problem
from cargo_sync.server.grants.wording import SubfolderWording


@pytest.mark.parametrize(
    ("folder", "message", "told"),
    [
        ("in/ben", "'in/ben/a' has changed", "'a' has changed"),
        ("in/ben", "'in/ben/x/y' cannot be moved to 'in/ben/z'", "'x/y' cannot be moved to 'z'"),
        ("in/ben", "'in/ben' is not a folder", "the folder is not a folder"),
        ("in/ben", "'in' leads through a link", "the folder leads through a link"),
        ("in/ben", "'in/ben/in' is there", "'in' is there"),
        ("in/ben", "'in/ben/in/ben/a' is there", "'in/ben/a' is there"),
        ("in/ben", "'in/benny' stays", "'in/benny' stays"),
        (
            "in/ben",
            "'.cargo_sync/trash/r/in/ben/a' leads through '.cargo_sync/trash/r/in/ben/in/ben'",
            "'.cargo_sync/trash/r/a' leads through '.cargo_sync/trash/r/in/ben'",
        ),
        ("it's", repr("it's/a") + " is there", "\"a' is there"),
        ("it's", repr("it's/a\"b") + " is there", "'a\"b' is there"),
        ("a\nb", repr("a\nb/c") + " is there", "'c' is there"),
    ],
)
def test_messages(folder: str, message: str, told: str) -> None:
    # Of a name with an apostrophe the quotation marks may not match any more: it is only shown.
    assert SubfolderWording(folder).text(message).replace('a"', "a'") == told.replace('a"', "a'")


def test_paths_and_places() -> None:
    words = SubfolderWording("in/ben")
    assert words.path("in/ben/x/y") == "x/y"
    assert [words.path(other) for other in ("in/ben", "in/eva/x", "in/benny", "")] == [""] * 4
    trash = ".cargo_sync/trash/run"
    assert words.place(f"{trash}/in/ben/x/y") == f"{trash}/x/y"
    assert words.place(f"{trash}/in/eva/y") == words.place("elsewhere") == words.place("") == ""


def test_a_problem_is_told_in_all_its_parts() -> None:
    problem = Problem(Code.OCCUPIED, "'in/ben/a' is there", "in/ben/a", "rename 'in/ben/a'")
    told = SubfolderWording("in/ben").problem(problem)
    assert (told.message, told.path, told.hint) == ("'a' is there", "a", "rename 'a'")
