"""One folder on an SSH server, as a remote. See `trees/remote/contract.py`."""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import asyncssh

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model import paths
from cargo_sync.model.abilities import SECOND, Abilities, Resuming
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, LINK, PERMISSIONS, Entry
from cargo_sync.model.known_hashes import KnownHash
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace, RemoteListing
from cargo_sync.trees.remote.problems import has_vanished, is_not_empty, is_occupied, was_changed
from cargo_sync.trees.remote.staging import STAGED, STAGING
from cargo_sync.trees.remote.walking import walk
from cargo_sync.trees.sftp.connection import SftpConnection
from cargo_sync.trees.sftp.content import SftpContent
from cargo_sync.trees.sftp.entries import entry_of, name_of
from cargo_sync.trees.sftp.login import SftpLogin
from cargo_sync.trees.sftp.upload import SftpUpload, kept_of
from cargo_sync.trees.sftp.writing import attributes, sync, write

T = TypeVar("T")
_LINKS_AT_ONCE: Final = 16
_PROBED_TIME: Final = 1_000_000_000 * SECOND
_PROBED_MODE: Final = 0o640
_ABILITIES: Final = replace(STAGED, modes=True, links=True, resuming=Resuming.APPEND)


class SftpFolder:
    """The folder at an address, as the user of `login`."""

    hashes_first = False

    def __init__(self, address: RemoteAddress, login: SftpLogin, world: World) -> None:
        self._address = address
        self._token = world.token
        self._connection = SftpConnection(login, world)
        self._root = b""
        self._staged = False
        self._abilities = _ABILITIES
        self._tried = False

    @property
    def abilities(self) -> Abilities:
        return self._abilities

    async def open(self, *, make: bool) -> str:
        above = (
            await self._call("", lambda sftp: sftp.realpath(b".")) if self._address.home else b""
        )
        wanted = self._address.path.encode()
        self._root = b"/".join(part for part in (above.rstrip(b"/"), wanted) if part)
        if not self._address.home:
            self._root = b"/" + self._root
        found = await self._attributes("", follow=True)
        if found is None and make:
            await self._call("", lambda sftp: sftp.makedirs(self._root, exist_ok=True))
            found = await self._attributes("", follow=True)
        if found is None:
            message = f"there is no folder {self._root.decode()} on {self._where}"
            raise ProblemError(Problem(Code.ROOT_GONE, message))
        if found.type != asyncssh.FILEXFER_TYPE_DIRECTORY:
            message = f"{self._root.decode()} on {self._where} is not a folder"
            raise ProblemError(Problem(Code.NOT_A_FOLDER, message))
        self._root = await self._call("", lambda sftp: sftp.realpath(self._root))
        user = self._connection.login.username
        return f"sftp {user}@{self._where} {self._connection.fingerprint} {self._root.decode()}"

    async def close(self) -> None:
        await self._connection.close()

    async def find_out(self) -> None:
        self._staged = False  # a check of a job may have removed the folder
        place = await self._staging(f"probe-{self._token()}")
        if self._tried:
            return
        at, link = self._at(place), self._at(f"{place}-link")
        wanted = attributes(_PROBED_TIME, _PROBED_MODE)

        async def tried(sftp: asyncssh.SFTPClient) -> tuple[asyncssh.SFTPAttrs, bool]:
            async with await sftp.open(at, "wb", encoding=None):
                pass
            try:
                await sftp.setstat(at, wanted)
                found = await sftp.lstat(at)
                return found, await _links(sftp, link)
            finally:
                await sftp.remove(at)

        found, links = await self._call("", tried)
        keeps_time = found.mtime == wanted.mtime
        keeps_mode = stat.S_IMODE(found.permissions or 0) == _PROBED_MODE
        self._abilities = replace(
            _ABILITIES, time_step=SECOND if keeps_time else None, modes=keeps_mode, links=links
        )
        self._tried = True

    # -- reading -----------------------------------------------------------------------------------

    def walk(self) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
        return walk(self.list)

    async def list(self, folder: str) -> RemoteListing:
        names = await self._call(folder, lambda sftp: sftp.readdir(self._at(folder)))
        found, problems, links = list[Entry](), list[Problem](), list[str]()
        for one in names:
            assert isinstance(one.filename, bytes)
            name = name_of(one.filename, folder)
            if name is None:
                continue
            if isinstance(name, Problem):
                problems.append(name)
            elif one.attrs.type == asyncssh.FILEXFER_TYPE_SYMLINK:
                links.append(name)
            else:
                found_or_not = self._entry_of(paths.join(folder, name), one.attrs)
                if isinstance(found_or_not, Entry):
                    found.append(found_or_not)
                else:
                    problems.append(found_or_not)
        for start in range(0, len(links), _LINKS_AT_ONCE):
            some = links[start : start + _LINKS_AT_ONCE]
            read = await asyncio.gather(*(self.entry(paths.join(folder, name)) for name in some))
            found += [entry for entry in read if entry is not None]
        return RemoteListing(folder, found, problems)

    async def entry(self, path: str) -> Entry | None:
        attrs = await self._attributes(path)
        if attrs is None:
            return None
        target = ""
        if attrs.type == asyncssh.FILEXFER_TYPE_SYMLINK:
            raw = await self._call(path, lambda sftp: sftp.readlink(self._at(path)))
            target = raw.decode(errors="surrogateescape") if isinstance(raw, bytes) else raw
        found = self._entry_of(path, attrs, target)
        if isinstance(found, Problem):
            raise ProblemError(found)
        return found

    async def read(self, path: str, entry: Entry, start: int = 0) -> SftpContent:
        await self._expect(path, entry)  # opened by its name, a link would be followed
        opened = await self._call(path, lambda sftp: sftp.open(self._at(path), "rb", encoding=None))
        content = SftpContent(opened, self._where, path, entry, start)
        try:
            await content.check()
        except ProblemError:
            await content.close()
            raise
        return content

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return [None] * len(items)

    # -- writing -----------------------------------------------------------------------------------

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        place = await self._staging(file.transfer)

        async def written(sftp: asyncssh.SFTPClient) -> None:
            async with await sftp.open(self._at(place), "wb", encoding=None) as opened:
                await write(opened, 0, content, pace)
                await sync(opened)

        await self._connection.long_call(file.path, written)
        return await self._publish(place, file, replaced)

    async def upload(self, file: NewFile, kept: Kept | None) -> SftpUpload:
        place, there = kept_of(kept) if kept else ("", 0)
        if paths.parent(place) != STAGING or there > file.size:
            place, there = "", 0
        if place:
            attrs = await self._attributes(place)
            there = min(there, attrs.size or 0) if attrs is not None else 0
        place = place or await self._staging(file.transfer)
        flags = "rb+" if there else "wb+"
        opened = await self._call(
            file.path, lambda sftp: sftp.open(self._at(place), flags, encoding=None)
        )
        return SftpUpload(opened, self._where, place, there, self._publish, self._unlink)

    async def give_up(self, kept: Kept) -> None:
        place, _ = kept_of(kept)
        if paths.parent(place) == STAGING:
            try:
                await self._unlink(place)
            except ProblemError as error:
                if error.problem.code is not Code.VANISHED:
                    raise

    async def link(self, path: str, target: str) -> Entry:
        if await self._attributes(path) is not None:
            raise is_occupied(path)
        wanted = target.encode(errors="surrogateescape")
        await self._call(path, lambda sftp: sftp.symlink(wanted, self._at(path)))
        return await self._is_there(path)

    async def make(self, path: str, mode: int) -> Entry:
        for above in reversed(list(paths.upwards(path))):
            attrs = await self._attributes(above)
            if attrs is None:
                await self._make_one(above, mode if above == path else BY_UMASK)
            elif attrs.type != asyncssh.FILEXFER_TYPE_DIRECTORY:
                message = f"{above!r} is a file where a folder is needed"
                raise ProblemError(Problem(Code.NOT_A_FOLDER, message, path))
        return await self._is_there(path)

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        await self._expect(path, entry)
        if await self._attributes(to) is not None:
            raise is_occupied(to)
        # Not posix-rename, which would replace what comes there in this moment.
        await self._call(path, lambda sftp: sftp.rename(self._at(path), self._at(to)))
        return await self._is_there(to)

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        await self._expect(path, entry)
        if await self._attributes(to) is not None:
            raise is_occupied(to)

        async def copied(sftp: asyncssh.SFTPClient) -> None:
            if not sftp.supports_remote_copy:
                raise asyncssh.SFTPOpUnsupported("copy-data")
            async with (
                await sftp.open(self._at(path), "rb", encoding=None) as source,
                await sftp.open(self._at(to), "xb", encoding=None) as target,
            ):
                await sftp.remote_copy(source, target)

        await self._connection.long_call(path, copied)
        wanted = attributes(entry.mtime_ns, entry.mode)
        await self._call(to, lambda sftp: sftp.setstat(self._at(to), wanted))
        made = await self._is_there(to)
        if made.size != entry.size:
            raise ProblemError(Problem(Code.CORRUPT, f"the copy of {path!r} is not complete", path))
        return made

    async def remove(self, path: str, entry: Entry) -> None:
        await self._expect(path, entry)
        if entry.kind != FOLDER:
            await self._unlink(path)
            return
        if (await self.list(path)).entries:
            raise is_not_empty(path)
        await self._call(path, lambda sftp: sftp.rmdir(self._at(path)))

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        await self._expect(path, entry)
        if entry.kind == LINK:
            return entry
        wanted = attributes(mtime_ns, mode)
        if entry.kind == FOLDER:
            if mode == BY_UMASK:
                return entry
            wanted = asyncssh.SFTPAttrs(permissions=mode & PERMISSIONS | 0o700)
        await self._call(path, lambda sftp: sftp.setstat(self._at(path), wanted))
        return await self._is_there(path)

    # -- inside ------------------------------------------------------------------------------------

    @property
    def _where(self) -> str:
        return self._connection.login.where

    async def _call(self, path: str, work: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        return await self._connection.call(path, work)

    def _entry_of(self, path: str, attrs: asyncssh.SFTPAttrs, target: str = "") -> Entry | Problem:
        return entry_of(path, attrs, target, modes=self._abilities.modes)

    def _at(self, path: str) -> bytes:
        """The path on the server."""
        return self._root + b"/" + path.encode(errors="surrogateescape") if path else self._root

    async def _attributes(self, path: str, *, follow: bool = False) -> asyncssh.SFTPAttrs | None:
        """What the server says of a path; None for nothing."""

        async def asked(sftp: asyncssh.SFTPClient) -> asyncssh.SFTPAttrs | None:
            try:
                return await (sftp.stat if follow else sftp.lstat)(self._at(path))
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                return None

        return await self._call(path, asked)

    async def _expect(self, path: str, entry: Entry) -> None:
        """Raises ProblemError: VANISHED, CHANGED."""
        found = await self.entry(path)
        if found is None:
            raise has_vanished(path)
        if (found.kind, found.version) != (entry.kind, entry.version):
            raise was_changed(path)

    async def _is_there(self, path: str) -> Entry:
        found = await self.entry(path)
        if found is None:
            raise has_vanished(path)
        return found

    async def _make_one(self, path: str, mode: int) -> None:
        async def made(sftp: asyncssh.SFTPClient) -> None:
            await sftp.mkdir(self._at(path))
            if mode != BY_UMASK:
                bits = mode & PERMISSIONS | 0o700
                await sftp.setstat(self._at(path), asyncssh.SFTPAttrs(permissions=bits))

        try:
            await self._call(path, made)
        except ProblemError:
            # Somebody else may have made it; most servers then say only that it failed.
            found = await self._attributes(path)
            if found is None or found.type != asyncssh.FILEXFER_TYPE_DIRECTORY:
                raise

    async def _staging(self, transfer: str) -> str:
        """The place of a new staged file; its folder is there."""
        if not self._staged:
            await self.make(STAGING, 0o700)
            self._staged = True
        return f"{STAGING}/{transfer}"

    async def _publish(self, place: str, file: NewFile, replaced: Entry | None) -> Entry:
        """Gives a staged file its time, its mode and its place."""
        path = file.path
        # By its name: not every server answers this for a file that is open.
        wanted = attributes(file.mtime_ns, file.mode)
        await self._call(path, lambda sftp: sftp.setstat(self._at(place), wanted))
        if replaced is not None:
            await self._expect(path, replaced)
            await self._replace(place, path)
        elif await self._attributes(path) is not None:
            raise was_changed(path)
        else:
            await self._call(path, lambda sftp: sftp.rename(self._at(place), self._at(path)))
        found = await self._is_there(path)
        if found.kind != FILE or found.size != file.size:
            raise was_changed(path)
        return found

    async def _replace(self, place: str, path: str) -> None:
        async def renamed(sftp: asyncssh.SFTPClient) -> None:
            try:
                await sftp.posix_rename(self._at(place), self._at(path))
            except asyncssh.SFTPOpUnsupported:
                await sftp.remove(self._at(path))
                await sftp.rename(self._at(place), self._at(path))

        await self._call(path, renamed)

    async def _unlink(self, path: str) -> None:
        await self._call(path, lambda sftp: sftp.remove(self._at(path)))


async def _links(sftp: asyncssh.SFTPClient, at: bytes) -> bool:
    """Whether links can be made."""
    try:
        await sftp.symlink(b"target", at)
        is_kept = (await sftp.lstat(at)).type == asyncssh.FILEXFER_TYPE_SYMLINK
        await sftp.remove(at)
    except asyncssh.SFTPError:
        return False
    return is_kept
