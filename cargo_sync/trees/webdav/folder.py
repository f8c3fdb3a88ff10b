"""One folder on a WebDAV server, as a remote. See `trees/remote/contract.py`.

Content is always put into our staging folder first: a PUT that is cut leaves half a file on most
servers. Then a MOVE that overwrites nothing gives it its place.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model import paths
from cargo_sync.model.abilities import (
    SECOND,
    Abilities,
    Publishing,
    Replacing,
    Resuming,
    Trashing,
)
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace, RemoteListing
from cargo_sync.trees.remote.together import together
from cargo_sync.trees.remote.walking import walk
from cargo_sync.trees.webdav.addresses import WebDavPlace
from cargo_sync.trees.webdav.calls import WebDavCalls
from cargo_sync.trees.webdav.connection import WebDavConnection
from cargo_sync.trees.webdav.content import WebDavContent
from cargo_sync.trees.webdav.login import WebDavLogin
from cargo_sync.trees.webdav.problems import WebDavRefusalError, is_no_folder, was_changed
from cargo_sync.trees.webdav.times import TimeWays, find_out
from cargo_sync.trees.webdav.upload import WebDavUpload, kept_of
from cargo_sync.trees.webdav.writing import paced

STAGING: Final = f"{RESERVED}/staging"
_HOPS: Final = 3
"""Redirects that are followed when the folder is opened."""
_PROBE: Final = b"cargo"
_ABILITIES: Final = Abilities(
    time_step=SECOND,
    modes=False,
    links=False,
    idents=False,
    exchange=False,
    hashes=False,
    feed=False,
    replacing=Replacing.LOOKED_AT,
    publishing=Publishing.RENAME,
    trashing=Trashing.RENAME,
    resuming=Resuming.NONE,
    atomic=False,
)

_DIGESTS: Final = (HashKind.SHA1, HashKind.MD5)


class WebDavFolder:
    """The folder at an address, as the user of `login`."""

    hashes_first = False

    def __init__(self, address: RemoteAddress, login: WebDavLogin, world: World) -> None:
        self._address = address
        self._login = login
        self._token = world.token
        self._connection = WebDavConnection(login)
        self._calls = WebDavCalls(self._connection, WebDavPlace(address.origin, address.path))
        self._staged = False
        self._ways: TimeWays | None = None

    @property
    def abilities(self) -> Abilities:
        ways = self._ways
        return replace(
            _ABILITIES,
            time_step=None if ways is not None and not ways.kept else _ABILITIES.time_step,
            digests=_DIGESTS if ways is not None and self._calls.sums_files else (),
        )

    async def open(self, *, make: bool) -> str:
        found = await self._top()
        if found is None and make:
            await self._make_top(self._calls.place)
            found = await self._top()
        if found is None:
            message = f"there is no folder {self._address}"
            raise ProblemError(Problem(Code.ROOT_GONE, message))
        if found.kind != FOLDER:
            raise ProblemError(Problem(Code.NOT_A_FOLDER, f"{self._address} is not a folder"))
        login = self._login
        return f"webdav {login.username}@{login.where} {login.fingerprint} /{self._address.path}"

    async def close(self) -> None:
        await self._connection.close()

    async def find_out(self) -> None:
        self._staged = False  # a check of the job may have removed our folder
        if self._ways is not None:
            return
        place = await self._staging("probe")
        calls = self._calls

        async def put(mtime_ns: int) -> None:
            await calls.put(place, len(_PROBE), mtime_ns, _once(_PROBE))

        try:
            ways = await find_out(
                put,
                lambda name, mtime_ns: calls.set_time(place, name, mtime_ns),
                lambda: calls.there(place),
            )
            await calls.known_hash(place, await calls.there(place))
            await calls.try_odd_place(place)
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

    async def read(self, path: str, entry: Entry, start: int = 0) -> WebDavContent:
        answer = await self._calls.get(path, start)
        expect = self._calls.expect
        content = WebDavContent(answer, self._login.where, path, entry, start, expect)
        try:
            await content.check()
        except BaseException:
            await content.close()
            raise
        return content

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        if not items:
            return []
        # The first answer says whether the others are worth a question.
        first = await self._calls.known_hash(*items[0])
        return [first, *await together(lambda item: self._calls.known_hash(*item), items[1:])]

    # -- content -----------------------------------------------------------------------------------

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        place = await self._place_of(file)
        try:
            await self._put(place, file, paced(content, pace))
            return await self._publish(place, file, replaced)
        except ProblemError:
            with suppress(ProblemError):
                await self._remove_staged(place)
            raise

    async def upload(self, file: NewFile, kept: Kept | None) -> WebDavUpload:
        if kept is not None:
            # A server may still be writing it; what stays goes after a week.
            with suppress(WebDavRefusalError):
                await self.give_up(kept)
        place = await self._place_of(file)
        return WebDavUpload(place, file, self._put, self._publish, self._remove_staged)

    async def give_up(self, kept: Kept) -> None:
        place = kept_of(kept)
        if paths.parent(place) == STAGING:
            await self._remove_staged(place)

    # -- changing ----------------------------------------------------------------------------------

    async def link(self, path: str, target: str) -> Entry:
        message = f"a WebDAV server has no symbolic links: {path!r} cannot be made"
        raise ProblemError(Problem(Code.UNSUPPORTED, message, path, retry=False))

    async def make(self, path: str, mode: int) -> Entry:
        for above in reversed(list(paths.upwards(path))):
            found = await self._calls.entry(above)
            if found is None:
                await self._calls.make(above)
            elif found.kind != FOLDER:
                raise is_no_folder(above)
        return await self._calls.there(path)

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        await self._known_ways()
        await self._calls.expect(path, entry)
        await self._calls.move(path, to, entry.kind)
        return await self._calls.there(to)

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        await self._known_ways()
        await self._calls.expect(path, entry)
        await self._calls.copy(path, to)
        made = await self._calls.there(to)
        if made.size != entry.size:
            raise ProblemError(Problem(Code.CORRUPT, f"the copy of {path!r} is not complete", path))
        return made

    async def remove(self, path: str, entry: Entry) -> None:
        etag = await self._calls.expect(path, entry)
        if entry.kind != FOLDER:
            await self._calls.delete(path, entry.kind, etag)
            return
        await self._check_empty(path, path)
        if paths.is_below(path, RESERVED):
            await self._calls.delete(path, FOLDER)
            return
        # A DELETE takes a folder with all that is in it. Where nobody else writes, it can be seen
        # that nothing has come since the look.
        place = await self._staging("folder")
        await self._calls.move(path, place, FOLDER)
        try:
            await self._check_empty(place, path)
        except ProblemError:
            await self._calls.move(place, path, FOLDER)
            raise
        await self._calls.delete(place, FOLDER)

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        await self._calls.expect(path, entry)
        ways = await self._known_ways()
        if entry.kind != FILE or not ways.by_property:
            return entry
        await self._calls.set_time(path, ways.by_property, mtime_ns)
        return await self._calls.there(path)

    # -- inside ------------------------------------------------------------------------------------

    async def _top(self) -> Entry | None:
        """The folder itself; its address is followed if the server says that it has moved."""
        for _ in range(_HOPS):
            try:
                return await self._calls.entry("")
            except WebDavRefusalError as refusal:
                place = self._calls.place.redirected(refusal.location) if refusal.location else None
                if place is None or place == self._calls.place:
                    raise
                self._calls.place = place
        return await self._calls.entry("")

    async def _make_top(self, place: WebDavPlace) -> None:
        """Makes the folder, and those above it that are not there."""
        calls = WebDavCalls(self._connection, place)
        try:
            await calls.make("")
        except WebDavRefusalError as refusal:
            if not place.path or refusal.status not in (403, 404, 405, 409):
                raise
            await self._make_top(place.above())
            await calls.make("")

    async def _known_ways(self) -> TimeWays:
        if self._ways is None:
            await self.find_out()
        assert self._ways is not None
        return self._ways

    async def _place_of(self, file: NewFile) -> str:
        """Where a new file is staged. Raises ProblemError: BAD_NAME, before anything is sent."""
        await self._known_ways()
        self._calls.check_place(file.path)
        return await self._staging(file.transfer)

    async def _staging(self, name: str) -> str:
        """The place of a new staged file; its folder is there.

        Each try has one of its own: a server may still be writing what came of an earlier one.
        """
        if not self._staged:
            await self.make(STAGING, 0o700)
            self._staged = True
        return f"{STAGING}/{name}-{self._token()}"

    async def _put(
        self, place: str, file: NewFile, pieces: AsyncIterator[bytes | memoryview]
    ) -> None:
        """Sends all of a staged file."""
        try:
            await self._calls.put(place, file.size, file.mtime_ns, pieces)
        except ProblemError as error:
            if error.problem.code is Code.VANISHED:
                self._staged = False  # somebody has removed our folder
            raise error.at(file.path) from error

    async def _publish(self, place: str, file: NewFile, replaced: Entry | None) -> Entry:
        """Gives a staged file its time and its place."""
        path, calls = file.path, self._calls
        ways = await self._known_ways()
        if ways.by_property and not ways.with_content:
            await calls.set_time(place, ways.by_property, file.mtime_ns)
        if replaced is None:
            await calls.move(place, path, FILE)
        else:
            await self._replace(place, path, replaced)
        found = await calls.there(path)
        if found.kind != FILE or found.size != file.size:
            raise was_changed(path)
        return found

    async def _replace(self, place: str, path: str, replaced: Entry) -> None:
        """Puts a staged file in the place of another one, which must be `replaced`."""
        calls = self._calls
        await calls.expect(path, replaced)
        old = f"{place}-old"
        await calls.move(path, old, FILE)
        try:
            taken = await calls.there(old)
            if (taken.kind, taken.size) != (replaced.kind, replaced.size):
                raise was_changed(path)
            await calls.move(place, path, FILE)
        except ProblemError:
            with suppress(ProblemError):
                await calls.move(old, path, FILE)
            raise
        await self._remove_staged(old)

    async def _remove_staged(self, place: str) -> None:
        """Removes a staged file, if it is there."""
        assert paths.parent(place) == STAGING, "nothing else is removed without a look"
        try:
            await self._calls.delete(place, FILE)
        except ProblemError as error:
            if error.problem.code is not Code.VANISHED:
                raise

    async def _check_empty(self, folder: str, path: str) -> None:
        """Raises ProblemError: NOT_EMPTY."""
        listing = await self._calls.listing(folder)
        if listing.entries or listing.problems:
            raise ProblemError(Problem(Code.NOT_EMPTY, f"{path!r} is not empty", path))


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
