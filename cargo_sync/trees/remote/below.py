"""A folder in a remote's folder, as a remote: for a get or a put of that folder.

It shares the connection, `.cargo_sync` and the trash with the folder above, which is open.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from cargo_sync.model import paths
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.entries import Entry
from cargo_sync.model.known_hashes import KnownHash
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import (
    Kept,
    NewFile,
    Pace,
    PartsFolder,
    RemoteContent,
    RemoteFolder,
    RemoteListing,
    RemoteUpload,
)
from cargo_sync.trees.remote.trash import TRASH
from cargo_sync.trees.remote.walking import walk


class RemoteBelow:
    """The folder `folder` of `remote`, whose name is `root`. See RemoteFolder."""

    def __init__(self, remote: RemoteFolder, folder: str, root: str) -> None:
        self._remote = remote
        self._folder = folder
        self._root = root

    @property
    def abilities(self) -> Abilities:
        return self._remote.abilities

    async def open(self, *, make: bool) -> str:
        """The name of the folder above: uploads are known by it. It is open already."""
        return self._root

    async def find_out(self) -> None:
        """What the server can do is known of the folder above."""

    async def close(self) -> None:
        """Whoever opened the folder above closes it."""

    def walk(self) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
        return walk(self.list)

    async def list(self, folder: str) -> RemoteListing:
        listed = await self._remote.list(self._at(folder))
        return listed._replace(path=folder)

    async def entry(self, path: str) -> Entry | None:
        return await self._remote.entry(self._at(path))

    async def read(self, path: str, entry: Entry, start: int = 0) -> RemoteContent:
        return await self._remote.read(self._at(path), entry, start)

    async def read_part(
        self, path: str, entry: Entry, start: int, end: int
    ) -> RemoteContent | None:
        if not isinstance(self._remote, PartsFolder):
            return None
        return await self._remote.read_part(self._at(path), entry, start, end)

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return await self._remote.hashes([(self._at(path), entry) for path, entry in items])

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        return await self._remote.put(self._file(file), content, replaced, pace)

    async def upload(self, file: NewFile, kept: Kept | None) -> RemoteUpload:
        return _UploadBelow(await self._remote.upload(self._file(file), kept), self)

    async def give_up(self, kept: Kept) -> None:
        await self._remote.give_up(kept)

    async def link(self, path: str, target: str) -> Entry:
        return await self._remote.link(self._at(path), target)

    async def make(self, path: str, mode: int) -> Entry:
        return await self._remote.make(self._at(path), mode)

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        return await self._remote.move(self._at(path), self._at(to), entry)

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        return await self._remote.copy(self._at(path), self._at(to), entry)

    async def remove(self, path: str, entry: Entry) -> None:
        await self._remote.remove(self._at(path), entry)

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        return await self._remote.set_metadata(self._at(path), entry, mtime_ns, mode)

    def _file(self, file: NewFile) -> NewFile:
        return replace(file, path=self._at(file.path))

    def _at(self, path: str) -> str:
        """The path in the folder above. In the trash, too, a version lies at its whole old path."""
        if not paths.is_below(path, paths.RESERVED):
            return paths.join(self._folder, path) if path else self._folder
        if not path.startswith(f"{TRASH}/"):
            return path
        run, _, inside = path.removeprefix(f"{TRASH}/").partition("/")
        return "/".join(part for part in (TRASH, run, self._folder, inside) if part)


class _UploadBelow:
    """An upload; what is published has a path in the folder below."""

    def __init__(self, upload: RemoteUpload, folder: RemoteBelow) -> None:
        self._upload = upload
        self._folder = folder

    @property
    def piece(self) -> int:
        return self._upload.piece

    @property
    def at_once(self) -> int:
        return self._upload.at_once

    @property
    def asks(self) -> bool:
        return self._upload.asks

    @property
    def done(self) -> Sequence[tuple[int, int]]:
        return self._upload.done

    async def holds(self, offset: int, content: memoryview) -> bool:
        return await self._upload.holds(offset, content)

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        await self._upload.send(offset, content, pace)

    def kept(self) -> Kept:
        return self._upload.kept()

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        return await self._upload.publish(self._folder._file(file), replaced)

    async def leave(self) -> None:
        await self._upload.leave()

    async def abort(self) -> None:
        await self._upload.abort()
