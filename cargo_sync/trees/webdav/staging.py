"""Files in our staging folder on a WebDAV server: sent there, then moved to their places.

A PUT that is cut leaves half a file on most servers, so nothing is put where others look.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.remote.contract import NewFile
from cargo_sync.trees.remote.problems import was_changed
from cargo_sync.trees.remote.renaming import make_folders, put_instead
from cargo_sync.trees.remote.staging import StagingFolder, is_staged, of_file, published
from cargo_sync.trees.webdav.calls import WebDavCalls
from cargo_sync.trees.webdav.times import TimeWays, find_out

_PROBE: Final = b"cargo"
_NONE: Final[Mapping[str, str]] = {}


class WebDavStage:
    """The staging folder of one remote.

    ways  how files get their times; None: not known yet

    Args:
        calls: about paths below the remote's folder.
        token: gives a name that nobody has used.
    """

    def __init__(self, calls: WebDavCalls, token: Callable[[], str]) -> None:
        self._calls = calls
        self._folder = StagingFolder(partial(make_folders, calls), token)
        self.ways: TimeWays | None = None

    async def find_out(self) -> None:
        """Finds out what the server does with files, with one of our own; once."""
        self._folder.forget()
        if self.ways is not None:
            return
        place = await self.place("probe")
        calls = self._calls

        async def put(mtime_ns: int) -> None:
            await calls.put(place, len(_PROBE), mtime_ns, _once(_PROBE), _NONE)

        try:
            ways = await find_out(
                put,
                lambda name, mtime_ns: calls.set_time(place, name, mtime_ns),
                lambda: calls.there(place),
            )
            await calls.known_hash(place, await calls.there(place))
            await calls.try_odd_place(place)
            self.ways = ways
        finally:
            with suppress(ProblemError):
                await self.remove(place)

    async def known_ways(self) -> TimeWays:
        """As `ways`, found out if it is not known yet."""
        if self.ways is None:
            await self.find_out()
        assert self.ways is not None
        return self.ways

    async def place_of(self, file: NewFile) -> str:
        """Where a new file is staged. Raises ProblemError: BAD_NAME, before anything is sent."""
        await self.known_ways()
        self._calls.check_place(file.path)
        return await self.place(file.transfer)

    async def place(self, name: str) -> str:
        """The place of a new staged file; its folder is there."""
        return await self._folder.place(name)

    async def put(
        self,
        place: str,
        file: NewFile,
        pieces: AsyncIterator[bytes | memoryview],
        headers: Mapping[str, str] = _NONE,
    ) -> None:
        """Sends all of a staged file."""
        try:
            await self._calls.put(place, file.size, file.mtime_ns, pieces, headers)
        except ProblemError as error:
            if error.problem.code is Code.VANISHED:
                self._folder.forget()
            raise ProblemError(of_file(error.problem, file.path)) from error

    async def publish(
        self, place: str, file: NewFile, replaced: Entry | None, *, timed: bool = True
    ) -> Entry:
        """Gives a staged file its time and its place.

        Args:
            place: of the staged file.
            file: what it is to be.
            replaced: what is at its path.
            timed: it came in the one way that is known to give it its time.
        """
        path, calls = file.path, self._calls
        ways = await self.known_ways()
        if ways.by_property and not (ways.with_content and timed):
            await calls.set_time(place, ways.by_property, file.mtime_ns)
        if replaced is None:
            await self._move(place, path)
        else:
            await self._replace(place, path, replaced)
        return published(await calls.entry(path), file)

    async def remove(self, place: str) -> None:
        """Removes a staged file, if it is there."""
        assert is_staged(place), "nothing else is removed without a look"
        try:
            await self._calls.delete(place, FILE)
        except ProblemError as error:
            if error.problem.code is not Code.VANISHED:
                raise

    async def _replace(self, place: str, path: str, replaced: Entry) -> None:
        """Puts a staged file in the place of another one, which must be `replaced`."""
        calls = self._calls
        await calls.expect(path, replaced)

        async def check(old: str) -> None:
            taken = await calls.there(old)
            if (taken.kind, taken.size) != (replaced.kind, replaced.size):
                raise was_changed(path)

        await put_instead(place, path, partial(calls.move, kind=FILE), check, self.remove)

    async def _move(self, place: str, path: str) -> None:
        """Gives a staged file a place at which nothing is."""
        try:
            await self._calls.move(place, path, FILE)
        except ProblemError as error:
            if error.problem.code is not Code.CUT:
                raise
            # Nobody else moves it: if it is not there any more, only the answer was lost.
            if await self._calls.entry(place) is not None:
                await self._calls.move(place, path, FILE)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
