"""One folder on an FTP server, as a remote. See `trees/remote/contract.py`.

Content is always stored in our staging folder first, then renamed. Many servers overwrite what is
at the new name, so it is looked at just before.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model import paths
from cargo_sync.model.abilities import SECOND, Abilities, Resuming
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, PERMISSIONS, Entry
from cargo_sync.model.known_hashes import KnownHash
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.ftp.calls import FtpCalls
from cargo_sync.trees.ftp.content import FtpContent
from cargo_sync.trees.ftp.login import FtpLogin
from cargo_sync.trees.ftp.pool import FtpPool
from cargo_sync.trees.ftp.problems import FtpRefusalError
from cargo_sync.trees.ftp.storing import send
from cargo_sync.trees.ftp.upload import FtpUpload
from cargo_sync.trees.ftp.ways import (
    FtpWays,
    GoOn,
    ProbeCalls,
    SetTime,
    command_of,
    find_out,
)
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace, RemoteListing
from cargo_sync.trees.remote.problems import has_vanished, is_no_folder
from cargo_sync.trees.remote.renaming import check_top, put_instead
from cargo_sync.trees.remote.staging import (
    STAGED,
    StagingFolder,
    check_empty,
    is_staged,
    of_file,
    place_of,
    published,
)
from cargo_sync.trees.remote.walking import walk


class FtpFolder:
    """The folder at an address, as the user of `login`."""

    def __init__(self, address: RemoteAddress, login: FtpLogin, world: World) -> None:
        self._address = address
        self._login = login
        self._pool = FtpPool(login, world)
        self._calls = FtpCalls(self._pool, f"/{address.path}" if address.path else "")
        self._staging = StagingFolder(lambda path: self.make(path, BY_UMASK), world.token)
        self._ways: FtpWays | None = None

    @property
    def abilities(self) -> Abilities:
        ways, calls = self._ways, self._calls
        can = replace(STAGED, modes=calls.modes, empties=bool(calls.facts))
        if ways is None:
            return can
        return replace(
            can,
            time_step=None if ways.time is SetTime.NONE else SECOND,
            resuming=Resuming.NONE if ways.go_on is GoOn.NONE else Resuming.APPEND,
        )

    async def open(self, *, make: bool) -> str:
        found = await self._calls.entry("")
        if found is None and make:
            await self._make_top(self._address.path)
            found = await self._calls.entry("")
        check_top(found, self._address)
        login = self._login
        return f"ftp {login.username}@{login.where} {login.fingerprint} /{self._address.path}"

    async def close(self) -> None:
        await self._pool.close()

    async def find_out(self) -> None:
        self._staging.forget()
        place = await self._staging.place("probe")
        if self._ways is not None:
            return
        calls = self._calls
        try:
            ways = await find_out(self._probe(place))
            calls.modes = ways.modes
            self._ways = ways
        finally:
            with suppress(ProblemError):
                await self._remove_staged(place)

    # -- reading -----------------------------------------------------------------------------------

    def walk(self) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
        return walk(self.list)

    async def list(self, folder: str) -> RemoteListing:
        return await self._calls.listing(folder)

    async def entry(self, path: str) -> Entry | None:
        return await self._calls.entry(path)

    async def read(self, path: str, entry: Entry, start: int = 0) -> FtpContent:
        await self._calls.expect(path, entry)
        try:
            channel = await self._calls.channel("RETR", path, start)
        except FtpRefusalError as error:
            if await self._calls.entry(path) is None:
                raise has_vanished(path) from error
            raise
        return FtpContent(self._calls, channel, path, entry, start)

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return [None] * len(items)

    # -- content -----------------------------------------------------------------------------------

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        place = await self._place_of(file)
        try:
            await self._store(place, content, pace)
            return await self._publish(place, file, replaced)
        except ProblemError as error:
            with suppress(ProblemError):
                await self._remove_staged(place)
            raise ProblemError(of_file(error.problem, file.path)) from error

    async def upload(self, file: NewFile, kept: Kept | None) -> FtpUpload:
        ways = await self._known_ways()
        place, there = place_of(kept) if kept else "", 0
        if place:
            found = await self._calls.entry(place)
            if ways.go_on is not GoOn.NONE and found is not None and found.kind == FILE:
                there = found.size if found.size <= file.size else 0
            if not there:
                with suppress(ProblemError):  # what stays goes after a week
                    await self._remove_staged(place)
        if not there:
            place = await self._place_of(file)
        return FtpUpload(
            self._calls, ways.go_on, place, there, file.size, self._publish, self._remove_staged
        )

    async def give_up(self, kept: Kept) -> None:
        if place := place_of(kept):
            await self._remove_staged(place)

    # -- changing ----------------------------------------------------------------------------------

    async def link(self, path: str, target: str) -> Entry:
        message = f"an FTP server makes no symbolic links: {path!r} cannot be made"
        raise ProblemError(Problem(Code.UNSUPPORTED, message, path, retry=False))

    async def make(self, path: str, mode: int) -> Entry:
        for above in reversed(list(paths.upwards(path))):
            found = await self._calls.entry(above)
            if found is None:
                await self._make_one(above)
                if above == path:
                    await self._set_mode(path, mode | 0o700)
            elif found.kind != FOLDER:
                raise is_no_folder(above)
        return await self._calls.there(path)

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        await self._calls.expect(path, entry)
        await self._calls.expect_nothing(to)
        await self._calls.rename(path, to)
        return await self._calls.there(to)

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        message = f"an FTP server makes no copies: {path!r} cannot be copied there"
        raise ProblemError(Problem(Code.UNSUPPORTED, message, path, retry=False))

    async def remove(self, path: str, entry: Entry) -> None:
        await self._calls.expect(path, entry)
        if entry.kind != FOLDER:
            await self._command("DELE", path)
            return
        check_empty(await self._calls.listing(path), path)
        try:
            await self._command("RMD", path)
        except FtpRefusalError:
            check_empty(await self._calls.listing(path), path)
            raise

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        await self._calls.expect(path, entry)
        await self._known_ways()
        if entry.kind == FILE:
            await self._set_time(path, mtime_ns)
            await self._set_mode(path, mode)
        else:
            await self._set_mode(path, mode | 0o700)
        return await self._calls.there(path)

    # -- inside ------------------------------------------------------------------------------------

    async def _command(self, word: str, path: str) -> None:
        await self._calls.command(f"{word} {self._calls.at(path)}", path)

    async def _make_top(self, path: str) -> None:
        """Makes the folder, and those above it that are not there."""
        calls = FtpCalls(self._pool, f"/{path}")
        if await calls.entry("") is None:
            if above := paths.parent(path):
                await self._make_top(above)
            await calls.command(f"MKD {calls.at('')}", "")

    async def _make_one(self, path: str) -> None:
        try:
            await self._command("MKD", path)
        except FtpRefusalError:
            # Somebody else may have made it.
            found = await self._calls.entry(path)
            if found is None or found.kind != FOLDER:
                raise

    async def _known_ways(self) -> FtpWays:
        if self._ways is None:
            await self.find_out()
        assert self._ways is not None
        return self._ways

    async def _place_of(self, file: NewFile) -> str:
        """Where a new file is staged."""
        await self._known_ways()
        return await self._staging.place(file.transfer)

    def _probe(self, place: str) -> ProbeCalls:
        calls = self._calls

        async def free(_: int) -> None:
            return

        async def store(content: bytes, start: int, way: GoOn) -> None:
            command = way.value if start else "STOR"
            first = start if way is GoOn.RESTART else 0
            await self._store(place, memoryview(content), free, command, first)

        async def set_time(way: SetTime, mtime_ns: int) -> None:
            await calls.command(command_of(way, mtime_ns, calls.at(place)), place)

        async def set_mode(mode: int) -> None:
            await calls.command(f"SITE CHMOD {mode:o} {calls.at(place)}", place)

        return ProbeCalls(
            store,
            lambda: calls.fetch(place, 0, 2**10),
            set_time,
            set_mode,
            lambda: calls.there(place),
        )

    async def _store(
        self, place: str, content: memoryview, pace: Pace, command: str = "STOR", start: int = 0
    ) -> None:
        """Sends all of a content to a staged file, or adds it to one."""
        try:
            channel = await self._calls.channel(command, place, start)
        except FtpRefusalError:
            self._staging.forget()
            raise
        try:
            await send(channel, content, pace)
            await channel.finish()
        except ProblemError:
            raise
        except BaseException:
            channel.drop()
            raise
        finally:
            await self._calls.ended(channel)

    async def _set_time(self, path: str, mtime_ns: int) -> None:
        way = (await self._known_ways()).time
        if way is not SetTime.NONE:
            command = command_of(way, mtime_ns, self._calls.at(path))
            await self._calls.command(command, path)

    async def _set_mode(self, path: str, mode: int) -> None:
        ways = self._ways
        if ways is not None and ways.modes and mode != BY_UMASK and mode & PERMISSIONS:
            command = f"SITE CHMOD {mode & PERMISSIONS:o} {self._calls.at(path)}"
            await self._calls.command(command, path)

    async def _publish(self, place: str, file: NewFile, replaced: Entry | None) -> Entry:
        """Gives a staged file its time, its mode and its place."""
        path, calls = file.path, self._calls
        staged = await calls.there(place)
        if staged.size != file.size:
            message = f"the server has {staged.size} bytes of {path!r}, not {file.size}"
            raise ProblemError(Problem(Code.CORRUPT, message, path))
        await self._set_time(place, file.mtime_ns)
        await self._set_mode(place, file.mode)
        if replaced is not None:
            await calls.expect(path, replaced)
            await self._replace(place, path)
        else:
            await calls.expect_nothing(path)
            await self._rename(place, path)
        return published(await calls.entry(path), file)

    async def _rename(self, place: str, path: str) -> None:
        try:
            await self._calls.rename(place, path)
        except FtpRefusalError as error:
            above = paths.parent(path)
            if above and await self._calls.entry(above) is None:
                raise has_vanished(above) from error
            raise

    async def _replace(self, place: str, path: str) -> None:
        """Puts a staged file in the place of another one, which was just looked at."""
        calls = self._calls
        try:
            await calls.rename(place, path)
            return
        except FtpRefusalError:
            if await calls.entry(place) is None or await calls.entry(path) is None:
                raise
        # This server does not overwrite.
        await put_instead(place, path, calls.rename, _unchecked, self._remove_staged)

    async def _remove_staged(self, place: str) -> None:
        """Removes a staged file, if it is there."""
        assert is_staged(place), "nothing else is removed without a look"
        try:
            await self._command("DELE", place)
        except FtpRefusalError:
            if await self._calls.entry(place) is not None:
                raise


async def _unchecked(path: str) -> None:
    """It was looked at just before."""
