"""Kills a piece of work before each of its statements in turn, and opens what it leaves on disk."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from cargo_sync.state.database import Database, Schema
from cargo_sync.state.sqlite.database import SqliteDatabase

INDEX: Final = "-shm"
"""How the name of SQLite's index of the log ends: after a kill it is made anew from the log."""


class Killed(BaseException):
    """Nothing may catch this, as nothing catches a SIGKILL."""


class Images:
    """What a kill before a statement would leave on disk, for each statement while it is `on`.

    Kills that leave the same files come to the same, so there is one image of them.

    kept    a folder for each image
    points  how many statements there were
    """

    def __init__(self, place: Path, images: Path, *, on: bool = False) -> None:
        self.on = on
        self.kept: list[Path] = []
        self.points = 0
        self._place = place
        self._images = images
        self._last = b""

    def __call__(self, statement: str) -> None:
        if self.on:
            self.points += 1
            self.keep()

    def keep(self) -> None:
        """Copies the files, if they are others than last time."""
        if (found := _digest(self._place)) != self._last:
            self._last = found
            self.kept.append(self._images / str(len(self.kept)))
            shutil.copytree(self._place, self.kept[-1])


def _digest(place: Path) -> bytes:
    found = hashlib.blake2b()
    for path in sorted(place.iterdir()):
        if not path.name.endswith(INDEX):
            found.update(f"\0{path.name}\0{path.stat().st_size}\0".encode())
            found.update(path.read_bytes())
    return found.digest()


def crashes(
    folder: Path,
    schema: Schema,
    before: Callable[[Database], None],
    work: Callable[[Database], None],
    statements: int = 1,
) -> Iterator[Database]:
    """The state after `before` and a kill in `work`, once for each that a kill before one of its
    statements may leave; the last one is whole. There are more than so many statements."""
    images = Images(folder / "state", folder / "images")
    with SqliteDatabase.open(str(folder / "state" / "state.db"), schema, images) as database:
        before(database)
        images.on = True
        work(database)
        images.on = False
        images.keep()
    assert images.points > statements
    for image in images.kept:
        with SqliteDatabase.open(str(image / "state.db"), schema) as database:
            yield database
