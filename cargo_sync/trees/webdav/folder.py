"""One folder on a WebDAV server, as a remote. See `trees/remote/contract.py`.

Content is always put into our staging folder first: a PUT that is cut leaves half a file on most
servers. Then a MOVE that overwrites nothing gives it its place.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model import paths
from cargo_sync.model.abilities import Abilities, Resuming
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace, RemoteListing, RemoteUpload
from cargo_sync.trees.remote.renaming import check_top, make_folders, remove_folder_aside
from cargo_sync.trees.remote.staging import STAGED, check_empty, place_of
from cargo_sync.trees.remote.together import together
from cargo_sync.trees.remote.walking import walk
from cargo_sync.trees.webdav.addresses import WebDavPlace
from cargo_sync.trees.webdav.calls import WebDavCalls
from cargo_sync.trees.webdav.checksums import checksum
from cargo_sync.trees.webdav.chunks import KeptChunks, WebDavChunks
from cargo_sync.trees.webdav.connection import WebDavConnection
from cargo_sync.trees.webdav.content import WebDavContent
from cargo_sync.trees.webdav.login import WebDavLogin
from cargo_sync.trees.webdav.problems import WebDavRefusalError
from cargo_sync.trees.webdav.staging import WebDavStage
from cargo_sync.trees.webdav.upload import WebDavUpload
from cargo_sync.trees.webdav.writing import paced

_HOPS: Final = 3
"""Redirects that are followed when the folder is opened."""

_DIGESTS: Final = (HashKind.SHA1, HashKind.MD5)


class WebDavFolder:
    """The folder at an address, as the user of `login`."""

    def __init__(self, address: RemoteAddress, login: WebDavLogin, world: World) -> None:
        self._address = address
        self._login = login
        self._connection = WebDavConnection(login)
        self._calls = WebDavCalls(self._connection, WebDavPlace(address.origin, address.path))
        self._stage = WebDavStage(self._calls, world.token)
        self._chunks = WebDavChunks(self._connection, self._calls, self._stage, world.token)

    @property
    def abilities(self) -> Abilities:
        ways = self._stage.ways
        return replace(
            STAGED,
            time_step=None if ways is not None and not ways.kept else STAGED.time_step,
            digests=_DIGESTS if ways is not None and self._calls.sums_files else (),
            resuming=Resuming.PARTS if self._chunks.offered else Resuming.NONE,
        )

    async def open(self, *, make: bool) -> str:
        found = await self._top()
        if found is None and make:
            await self._make_top(self._calls.place)
            found = await self._top()
        check_top(found, self._address)
        login = self._login
        return f"webdav {login.username}@{login.where} {login.fingerprint} /{self._address.path}"

    async def close(self) -> None:
        await self._connection.close()

    async def find_out(self) -> None:
        await self._stage.find_out()
        await self._chunks.find_out()

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

    async def read_part(
        self, path: str, entry: Entry, start: int, end: int
    ) -> WebDavContent | None:
        answer = await self._calls.get(path, start, end)
        expect = self._calls.expect
        content = WebDavContent(answer, self._login.where, path, entry, start, expect, end)
        try:
            if answer.status == 206:
                await content.check()
                return content
        except BaseException:
            await content.close()
            raise
        await content.close()
        return None

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
        stage = self._stage
        place = await self._staged(file, content, pace)
        try:
            return await stage.publish(place, file, replaced)
        except ProblemError:
            with suppress(ProblemError):
                await stage.remove(place)
            raise

    async def _staged(self, file: NewFile, content: memoryview, pace: Pace) -> str:
        """Stages a small file; returns its place.

        A server may close an idle connection in the moment in which it is used again. Nobody has
        seen a staged file yet, so it is sent once more, to a place of its own.
        """
        stage, sum_ = self._stage, checksum(content) if self._chunks.offered else {}
        for is_last in (False, True):
            place = await stage.place_of(file)
            try:
                await stage.put(place, file, paced(content, pace), sum_)
                return place
            except ProblemError as error:
                with suppress(ProblemError):
                    await stage.remove(place)
                if is_last or error.problem.code is not Code.CUT:
                    raise
        raise AssertionError("the last try returns or raises")

    async def upload(self, file: NewFile, kept: Kept | None) -> RemoteUpload:
        chunked = self._chunks.offered
        if kept is not None and not (chunked and KeptChunks.read(kept)):
            # A server may still be writing it; what stays goes after a week.
            with suppress(WebDavRefusalError):
                await self.give_up(kept)
            kept = None
        if chunked:
            return await self._chunks.upload(file, kept)
        stage = self._stage
        place = await stage.place_of(file)
        return WebDavUpload(place, file, stage.put, stage.publish, stage.remove)

    async def give_up(self, kept: Kept) -> None:
        if (chunks := KeptChunks.read(kept)) is not None:
            await self._chunks.remove(chunks)
        elif place := place_of(kept):
            await self._stage.remove(place)

    # -- changing ----------------------------------------------------------------------------------

    async def link(self, path: str, target: str) -> Entry:
        message = f"a WebDAV server has no symbolic links: {path!r} cannot be made"
        raise ProblemError(Problem(Code.UNSUPPORTED, message, path, retry=False))

    async def make(self, path: str, mode: int) -> Entry:
        return await make_folders(self._calls, path)

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        await self._stage.known_ways()
        await self._calls.expect(path, entry)
        await self._calls.move(path, to, entry.kind)
        return await self._calls.there(to)

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        await self._stage.known_ways()
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
        check_empty(await self._calls.listing(path), path)
        if paths.is_below(path, RESERVED):
            await self._calls.delete(path, FOLDER)
            return
        move, delete = self._calls.move, self._calls.delete
        await remove_folder_aside(
            path,
            await self._stage.place("folder"),
            partial(move, kind=FOLDER),
            self._calls.listing,
            partial(delete, kind=FOLDER),
        )

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        await self._calls.expect(path, entry)
        ways = await self._stage.known_ways()
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
