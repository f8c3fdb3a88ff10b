"""A snapshot of a running server: its state is copied, packed and sealed. All of it blocks.

The copy is SQLite's online backup, over a connection of its own which is in a transaction: so it is
the state of one moment, and nobody who writes waits for it. What changes meanwhile stays in the log
(-wal).
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import orjson
from blake3 import blake3

from cargo_sync.local.read import Going
from cargo_sync.machines.nodes.snapshots import MadeSnapshot, numbered
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.state.recovery import RecoveryRow
from cargo_sync.state.sqlite.database import problem_of
from cargo_sync.stores.snapshots import archive
from cargo_sync.stores.snapshots.sealing import SALT, SealedWriter, SealHead

PLACE: Final = "snapshot"
"""The folder in `state_dir` where it is made. What another process left there is removed."""
_COPY, _SEALED = "state.db", "sealed"
_STATE_FILES: Final = ("server.crt", "server.key")
_KEY_FILES: Final = ("own.json", "admitted.json")
_PAGES: Final = 4_096
"""Pages that are copied at a time: 16 MiB."""
_LARGEST: Final = 4 << 20
"""Bytes of a small file; a larger one is none of ours."""


@dataclass(frozen=True, slots=True)
class ServerPlaces:
    """Where the files of a server are.

    file       its settings; "" if they come from nowhere
    state_dir  the folder of its state
    keys       the folder of the keys of its control sockets
    """

    file: str
    state_dir: str
    keys: str

    @property
    def database(self) -> str:
        return os.path.join(self.state_dir, archive.STATE)

    def small(self) -> dict[str, bytes]:
        """The small files of a snapshot; what is not there is left out.

        Raises:
            OSError: one cannot be read.
        """
        about = {"format": 1, "state_dir": self.state_dir}
        found = {archive.ABOUT: orjson.dumps(about)}
        paths = {archive.FILE: self.file}
        paths |= {f"state/{name}": os.path.join(self.state_dir, name) for name in _STATE_FILES}
        paths |= {f"keys/{name}": os.path.join(self.keys, name) for name in _KEY_FILES}
        for name, path in paths.items():
            if path and os.path.isfile(path):
                with open(path, "rb") as file:
                    found[name] = file.read(_LARGEST)
        return found


@dataclass(frozen=True, slots=True)
class SealedSnapshot:
    """A snapshot in a file of this machine.

    stamp  of the state before it was copied, with that of the files
    """

    snapshot: MadeSnapshot
    path: str
    stamp: str
    verifier: bytes


class SnapshotMaker:
    """Makes snapshots, one at a time."""

    def __init__(
        self, places: ServerPlaces, wall: Callable[[], float], salt: Callable[[int], bytes]
    ) -> None:
        """`salt` gives so many random bytes."""
        self._places = places
        self._wall = wall
        self._salt = salt
        self._folder = os.path.join(places.state_dir, PLACE)

    def stamp(self, of_state: str) -> str:
        """What changes with the state and with the files. Raises ProblemError."""
        with _translated(self._places.file):
            return _stamped(of_state, self._places.small())

    def make(self, row: RecoveryRow, of_state: str, going: Going) -> SealedSnapshot:
        """Makes one; an earlier one is removed.

        Args:
            row: the keys, and the number.
            of_state: the stamp of the state, read before.
            going: when it gives False, this ends.

        Raises:
            ProblemError: `stopped`; the state or a file cannot be read, or there is no room.
        """
        made = MadeSnapshot(numbered(row.generation, row.count), self._wall())
        sealed = os.path.join(self._folder, _SEALED)
        with _translated(self._folder):
            self._empty()
            small = self._places.small()
            copy = os.path.join(self._folder, _COPY)
            copy_state(self._places.database, copy, going)
            with open(_private(sealed), "wb") as out:
                head = SealHead(made, self._salt(SALT))
                writer = SealedWriter(_going_on(out.write, going), row.sealing, head)
                archive.pack(writer, small, copy)
                writer.close()
            os.unlink(copy)
        return SealedSnapshot(made, sealed, _stamped(of_state, small), row.verifier)

    def clear(self) -> None:
        """Removes what was made, or what a kill has left of it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _empty(self) -> None:
        self.clear()
        os.mkdir(self._folder, 0o700)


def copy_state(database: str, copy: str, going: Going) -> None:
    """Copies an open database as it is at one moment; the copy is readable by us alone.

    Raises:
        OSError, sqlite3.Error: it cannot be read or written.
        ProblemError: `stopped`.
    """
    os.close(_private(copy))
    uri = f"file:{quote(database)}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as reader,
        closing(sqlite3.connect(copy)) as writer,
    ):
        writer.execute("PRAGMA synchronous = OFF")  # after a kill it is made again
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # from now on: this moment
        reader.backup(writer, pages=_PAGES, progress=lambda *_: _check(going), sleep=0.0)


def _going_on(out: Callable[[bytes], object], going: Going) -> Callable[[bytes], None]:
    def write(content: bytes) -> None:
        _check(going)
        out(content)

    return write


def _check(going: Going) -> None:
    """Raises ProblemError: it is to end."""
    if not going():
        raise ProblemError(Problem(Code.STOPPED, "the server stops"))


def _private(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _stamped(of_state: str, small: Mapping[str, bytes]) -> str:
    digest = blake3()
    for name, content in sorted(small.items()):
        digest.update(blake3(name.encode()).digest() + blake3(content).digest())
    return f"{of_state} {digest.hexdigest()[:32]}"


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProblemError(from_os_error(error, error.filename or path)) from error
    except sqlite3.Error as error:
        if (problem := problem_of(error, path, "server")) is None:
            raise
        raise ProblemError(problem) from error
