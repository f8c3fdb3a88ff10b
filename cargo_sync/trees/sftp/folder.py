"""One folder on an SSH server, as a remote. See `trees/remote/contract.py`."""

import asyncio
import stat
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model import paths
from cargo_sync.model.abilities import SECOND, Abilities, Resuming
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, LINK, Entry
from cargo_sync.model.known_hashes import KnownHash
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace, RemoteListing
from cargo_sync.trees.remote.problems import is_no_folder, is_occupied, was_changed
from cargo_sync.trees.remote.staging import STAGED, check_empty, is_beside
from cargo_sync.trees.remote.walking import walk
from cargo_sync.trees.sftp.channel import GOING_ON, MAKING, MAKING_ONLY, READING, SftpChannel
from cargo_sync.trees.sftp.connection import SftpConnection
from cargo_sync.trees.sftp.content import SftpContent
from cargo_sync.trees.sftp.entries import name_of
from cargo_sync.trees.sftp.exchange import forget
from cargo_sync.trees.sftp.login import SftpLogin
from cargo_sync.trees.sftp.names import SftpNames, folder_mode, is_same
from cargo_sync.trees.sftp.problems import translated
from cargo_sync.trees.sftp.publishing import SftpPublishing
from cargo_sync.trees.sftp.upload import SftpUpload
from cargo_sync.trees.sftp.writing import attributes
from cargo_sync.wire.sftp.packets import Attributes, SftpError

COPIED: Final = 64 * 2**20
"""Bytes that a server copies in one call: one that takes minutes looks like a server that does not
answer any more."""
_LINKS_AT_ONCE: Final = 16
_PROBED_TIME: Final = 1_000_000_000 * SECOND
_PROBED_MODE: Final = 0o640
_ABILITIES: Final = replace(STAGED, modes=True, links=True, resuming=Resuming.APPEND)


