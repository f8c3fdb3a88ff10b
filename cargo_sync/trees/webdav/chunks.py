"""A larger file in chunks, as Nextcloud and ownCloud 10 take them (chunked upload, version 2).

Chunks are put into a folder of their own below `remote.php/dav/uploads/USER`, then a MOVE of its
`.file` puts them together. They stay there for a day after the last one, so an upload that was cut
goes on with those that are missing. Their names are numbers from 1 to 10,000, their sizes 5 MB to
5 GB but for the last one; every request says where the file goes to.

The file is put together in our staging folder, where nothing is: it gets its place like all others.

Source: the developer manual of Nextcloud, "Chunked file upload".
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import ceil
from typing import Final, NamedTuple

import orjson

from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace
from cargo_sync.trees.remote.staging import is_staged
from cargo_sync.trees.webdav.addresses import WebDavPlace
from cargo_sync.trees.webdav.answers import ABSENT
from cargo_sync.trees.webdav.calls import DONE, WebDavCalls
from cargo_sync.trees.webdav.connection import ANSWER, WebDavConnection, WebDavRequest
from cargo_sync.trees.webdav.problems import WebDavRefusalError
from cargo_sync.trees.webdav.staging import WebDavStage
from cargo_sync.trees.webdav.times import header
from cargo_sync.trees.webdav.writing import StreamedBody, paced

MIB: Final = 2**20
SMALLEST: Final = 8 * MIB
"""Two are under way at once: after a kill no more than 16 MiB are sent again."""
MOST: Final = 9_000
"""Chunks of a file, of the 10,000 that are allowed."""
PUT_TOGETHER: Final = 10 * MIB
"""Bytes that a server puts together in a second at least, before it is given up."""
_OURS: Final = re.compile(r"cargo-[0-9a-f-]+")
"""The name of a folder of chunks of ours."""
_FILES: Final = ("remote.php", "dav", "files")
_LOST: Final = frozenset({400, 404, 409, 412})
"""How servers answer about an upload that they do not have, or not all of: it has expired, or the
cache was emptied in which it is said where the file goes to."""


def chunks_of(place: WebDavPlace) -> WebDavPlace | None:
    """Where chunks go, if this is a folder of a user of Nextcloud or ownCloud; else None."""
    names = place.path.split("/")
    for at in range(len(names) - 3):
        if tuple(names[at : at + 3]) == _FILES:
            return WebDavPlace(place.origin, "/".join([*names[: at + 2], "uploads", names[at + 3]]))
    return None


def piece_of(size: int) -> int:
    """Bytes of each chunk of a file, whole MiB."""
    return max(SMALLEST, ceil(size / (MOST * MIB)) * MIB)


class KeptChunks(NamedTuple):
    """An upload as it is kept.

    place   of the staged file
    folder  of the chunks
    piece   bytes of each chunk but the last one
    """

    place: str
    folder: str
    piece: int

    def text(self) -> Kept:
        return orjson.dumps(list(self)).decode()

    @classmethod
    def read(cls, kept: Kept) -> "KeptChunks | None":
        """What `text` gave; None if it is something else."""
        try:
            place, folder, piece = orjson.loads(kept)
        except (ValueError, TypeError):
            return None
        texts = isinstance(place, str) and isinstance(folder, str) and isinstance(piece, int)
        if not texts or not is_staged(place) or not _OURS.fullmatch(folder) or piece < MIB:
            return None
        return cls(place, folder, piece)


class WebDavChunks:
    """The folders of chunks of one user.

    offered  the server takes chunks: known after `find_out`
    """

    def __init__(
        self,
        connection: WebDavConnection,
        calls: WebDavCalls,
        stage: WebDavStage,
        token: Callable[[], str],
    ) -> None:
        self._connection = connection
        self._calls = calls
        self._stage = stage
        self._token = token
        self._uploads: WebDavCalls | None = None

    @property
    def offered(self) -> bool:
        return self._uploads is not None

    async def find_out(self) -> None:
        """Finds out `offered`."""
        place = chunks_of(self._calls.place)
        if place is None or self._uploads is not None:
            return
        uploads = WebDavCalls(self._connection, place)
        with suppress(WebDavRefusalError):
            found = await uploads.entry("")
            self._uploads = uploads if found is not None and found.kind == FOLDER else None

    async def upload(self, file: NewFile, kept: Kept | None) -> "ChunkedUpload":
        """Begins an upload, or goes on with one of which the server has something."""
        known = KeptChunks.read(kept) if kept is not None else None
        if known is not None:
            staged = await self._calls.entry(known.place)
            if staged is not None and staged.size == file.size:
                return ChunkedUpload(self, known, file, whole=True)
            if (there := await self.there(known)) is not None:
                return ChunkedUpload(self, known, file, there)
        place = await self._stage.place_of(file)
        fresh = KeptChunks(place, f"cargo-{file.transfer}-{self._token()}", piece_of(file.size))
        await self._begin(fresh)
        return ChunkedUpload(self, fresh, file)

    async def there(self, kept: KeptChunks) -> dict[int, int] | None:
        """The sizes of the chunks that the server has, by their numbers; None if it has lost them.

        What was cut while it came may be there in part.
        """
        assert self._uploads is not None
        try:
            listed = await self._uploads.listing(kept.folder)
        except ProblemError as error:
            if error.problem.code is not Code.VANISHED:
                raise
            return None
        names = [(one.name, one.size) for one in listed.entries]
        return {int(name): size for name, size in names if name.isascii() and name.isdigit()}

    async def send(
        self, kept: KeptChunks, number: int, content: memoryview, file: NewFile, pace: Pace
    ) -> None:
        """Puts one chunk of a file."""
        body = StreamedBody(len(content), paced(content, pace))
        headers = {**self._where(kept), "OC-Total-Length": str(file.size)}
        url = self._url(kept, f"{number:05}")
        await self._step(kept, WebDavRequest("PUT", url, file.path, DONE, headers, body))

    async def put_together(self, kept: KeptChunks, file: NewFile) -> None:
        """Makes the staged file of its chunks; it may be there already."""
        staged = await self._calls.entry(kept.place)
        if staged is not None and staged.size == file.size:
            return  # the answer to an earlier try did not come
        if not file.size:
            await self._stage.put(kept.place, file, paced(memoryview(b""), _unpaced))
            return
        headers = {
            **self._where(kept),
            **header(file.mtime_ns),
            "Overwrite": "F",
            "OC-Total-Length": str(file.size),
        }
        silence, url = ANSWER + file.size / PUT_TOGETHER, self._url(kept, ".file")
        asked = WebDavRequest("MOVE", url, file.path, DONE, headers, silence=silence)
        await self._step(kept, asked)

    async def _step(self, kept: KeptChunks, asked: WebDavRequest) -> None:
        """Raises ProblemError: CUT, if the server has lost the upload."""
        try:
            await self._connection.call(asked)
        except WebDavRefusalError as refusal:
            if refusal.status not in _LOST:
                raise
            with suppress(ProblemError):
                await self.remove(kept)
            message = f"the server has lost what it had of {asked.path!r}: it must begin anew"
            raise ProblemError(Problem(Code.CUT, message, asked.path)) from refusal

    async def publish(self, kept: KeptChunks, file: NewFile, replaced: Entry | None) -> Entry:
        """Gives the staged file its place."""
        return await self._stage.publish(kept.place, file, replaced, timed=False)

    async def remove(self, kept: KeptChunks) -> None:
        """Removes what the server has of an upload."""
        if self._uploads is not None:
            try:
                await self._uploads.delete(kept.folder, FOLDER)
            except WebDavRefusalError as refusal:
                if refusal.status not in ABSENT:
                    raise
        await self._stage.remove(kept.place)

    async def _begin(self, kept: KeptChunks) -> None:
        assert self._uploads is not None
        url = self._uploads.place.url(kept.folder, folder=True)
        await self._connection.call(
            WebDavRequest("MKCOL", url, kept.place, DONE, self._where(kept))
        )

    def _url(self, kept: KeptChunks, name: str) -> str:
        assert self._uploads is not None
        return self._uploads.place.url(f"{kept.folder}/{name}")

    def _where(self, kept: KeptChunks) -> dict[str, str]:
        return {"Destination": self._calls.place.url(kept.place)}


class ChunkedUpload:
    """See `RemoteUpload`.

    Args:
        chunks: of the user.
        kept: which upload it is.
        file: what it is to be.
        there: sizes of the chunks that the server has, by their numbers.
        whole: they are put together already.
    """

    at_once = 2
    asks = True

    def __init__(
        self,
        chunks: WebDavChunks,
        kept: KeptChunks,
        file: NewFile,
        there: dict[int, int] | None = None,
        *,
        whole: bool = False,
    ) -> None:
        self._chunks = chunks
        self._kept = kept
        self._file = file
        self._whole = whole
        self.piece = kept.piece
        self._done = {
            number
            for number, size in (there or {}).items()
            if number >= 1 and size == self._length(number) > 0
        }

    @property
    def done(self) -> Sequence[tuple[int, int]]:
        if self._whole:
            return [(0, self._file.size)]
        spans = list[tuple[int, int]]()
        for number in sorted(self._done):
            start = (number - 1) * self.piece
            end = start + self._length(number)
            if spans and spans[-1][1] == start:
                spans[-1] = spans[-1][0], end
            else:
                spans.append((start, end))
        return spans

    async def holds(self, offset: int, content: memoryview) -> bool:
        return True  # it is of the same version of the file, and as long as it should be

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        number = offset // self.piece + 1
        await self._chunks.send(self._kept, number, content, self._file, pace)
        self._done.add(number)

    def kept(self) -> Kept:
        return self._kept.text()

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        await self._chunks.put_together(self._kept, file)
        self._whole = True
        return await self._chunks.publish(self._kept, file, replaced)

    async def leave(self) -> None:
        """Nothing is open here."""

    async def abort(self) -> None:
        await self._chunks.remove(self._kept)

    def _length(self, number: int) -> int:
        return min(self.piece, self._file.size - (number - 1) * self.piece)


async def _unpaced(_: int) -> None:
    """An empty file has no bytes to wait for."""
