"""What WebDAV can do with a path: look, list, put, move, copy, delete, make a folder.

Each call is one request, or two. None overwrites anything but `put`, which is for staged files.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final

import aiohttp

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.known_hashes import KnownHash
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.remote.contract import RemoteListing
from cargo_sync.trees.remote.problems import has_vanished, is_no_folder, is_occupied, was_changed
from cargo_sync.trees.webdav.addresses import WebDavPlace
from cargo_sync.trees.webdav.answers import ABSENT, FolderAnswer, OneAnswer
from cargo_sync.trees.webdav.checksums import known_hash
from cargo_sync.trees.webdav.connection import WebDavConnection, WebDavRequest
from cargo_sync.trees.webdav.entries import condition, entry_of
from cargo_sync.trees.webdav.listing import ASKED, ASKED_WITH_CHECKSUMS, Answered
from cargo_sync.trees.webdav.problems import WebDavRefusalError, no_webdav
from cargo_sync.trees.webdav.times import header, update
from cargo_sync.trees.webdav.writing import StreamedBody

DONE: Final = frozenset({200, 201, 204})
_READ: Final = frozenset({200, 206})
_MADE: Final = frozenset({200, 201})
_PATCHED: Final = frozenset({200, 204, 207})
_ODD: Final = frozenset({400, 403, 405, 409})
"""How servers answer what is below a file, which is nothing."""
_REDIRECTS: Final = frozenset({301, 302, 307, 308})
_UNSURE: Final = frozenset({403, 404, 409, 500})
"""How servers answer if a file cannot be moved because its new folder is not there."""


class WebDavCalls:
    """Requests about paths below one folder of a server.

    place       the folder
    sums_files  the server may have checksums of files, as far as is known
    odd_places  something can be moved to a name with a ? or ; in it: wsgidav cuts such a name there
    """

    sums_files = True
    odd_places = True

    def __init__(self, connection: WebDavConnection, place: WebDavPlace) -> None:
        self._connection = connection
        self.place = place

    # -- looking -----------------------------------------------------------------------------------

    async def look(self, path: str) -> tuple[Entry, str] | None:
        """What is at a path, and its ETag as the server writes it; None for nothing."""
        try:
            found = await self._one(path)
        except WebDavRefusalError as refusal:
            if refusal.status in ABSENT:
                return None
            above = paths.parent(path)
            if refusal.status not in _ODD or not above or await self._is_folder(above):
                raise
            return None
        if found.status in ABSENT:
            return None
        entry = entry_of(path, found)
        if isinstance(entry, Problem):
            raise ProblemError(entry)
        return entry, found.etag

    async def entry(self, path: str) -> Entry | None:
        """What is at a path; None for nothing."""
        found = await self.look(path)
        return None if found is None else found[0]

    async def expect(self, path: str, entry: Entry) -> str:
        """Looks whether a path still has what the plan saw; returns its ETag.

        Raises:
            ProblemError: VANISHED, CHANGED.
        """
        found = await self.look(path)
        if found is None:
            raise has_vanished(path)
        if (found[0].kind, found[0].version) != (entry.kind, entry.version):
            raise was_changed(path)
        return found[1]

    async def there(self, path: str) -> Entry:
        """What is at a path, where something must be."""
        found = await self.entry(path)
        if found is None:
            raise has_vanished(path)
        return found

    async def listing(self, folder: str) -> RemoteListing:
        """What is directly in a folder. See `RemoteFolder.list`."""
        answer = FolderAnswer(self.place, folder)
        url = self.place.url(folder, folder=True)
        try:
            await self._connection.find(url, folder, 1, answer.told)
        except WebDavRefusalError as refusal:
            if folder and refusal.status in _ODD and not await self._is_folder(folder):
                raise is_no_folder(folder) from refusal
            raise
        return answer.listing()

    async def known_hash(self, path: str, entry: Entry) -> KnownHash | None:
        """The checksum that the server has of a file; None also if it is not `entry` any more."""
        if not self.sums_files:
            return None
        try:
            found = await self._one(path, ASKED_WITH_CHECKSUMS)
        except WebDavRefusalError:
            return None
        self.sums_files = found.sums_files or found.status in ABSENT
        now = entry_of(path, found)
        if found.status in ABSENT or isinstance(now, Problem) or now.version != entry.version:
            return None
        return known_hash(found.checksums)

    async def _one(self, path: str, asked: bytes = ASKED) -> Answered:
        """What the server says of one path."""
        answer = OneAnswer(self.place, path)
        try:
            await self._connection.find(self.place.url(path), path, 0, answer.told, asked)
        except WebDavRefusalError as refusal:
            # Some servers want the "/" at the end of a folder.
            slashed = self.place.url(path, folder=True)
            if refusal.status not in _REDIRECTS or not refusal.is_to(slashed):
                raise
            await self._connection.find(slashed, path, 0, answer.told, asked)
        if answer.found is None:
            raise no_webdav(f"it is not about {path!r}")
        return answer.found

    async def _is_folder(self, path: str) -> bool:
        found = await self.entry(path)
        return found is not None and found.kind == FOLDER

    # -- content -----------------------------------------------------------------------------------

    async def get(self, path: str, start: int, end: int | None = None) -> aiohttp.ClientResponse:
        """The answer to a GET of [start, end), None for all that follows; the caller closes it."""
        last = "" if end is None else end - 1
        headers = {"Range": f"bytes={start}-{last}"} if start or end is not None else {}
        try:
            return await self._connection.begin(
                WebDavRequest("GET", self.place.url(path), path, _READ, headers)
            )
        except WebDavRefusalError as refusal:
            if refusal.status in _ODD and (await self.there(path)).kind != FILE:
                raise was_changed(path) from refusal
            raise

    async def put(
        self,
        path: str,
        size: int,
        mtime_ns: int,
        pieces: AsyncIterator[bytes | memoryview],
        headers: Mapping[str, str],
    ) -> None:
        """Writes a file, whatever was there. After a cut there may be half of it."""
        body, also = StreamedBody(size, pieces), {**header(mtime_ns), **headers}
        asked = WebDavRequest("PUT", self.place.url(path), path, DONE, also, body)
        await self._connection.call(asked)

    async def set_time(self, path: str, name: str, mtime_ns: int) -> None:
        """Sets a time by a property. Whether it worked is seen by a look only."""
        headers = {"Content-Type": "application/xml; charset=utf-8"}
        body = update(name, mtime_ns)
        asked = WebDavRequest("PROPPATCH", self.place.url(path), path, _PATCHED, headers, body)
        await self._connection.call(asked)

    def check_place(self, path: str) -> None:
        """Raises ProblemError: BAD_NAME, if nothing can be moved to this path."""
        if not self.odd_places and ("?" in path or ";" in path):
            message = f"this server can move nothing to a name with ? or ;, such as {path!r}"
            raise ProblemError(Problem(Code.BAD_NAME, message, path, retry=False))

    async def try_odd_place(self, path: str) -> None:
        """Finds out `odd_places` with a file of ours, which stays where it is."""
        # A server that cuts the name would move the file to where it is.
        odd = f"{path};?"
        try:
            await self._relocate("MOVE", path, odd, FILE)
        except WebDavRefusalError:
            self.odd_places = False
        else:
            await self._relocate("MOVE", odd, path, FILE)

    # -- changing ----------------------------------------------------------------------------------

    async def make(self, path: str) -> None:
        """Makes a folder; it may be there, and those above it must be.

        Raises:
            ProblemError: NOT_A_FOLDER, if a file is there.
        """
        try:
            asked = WebDavRequest("MKCOL", self.place.url(path, folder=True), path, _MADE)
            await self._connection.call(asked)
        except WebDavRefusalError as refusal:
            found = await self.entry(path)
            if found is None:
                raise
            if found.kind != FOLDER:
                raise is_no_folder(path) from refusal

    async def move(self, path: str, to: str, kind: str) -> None:
        """Renames a file or a folder with all that is in it.

        Raises:
            ProblemError: OCCUPIED; VANISHED, also if the folder of `to` is not there.
        """
        await self._relocate("MOVE", path, to, kind)

    async def copy(self, path: str, to: str) -> None:
        """Copies a file. Raises as `move`."""
        await self._relocate("COPY", path, to, FILE)

    async def delete(self, path: str, kind: str, etag: str = "") -> None:
        """Removes a file, or a folder with all that is in it.

        Args:
            path: of what goes.
            kind: what is there.
            etag: that it must have, where the server obeys this; "" for any.

        Raises:
            ProblemError: CHANGED, VANISHED and others.
        """
        url = self.place.url(path, folder=kind == FOLDER)
        try:
            await self._connection.call(WebDavRequest("DELETE", url, path, DONE, condition(etag)))
        except WebDavRefusalError as refusal:
            if refusal.status == 412:
                raise was_changed(path) from refusal
            raise

    async def _relocate(self, method: str, path: str, to: str, kind: str) -> None:
        self.check_place(to)
        is_folder = kind == FOLDER
        headers = {"Destination": self.place.url(to, folder=is_folder), "Overwrite": "F"}
        asked = WebDavRequest(method, self.place.url(path, folder=is_folder), path, DONE, headers)
        try:
            await self._connection.call(asked)
        except WebDavRefusalError as refusal:
            if refusal.status == 412:
                raise is_occupied(to) from refusal
            if refusal.status in _UNSURE:
                await self._explain(path, to)
            raise

    async def _explain(self, path: str, to: str) -> None:
        """Raises ProblemError: VANISHED, if what is moved or the folder of its place is gone."""
        for needed in (path, paths.parent(to)):
            if needed and await self.entry(needed) is None:
                raise has_vanished(needed)