class SftpFolder:
    """The folder at an address, as the user of `login`."""

    def __init__(self, address: RemoteAddress, login: SftpLogin, world: World) -> None:
        self._address = address
        self._token = world.token
        self._connection = SftpConnection(login, world)
        self._names = SftpNames(self._connection)
        self._publishing = SftpPublishing(self._names)
        self._abilities = _ABILITIES
        self._tried = False

    @property
    def abilities(self) -> Abilities:
        return self._abilities

    async def open(self, *, make: bool) -> str:
        above = b""
        if self._address.home:
            above = await self._connection.call("", lambda sftp: sftp.realpath(b"."))
        names, wanted = self._names, self._address.path.encode()
        root = b"/".join(part for part in (above.rstrip(b"/"), wanted) if part)
        names.root = root if self._address.home else b"/" + root
        found = await names.attributes("", follow=True)
        if found is None and make:
            await names.make_root()
            found = await names.attributes("", follow=True)
        shown = names.shown
        if found is None:
            raise ProblemError(
                Problem(Code.ROOT_GONE, f"there is no folder {shown} on {names.where}")
            )
        if not found.is_folder:
            message = f"{shown} on {names.where} is not a folder"
            raise ProblemError(Problem(Code.NOT_A_FOLDER, message))
        names.root = await names.call("", lambda sftp: sftp.realpath(names.root))
        user = self._connection.login.username
        return f"sftp {user}@{names.where} {self._connection.fingerprint} {names.shown}"

    async def close(self) -> None:
        await self._connection.close()

    async def find_out(self) -> None:
        self._publishing.begin()  # a check of a job may have removed the folder
        place = await self._publishing.place(f"probe-{self._token()}")
        if self._tried:
            return
        at, link = self._names.at(place), self._names.at(f"{place}-link")
        wanted = attributes(_PROBED_TIME, _PROBED_MODE)

        async def tried(sftp: SftpChannel) -> tuple[Attributes, bool, bool]:
            await sftp.close(await sftp.open(at, MAKING))
            try:
                await sftp.setstat(at, wanted)
                found = await sftp.lstat(at)
                return found, await _links(sftp, link), await _reads_back(sftp, at)
            finally:
                await sftp.remove(at)

        found, links, goes_on = await self._names.call("", tried)
        keeps_time = found.mtime == wanted.mtime
        keeps_mode = stat.S_IMODE(found.mode or 0) == _PROBED_MODE
        self._abilities = replace(
            _ABILITIES,
            time_step=SECOND if keeps_time else None,
            modes=keeps_mode,
            links=links,
            resuming=_ABILITIES.resuming if goes_on else Resuming.NONE,
        )
        self._publishing.goes_on = goes_on
        self._names.times, self._names.modes = keeps_time, keeps_mode
        self._tried = True

    # -- reading -----------------------------------------------------------------------------------

    def walk(self) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
        return walk(self.list)

    async def list(self, folder: str) -> RemoteListing:
        try:
            names = await self._names.call(
                folder, lambda sftp: sftp.listing(self._names.at(folder))
            )
        except ProblemError as error:
            if error.problem.code is Code.OS_ERROR and await self._is_file(folder):
                raise is_no_folder(folder) from error  # not every server says it by a code
            raise
        found, problems, links = list[Entry](), list[Problem](), list[str]()
        staged: list[Entry] = []
        for one in names:
            name = name_of(one.name, folder)
            if name is None:
                continue
            if isinstance(name, Problem):
                problems.append(name)
            elif one.attributes.is_link:
                links.append(name)
            else:
                found_or_not = self._names.entry_of(paths.join(folder, name), one.attributes)
                if isinstance(found_or_not, Entry):
                    (staged if is_beside(name) else found).append(found_or_not)
                else:
                    problems.append(found_or_not)
        for start in range(0, len(links), _LINKS_AT_ONCE):
            some = links[start : start + _LINKS_AT_ONCE]
            read = await asyncio.gather(*(self.entry(paths.join(folder, name)) for name in some))
            found += [entry for entry in read if entry is not None]
        return RemoteListing(folder, found, problems, staged)

    async def entry(self, path: str) -> Entry | None:
        return await self._names.entry(path)

    async def read(self, path: str, entry: Entry, start: int = 0) -> SftpContent:
        names = self._names
        channel, at = await self._connection.channel(), names.at(path)
        with translated(names.where, path):
            opened, looked = channel.open(at, READING), channel.lstat(at)
            try:
                handle, attrs = await asyncio.gather(opened, looked)
            except BaseException:
                channel.give_back(opened)
                raise
        content = SftpContent(channel, handle, names.where, path, entry, start)
        # Opened by its name, a link is followed.
        found = names.entry_of(path, attrs)
        if isinstance(found, Problem) or found.kind != FILE or not is_same(found, entry):
            await content.close()
            raise was_changed(path)
        return content

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return [None] * len(items)

    # -- writing -----------------------------------------------------------------------------------

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        return await self._publishing.put(file, content, replaced, pace)

    async def upload(self, file: NewFile, kept: Kept | None) -> SftpUpload:
        return await self._publishing.upload(file, kept)

    async def give_up(self, kept: Kept) -> None:
        await self._publishing.give_up(kept)

    async def link(self, path: str, target: str) -> Entry:
        names = self._names
        if await names.attributes(path) is not None:
            raise is_occupied(path)
        wanted = target.encode(errors="surrogateescape")
        await names.call(path, lambda sftp: sftp.symlink(wanted, names.at(path)))
        return await names.is_there(path)

    async def make(self, path: str, mode: int) -> Entry:
        return await self._names.make(path, mode)

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        names = self._names
        await names.expect(path, entry)
        if await names.attributes(to) is not None:
            raise is_occupied(to)
        # Not `replace`, which would take the place of what comes there in this moment.
        try:
            await names.call(path, lambda sftp: sftp.rename(names.at(path), names.at(to)))
        except ProblemError as error:
            if error.problem.code is not Code.OS_ERROR or await names.attributes(to) is not None:
                raise
            return await self._carry(path, to, entry, error)
        return await names.is_there(to)

    async def _carry(self, path: str, to: str, entry: Entry, why: ProblemError) -> Entry:
        """Moves a file that could not be renamed, perhaps because `to` is on another disk.

        Raises:
            ProblemError: the same as before, if it cannot be copied, either.
        """
        names = self._names
        channel = await self._connection.channel()
        if entry.kind != FILE or not channel.offers(b"copy-data"):
            hint = "is it on another disk of the server? Make a job for what is on that disk"
            raise ProblemError(replace(why.problem, hint=hint)) from why
        made = await self.copy(path, to, entry)
        try:
            await names.expect(path, entry)
        except ProblemError:
            await names.unlink(to)
            raise
        await names.unlink(path)
        return made

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        names = self._names
        await names.expect(path, entry)
        if await names.attributes(to) is not None:
            raise is_occupied(to)

        async def copied(sftp: SftpChannel) -> None:
            source = await sftp.open(names.at(path), READING)
            try:
                target = await sftp.open(names.at(to), MAKING_ONLY)
                try:
                    for start in range(0, entry.size, COPIED):
                        length = min(COPIED, entry.size - start)
                        await sftp.copy(source, target, start, length)
                        await sftp.sync(target)
                except SftpError as error:
                    forget(sftp.remove(names.at(to)))
                    raise await names.reason(sftp, to, entry.size, error) from error
                finally:
                    await sftp.close(target)
            finally:
                await sftp.close(source)

        await names.call(path, copied)
        wanted = attributes(entry.mtime_ns, entry.mode)
        await names.call(to, lambda sftp: sftp.setstat(names.at(to), wanted))
        made = await names.is_there(to)
        if made.size != entry.size:
            await names.unlink(to)
            raise ProblemError(Problem(Code.CORRUPT, f"the copy of {path!r} is not complete", path))
        return made

    async def remove(self, path: str, entry: Entry) -> None:
        names = self._names
        await names.expect(path, entry)
        if entry.kind != FOLDER:
            await names.unlink(path)
            return
        check_empty(await self.list(path), path)
        await names.call(path, lambda sftp: sftp.rmdir(names.at(path)))

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        names = self._names
        await names.expect(path, entry)
        if entry.kind == LINK:
            return entry
        wanted = attributes(mtime_ns, mode)
        if entry.kind == FOLDER:
            if mode == BY_UMASK:
                return entry
            wanted = folder_mode(mode)
        await names.call(path, lambda sftp: sftp.setstat(names.at(path), wanted))
        return await names.is_there(path)

    async def _is_file(self, path: str) -> bool:
        found = await self._names.attributes(path)
        return found is not None and not found.is_folder


async def _reads_back(sftp: SftpChannel, at: bytes) -> bool:
    """Whether a file that is written can be read, too.

    Else an upload cannot go on after a cut, because what is there could not be compared.
    """
    try:
        handle = await sftp.open(at, GOING_ON)
        try:
            await sftp.write(handle, 0, memoryview(b"c"))
            return bytes(await sftp.read(handle, 0, 1)) == b"c"
        finally:
            await sftp.close(handle)
    except SftpError:
        return False


async def _links(sftp: SftpChannel, at: bytes) -> bool:
    """Whether links can be made."""
    try:
        await sftp.symlink(b"target", at)
        is_kept = (await sftp.lstat(at)).is_link
        await sftp.remove(at)
    except SftpError:
        return False
    return is_kept
