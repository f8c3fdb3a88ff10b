"""A folder on somebody else's server, in memory: it can, and fails at, what a test says.

What people do there is done to the `MemoryServer`; a `MemoryRemote` is a client of it, as each
protocol has one.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from hashlib import md5
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.abilities import Abilities, Publishing, Resuming, Trashing
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, LINK, PERMISSIONS, Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.model.problems import Code, Problem, ProblemError, changed
from cargo_sync.process.wakeup import next_turn
from cargo_sync.testing.remote_content import MemoryContent, MemoryUpload
from cargo_sync.testing.remote_server import Item, MemoryServer, UnpublishedParts
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace, RemoteListing, RemoteUpload
from cargo_sync.trees.remote.feed import ChangedFolders
from cargo_sync.trees.remote.staging import is_beside

SLICE: Final = 256 * 1024
_TOP: Final = Entry("", FOLDER, version=1, mode=BY_UMASK)


class MemoryRemote:
    """A client of such a server.

    tells   content comes with the file's time and mode, whatever listings say of them
    piece   bytes of a piece of an upload
    paced   how many bytes each call of a pace was asked for
    """

    def __init__(
        self,
        server: MemoryServer,
        abilities: Abilities,
        *,
        piece: int = 64 * 1024,
        tells: bool = False,
    ) -> None:
        self._server = server
        self.abilities = abilities
        self.piece = piece
        self.tells = tells
        self.closed = False

    async def called(self, call: str, path: str) -> None:
        await next_turn()  # others may come first
        self._server.calls.append((call, path))
        if self._server.fault is not None:
            self._server.fault(call, path)

    def ended(self, call: str, path: str) -> None:
        if self._server.fault is not None:
            self._server.fault(f"{call} done", path)

    async def open(self, *, make: bool) -> str:
        await self.called("open", "")
        return "memory://server/folder"

    async def find_out(self) -> None:
        await self.called("find_out", "")

    async def close(self) -> None:
        self.closed = True

    # -- looking -----------------------------------------------------------------------------------

    async def walk(self) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
        pending = [""]
        while pending:
            folder = pending.pop()
            try:
                listing = await self.list(folder)
            except ProblemError as error:
                if error.problem.code in (Code.UNREACHABLE, Code.CUT):
                    raise
                yield [Missed(folder, error.problem)]
                continue
            pending += [
                paths.join(folder, one.name) for one in listing.entries if one.kind == FOLDER
            ]
            yield [listing]

    async def newest_change(self, since: int) -> int:
        await self.called("newest_change", "")
        return len(self._server.log)

    async def changes(self, since: int, most: int) -> ChangedFolders | None:
        await self.called("changes", "")
        log = self._server.log
        told = {path for path in log[since:] if not _is_ours(path.partition("/")[0])}
        if since > len(log) or len(told) > most:
            return None
        folders = {path for path in told if (at := self._at(path)) and at.kind == FOLDER}
        return ChangedFolders({*map(paths.parent, told)}, folders, len(log))

    async def list(self, folder: str) -> RemoteListing:
        await self.called("list", folder)
        there = self._at(folder)
        if there is None:
            raise _problem(Code.VANISHED, folder, "is not there")
        if there.kind != FOLDER:
            raise _problem(Code.NOT_A_FOLDER, folder, "is a file")
        names = {_first(path, folder) for path in self._below(folder)}
        found = [
            one
            for name in sorted(names)
            if (one := self._at(paths.join(folder, name))) and not (not folder and _is_ours(name))
        ]
        if folder in self._server.silent:
            return RemoteListing(folder, ())
        staged = [one for one in found if is_beside(one.name)]
        return RemoteListing(folder, [one for one in found[::-1] if one not in staged], (), staged)

    async def entry(self, path: str) -> Entry | None:
        await self.called("entry", path)
        return self._at(path)

    async def read(self, path: str, entry: Entry, start: int = 0) -> "MemoryContent":
        await self.called("read", path)
        self._check(path, entry)
        return MemoryContent(self, path, self._server.items[path], start)

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        await self.called("hashes", "")
        return [
            self._known(path) if _same(self._at(path), entry) else None for path, entry in items
        ]

    def _known(self, path: str) -> KnownHash | None:
        item = self._server.items[path]
        if self.abilities.hashes and item.hash:
            return KnownHash(HashKind.BLAKE3, item.hash)
        if HashKind.MD5 in self.abilities.digests:
            digest = md5(item.content, usedforsecurity=False).hexdigest()
            return KnownHash(HashKind.MD5, digest, certain=True)
        return None

    # -- changing ----------------------------------------------------------------------------------

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        await self.called("put", file.path)
        await self.receive(len(content), pace)
        entry = self.place(file, bytes(content), replaced)
        self.ended("put", file.path)
        return entry

    async def receive(self, count: int, pace: Pace) -> None:
        for start in range(0, count, SLICE):
            piece = min(SLICE, count - start)
            await pace(piece)
            await next_turn()
            self._server.sent += piece

    async def upload(self, file: NewFile, kept: Kept | None) -> RemoteUpload:
        await self.called("upload", file.path)
        known = self._server.uploads
        if kept is None or kept not in known or self.abilities.resuming is Resuming.NONE:
            kept = f"upload-{len(self._server.calls)}"
            known[kept] = UnpublishedParts()
        return MemoryUpload(self, kept, file)

    async def give_up(self, kept: Kept) -> None:
        await self.called("give_up", "")
        self._server.uploads.pop(kept, None)

    async def link(self, path: str, target: str) -> Entry:
        await self.called("link", path)
        self._check(path, None)
        self._server.put(path, Item(LINK, target=target, mode=0o777))
        return self._now(path)

    async def make(self, path: str, mode: int) -> Entry:
        await self.called("make", path)
        if path:
            for above in [*reversed(list(paths.upwards(paths.parent(path)))), path]:
                there = self._at(above)
                if there is not None and there.kind != FOLDER:
                    raise _problem(Code.NOT_A_FOLDER, above, "is a file where a folder is needed")
                if (there is None and self.abilities.folders) or above == path:
                    kept = self._server.items.get(above)
                    if kept is None:
                        self._server.put(above, Item(FOLDER, mode=0o755 if mode < 0 else mode))
        return self._now(path)

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        await self.called("move", path)
        self._check(path, entry)
        self._check(to, None)
        self._check_above(to)
        renames = (self.abilities.trashing, self.abilities.publishing)
        if Trashing.RENAME not in renames and Publishing.RENAME not in renames:
            assert entry.kind != FOLDER, "this server cannot rename folders"
        for old in [path, *self._below(path)]:
            if (item := self._server.take(old)) is not None:
                self._server.put(to + old[len(path) :], item, ident=item.ident)
        self.ended("move", path)
        return self._now(to)

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        await self.called("copy", path)
        self._check(path, entry)
        self._check(to, None)
        self._check_above(to)
        self._server.put(to, self._server.items[path])
        self.ended("copy", path)
        return self._now(to)

    async def remove(self, path: str, entry: Entry) -> None:
        await self.called("remove", path)
        self._check(path, entry)
        if any(self._below(path)):
            raise _problem(Code.NOT_EMPTY, path, "is not empty")
        self._server.take(path)
        self.ended("remove", path)

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        await self.called("set_metadata", path)
        self._check(path, entry)
        item = self._server.items[path]
        kept = mode & PERMISSIONS if self.abilities.modes else item.mode
        time = 0 if entry.kind == FOLDER else mtime_ns
        self._server.put(path, item._replace(mtime_ns=time, mode=kept), ident=item.ident)
        return self._now(path)

    # -- within ------------------------------------------------------------------------------------

    def place(self, file: NewFile, content: bytes, replaced: Entry | None) -> Entry:
        """A file appears at its place."""
        self._check(file.path, replaced)
        self._check_above(file.path)
        mode = 0o644 if file.mode == BY_UMASK else file.mode & PERMISSIONS
        known = file.hash if self.abilities.hashes else ""
        self._server.put(file.path, Item(FILE, content, file.mtime_ns, mode, hash=known))
        return self._now(file.path)

    def _check(self, path: str, expected: Entry | None) -> None:
        there = self._at(path)
        if expected is None and there is not None:
            raise _problem(Code.OCCUPIED, path, "already exists")
        if expected is not None and there is None:
            raise _problem(Code.VANISHED, path, "is not there")
        if expected is not None and not _same(there, expected):
            raise ProblemError(changed(path))

    def _check_above(self, path: str) -> None:
        """Raises ProblemError if the folder that `path` is in is not there."""
        above = paths.parent(path)
        there = self._at(above)
        if there is not None and there.kind != FOLDER:
            raise _problem(Code.NOT_A_FOLDER, above, "is a file where a folder is needed")
        if there is None and self.abilities.folders:
            raise _problem(Code.VANISHED, above, "is not there")

    def _below(self, folder: str) -> Iterator[str]:
        found = [one for one in self._server.items if paths.is_inside(one, folder) and one]
        return iter(found)

    def _now(self, path: str) -> Entry:
        entry = self._at(path)
        assert entry is not None, path
        return entry

    def _at(self, path: str) -> Entry | None:
        item = self._server.items.get(path)
        if item is None:
            return (
                _TOP._replace(name=paths.name(path))
                if not path or (any(self._below(path)) and not self.abilities.folders)
                else None
            )
        step, can = self.abilities.time_step, self.abilities
        name = paths.name(path)
        mode, ident = item.mode if can.modes else BY_UMASK, item.ident if can.idents else 0
        if item.kind == FOLDER:
            return Entry(name, FOLDER, mode=mode, version=1, ident=ident)
        time = item.number * 10**9 if step is None else item.mtime_ns - item.mtime_ns % step
        size, link = len(item.content), item.kind == LINK
        return Entry(
            name, item.kind, 0 if link else size, time, mode, item.number, ident, "", item.target
        )

    @property
    def server(self) -> MemoryServer:
        return self._server


def _first(path: str, folder: str) -> str:
    """The component of a path that is directly in a folder above it."""
    return path[len(folder) + 1 if folder else 0 :].partition("/")[0]


def _is_ours(name: str) -> bool:
    return paths.is_reserved(name)


def _same(one: Entry | None, other: Entry) -> bool:
    if one is None or one.kind != other.kind:
        return False
    return one.kind == FOLDER or one.version == other.version


def _problem(code: Code, path: str, words: str) -> ProblemError:
    return ProblemError(Problem(code, f"{path!r} {words}", path))
