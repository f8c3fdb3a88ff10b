"""Kills a piece of work before each of its statements in turn, and opens what it leaves on disk."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from cargo_sync.state.database import Database
from cargo_sync.state.migrations import Schema


class Killed(BaseException):
    """Nothing may catch this, as nothing catches a SIGKILL."""


class Kill:
    """Copies the state's files as they are before statement `at` (from 0), then stops."""

    def __init__(self, folder: Path, image: Path) -> None:
        self._folder = folder
        self._image = image
        self.at: int | None = None

    def __call__(self, statement: str) -> None:
        if self.at is None:
            return
        if self.at == 0:
            shutil.copytree(self._folder, self._image)
            raise Killed(statement)
        self.at -= 1


def crashes(
    folder: Path,
    schema: Schema,
    before: Callable[[Database], None],
    work: Callable[[Database], None],
) -> Iterator[Database]:
    """The state after `before` and a kill in `work`, once for each statement of it; the last one is
    whole."""
    at = 0
    while True:
        place, image = folder / f"{at}", folder / f"{at}-image"
        kill = Kill(place, image)
        with Database.open(str(place / "state.db"), schema, kill) as database:
            before(database)
            kill.at = at
            try:
                work(database)
            except Killed:
                whole = False
            else:
                whole, kill.at = True, None
                shutil.copytree(place, image)
        with Database.open(str(image / "state.db"), schema) as database:
            yield database
        shutil.rmtree(place)
        shutil.rmtree(image)
        if whole:
            return
        at += 1
