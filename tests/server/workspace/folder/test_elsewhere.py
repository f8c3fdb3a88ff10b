"""A folder that another server may have: both have its catalogue open."""

from pathlib import Path

import pytest

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.server.house import tracked
from tests.server.surroundings import Clock


class Turn:
    """Who of two has the folder."""

    def __init__(self) -> None:
        self.holder = ""


class TurnHold:
    """What one of the two has of it."""

    def __init__(self, turn: Turn, name: str) -> None:
        self._turn, self._name = turn, name
        self._had = False

    def take(self) -> bool:
        if self._turn.holder not in ("", self._name):
            raise ProblemError(Problem(Code.ELSEWHERE, "another one has it"))
        fresh, self._had = not self._had, True
        self._turn.holder = self._name
        return fresh

    def give_back(self) -> None:
        self._turn.holder, self._had = "", False

    def check(self) -> None:
        if self._turn.holder != self._name:
            self._had = False
            raise ProblemError(Problem(Code.ELSEWHERE, "another one has it"))


def code(one: CataloguedFolder) -> str:
    """Of the refusal of a request that comes now, or ""."""
    try:
        one.must_not_be_held()
    except ProblemError as error:
        return str(error.problem.code.value)
    return ""


def test_it_changes_hands_and_the_next_one_knows_what_was_done(tmp_path: Path) -> None:
    turn, place = Turn(), tmp_path / "files"
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as state:
        a, b = (tracked(place, state, Clock(), hold=TurnHold(turn, name)) for name in "ab")
        assert a.attach() and not a.attach()
        with pytest.raises(ProblemError):
            b.attach()
        assert (code(a), code(b), b.attached) == ("", "elsewhere", False)
        (place / "file").write_bytes(b"x")
        held = a.look("file")
        turn.holder = "b"  # the first one was not heard for long enough
        assert code(a) == "elsewhere"
        with pytest.raises(ProblemError):
            a.attach()
        assert not a.attached
        assert b.attach()  # the marker is that which the first one has made since
        assert (code(a), code(b)) == ("elsewhere", "")
        assert b.look("file") == held
        b.close()
        assert a.attach() and a.look("file") == held
        a.close()


def test_who_cannot_open_it_gives_it_back(tmp_path: Path) -> None:
    turn, place = Turn(), tmp_path / "files"
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as state:
        a, b = (tracked(place, state, Clock(), hold=TurnHold(turn, name)) for name in "ab")
        a.attach()
        a.close()
        place.rename(tmp_path / "away")
        with pytest.raises(ProblemError, match="is gone"):
            b.attach()
        assert turn.holder == "" and b.problem and b.problem.code is Code.ROOT_GONE
        (tmp_path / "away").rename(place)
        assert a.attach()
        a.close()
