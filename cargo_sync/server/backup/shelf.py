"""A nickname's files: plain files of the user's own workspace, and the ids that lead to them.

A file is staged, published and recorded before its id is sent. A file that was moved or deleted by
other means is not listed any more; a file that was changed is fetched as it is now.
"""

from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Final, NamedTuple, Protocol

from cargo_sync.backup_protocol.messages import (
    BackupRefusal,
    BackupStatus,
    last_part,
    shown_name,
)
from cargo_sync.backup_protocol.text import NO_FILES, NO_ID, NOTHING_SAVED, Listed
from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.lanes.ports import BlockingReader
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.server.accounts.access import Access
from cargo_sync.server.accounts.permits import Permit
from cargo_sync.server.history.downloads import Downloads, FetchedVersion
from cargo_sync.server.refusals import public
from cargo_sync.state.backup_files import BackupFile, BackupFiles

RUN: Final = "backup"
"""The run for entries that this protocol displaces; there are none."""
DIGITS: Final = 16
NO_QUOTA_LEFT: Final = "O arquivo não cabe na cota do usuário"
OFFLINE: Final = "Servidor offline"
"""The published program's words for a file server that does not answer."""
LOGGED_OUT: Final = "O usuário foi desconectado do servidor"
"""The answer to a request whose user was removed or disabled, or got another password."""


class BackupLogin(Protocol):
    """Logs users in."""

    async def enter(
        self, nickname: str, password: str | None, address: str, *, sends: bool
    ) -> Permit:
        """A permit of the user of this nickname for their own workspace, to be used in a `with`.

        Args:
            nickname: the name of the user.
            password: None when the protocol has none: then only users without a password log in.
            address: of the client.
            sends: whether a file is sent: then a new nickname may be made, if the server's file
                allows it.

        Raises:
            BackupRefusal: there is no such nickname, or the password is wrong.
        """


class Fetched(NamedTuple):
    """A file to send back.

    name    without folders
    size    bytes
    reader  to be closed
    file    for the history, once it is sent
    """

    name: str
    size: int
    reader: BlockingReader
    file: FetchedVersion


class Shelves:
    """The files of all nicknames.

    `downloads` hears of those that were sent back; `digits` makes that many unguessable decimal
    digits.
    """

    def __init__(
        self, rows: BackupFiles, downloads: Downloads, world: World, digits: Callable[[int], str]
    ) -> None:
        self._rows = rows
        self._downloads = downloads
        self._world = world
        self._digits = digits
        self._coming: set[tuple[str, str]] = set()

    async def put(self, permit: Permit, name: str, size: int, content: AsyncIterable[bytes]) -> str:
        """Stores a file; returns its id. If `content` raises, nothing is kept.

        Args:
            permit: of the nickname; it is checked again before the file is published.
            name: the sender's name for it.
            size: bytes.
            content: `size` bytes, in pieces.

        Raises:
            BackupRefusal: the name is not possible, the user may not write, or the store failed.
        """
        with _translated():
            access = permit.access
            path = await self._free(access, _file_name(name))
            try:
                return await self._take(permit, BackupFile("", path, name), size, content)
            finally:
                self._coming.discard((access.whole.path, path))

    async def list(self, permit: Permit) -> list[Listed]:
        """The user's files that are there, the newest first.

        Raises:
            BackupRefusal: there are none.
        """
        offload = self._world.offload
        with _translated():
            rows = await offload(self._rows.of, permit.user)
            held = await offload(permit.access.view.entries, [one.path for one in rows])
        there = [
            Listed(one.id, shown_name(one.name, one.id))
            for one, found in zip(rows, held, strict=True)
            if _is_file(found)
        ]
        if not there:
            raise BackupRefusal(NO_FILES)
        return there

    async def fetch(self, permit: Permit, id: str) -> Fetched:
        """The file of an id.

        Raises:
            BackupRefusal: the id is unknown, belongs to another user, or its file is gone.
        """
        offload, user = self._world.offload, permit.user
        with _translated():
            row = await offload(self._rows.get, user, id)
            if row is None:
                raise BackupRefusal(NO_ID if await offload(self._rows.of, user) else NOTHING_SAVED)
            held, reader = await offload(permit.access.view.open, row.path)
            if held is None or reader is None:
                raise BackupRefusal(NO_ID)
            entry, access = held.entry, permit.access
            place = access.whole.id, permit.cause(RUN), access.view.inside(row.path)
            file = FetchedVersion(*place, entry.hash, entry.version)
            return Fetched(shown_name(row.name, id), entry.size, reader, file)

    def sent(self, fetched: Fetched) -> None:
        """All of a file was sent back."""
        size = fetched.size
        self._downloads.fetched(fetched.file, 0, size, size, 0.0)

    async def _free(self, access: Access, name: str) -> str:
        """A free name, reserved until its file is there."""
        place = access.whole.path
        for path in _names(name):
            if (place, path) in self._coming:
                continue
            self._coming.add((place, path))  # before the look: another request may come meanwhile
            held: object = path
            try:
                [held] = await self._world.offload(access.view.entries, [path])
            finally:  # also if the look failed, or the client has left
                if held is not None:
                    self._coming.discard((place, path))
            if held is None:
                return path
        raise AssertionError("names do not end")

    async def _take(
        self,
        permit: Permit,
        backup: BackupFile,
        size: int,
        content: AsyncIterable[bytes],
    ) -> str:
        offload, now = self._world.offload, self._world.wall()
        upload = await offload(
            permit.access.view.stage,
            backup.path,
            size,
            int(now * 1e9),
            partial(_admit, permit, backup.path),
            RUN,
            permit.cause(RUN),
        )
        try:
            async for piece in content:
                await offload(upload.write, piece)
            await offload(upload.publish)
        finally:
            await offload(upload.drop)
        while True:
            row = backup._replace(id=self._digits(DIGITS))
            if await offload(self._rows.add, permit.user, row, now):
                return row.id


@contextmanager
def _translated() -> Iterator[None]:
    """Answers a problem of the store with its message."""
    try:
        yield
    except ProblemError as error:
        if error.problem.code is Code.OVER_QUOTA:
            raise BackupRefusal(NO_QUOTA_LEFT, BackupStatus.STORE) from error
        if error.problem.code is Code.BELOW_QUORUM:
            raise BackupRefusal(OFFLINE, BackupStatus.STORE) from error
        status = (
            BackupStatus.COORDINATOR
            if error.problem.code in (Code.BAD_PATH, Code.RESERVED_NAME, Code.READ_ONLY)
            else BackupStatus.STORE
        )
        raise BackupRefusal(public(error.problem).message, status) from error


def _file_name(name: str) -> str:
    """The last part of the sender's name for it, on any system.

    Raises:
        ProblemError: `bad_path` or `reserved_name`.
    """
    return paths.check(last_part(name) or "..")


def _names(name: str) -> Iterator[str]:
    """`nota.txt`, then `nota (2).txt`, `nota (3).txt`, …, cut so that no name is too long."""
    yield name
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    for number in count(2):
        tail = f" ({number}){dot}{ending}"
        yield stem.encode()[: paths.NAME_BYTES - len(tail.encode())].decode(errors="ignore") + tail


def _admit(permit: Permit, path: str, held: Catalogued | None) -> None:
    permit.check()
    if held is not None:
        raise ProblemError(
            Problem(Code.OCCUPIED, f"{path!r} exists already", path, hint="send it again")
        )


def _is_file(held: Catalogued | None) -> bool:
    return held is not None and held.entry.kind == FILE
