"""The scrub: all blobs of a folder are read, one after another, to find what has become rotten.

It goes on where it was after a restart: its place is kept in the folder. What it finds is moved
aside (`BlobFolder.damaged`); a wrong list of a right content is made again. What else lies in the
folder is read after the blobs (`More`).
"""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson

from cargo_sync.local.piece_lists import OneDigest, PieceList
from cargo_sync.local.root import ABSENT
from cargo_sync.model.contents import is_hash
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, ProblemError, from_os_error
from cargo_sync.stores.blob_changes import LIST, MODE, blob_path
from cargo_sync.stores.blob_pieces import PIECE, fill
from cargo_sync.stores.blobs import PARTS, BlobFolder
from cargo_sync.stores.contract import Content

NAME: Final = "scrub"
KEPT: Final = 30.0
"""Seconds after which its place is written again."""
EACH: Final = 4096
"""Bytes that a blob counts for at least: a small one costs a disk as much."""
More = Callable[[], Generator[int, None, int]]
"""Reads something: gives out how many bytes, and returns how many things were damaged."""


@dataclass(frozen=True, slots=True)
class ScrubPlace:
    """How far a scrub is, and what it has found.

    after    the last blob that was read; "" between two scrubs
    begun    when it began, seconds of the retention clock; None before the first one
    ended    when the last one ended; None if none has
    blobs, bytes, damaged   of this scrub, or of the last one between two. Of what else was read,
                            only the damaged count
    """

    after: str = ""
    begun: float | None = None
    ended: float | None = None
    blobs: int = 0
    bytes: int = 0
    damaged: int = 0


class BlobScrub:
    """The scrub of one folder. One thread uses it, except for `place`.

    place  how far it is
    """

    def __init__(
        self, blobs: BlobFolder, now: Callable[[], float], more: Sequence[More] = ()
    ) -> None:
        """`now` reads the retention clock, `more` what else lies in the folder.

        Raises:
            ProblemError: its place cannot be read.
        """
        self._more = more
        self._blobs = blobs
        self._now = now
        self._kept_at = now()
        self.place = self._read()

    @property
    def is_under_way(self) -> bool:
        """Whether one has begun and not ended."""
        begun, ended = self.place.begun, self.place.ended
        return begun is not None and (ended is None or ended < begun)

    def walk(self) -> Generator[int, None, None]:
        """Goes on with a scrub, or begins one, to its end.

        Gives out how many bytes were read, again and again: its caller may wait meanwhile, or
        leave. Then the next one goes on.

        Raises:
            ProblemError: a folder of blobs cannot be read, or the place not be written.
        """
        if not self.is_under_way:
            self.place = ScrubPlace(begun=self._now(), ended=self.place.ended)
        try:
            for part in filter(self.place.after[:2].__le__, PARTS):
                self._remove_lost_lists(part)
                for content in self._blobs.blobs_in(part, self.place.after):
                    yield from self._read_blob(content)
                    if self._now() - self._kept_at >= KEPT:
                        self._keep()
            for read in self._more:
                bad = yield from read()
                self.place = replace(self.place, damaged=self.place.damaged + bad)
            self.place = replace(self.place, after="", ended=self._now())
        finally:
            self._keep()

    # -- within ------------------------------------------------------------------------------------

    def _read_blob(self, content: Content) -> Iterator[int]:
        rotten = 0
        try:
            fd = self._blobs.root.open_file(blob_path(content.hash))
        except ProblemError as error:
            if error.problem.code not in ABSENT:
                raise
            return  # it was removed meanwhile
        try:
            is_right = yield from self._is_right(content, fd)
            if not is_right:
                self._blobs.read_again(content, fd)
        except ProblemError as error:
            if error.problem.code in ABSENT:
                return  # it is still being written
            if error.problem.code != Code.DAMAGED:
                raise
            rotten = 1
        finally:
            os.close(fd)
        done = self.place
        self.place = replace(
            done,
            after=content.hash,
            blobs=done.blobs + 1,
            bytes=done.bytes + content.size,
            damaged=done.damaged + rotten,
        )

    def _is_right(self, content: Content, fd: int) -> Generator[int, None, bool]:
        """Whether each piece is what its list says."""
        hash, size = content
        if size <= PIECE:
            yield max(EACH, size)
            return self._piece_is_right(fd, 0, size, OneDigest(hash))
        if not self._blobs.is_listed(content):
            return False
        listed = self._blobs.list_of(hash)
        for start in range(0, size, PIECE):
            length = min(PIECE, size - start)
            yield length
            if not self._piece_is_right(fd, start, length, listed):
                return False
        return True

    def _piece_is_right(self, fd: int, start: int, length: int, listed: PieceList) -> bool:
        view = memoryview(bytearray(length))
        try:
            fill(fd, view, start)
        except OSError:
            return False
        return listed.is_right(start // PIECE, view)

    def _remove_lost_lists(self, part: str) -> None:
        """A kill may leave a list whose blob never came, or was removed."""
        names = self._blobs.names_in(part)
        blobs = set(names)
        for name in names:
            hash = name.removesuffix(LIST)
            if name != hash and is_hash(hash) and hash not in blobs:
                self._blobs.remove_list(hash)

    def _read(self) -> ScrubPlace:
        try:
            with self._blobs.root.folder(RESERVED) as own:
                fd = self._blobs.root.system.open_in(own.fd, NAME)
                try:
                    found = orjson.loads(os.pread(fd, 4096, 0))
                finally:
                    os.close(fd)
            place = ScrubPlace(**found)
            if place.after == "" or is_hash(place.after):
                return place
        except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
            pass  # it begins again
        except OSError as error:
            raise ProblemError(from_os_error(error, f"{RESERVED}/{NAME}")) from error
        return ScrubPlace()

    def _keep(self) -> None:
        """Writes its place, durably. Raises ProblemError."""
        self._kept_at = self._now()
        system = self._blobs.root.system
        temporary = f"{NAME}.new"
        try:
            with self._blobs.root.folder(RESERVED) as own:
                try:
                    fd = system.create(own.fd, temporary, MODE)
                except FileExistsError:  # left by a kill
                    fd = system.reopen(own.fd, temporary)
                    system.truncate(fd, 0)
                try:
                    system.write(fd, orjson.dumps(self.place), 0)
                    system.fsync(fd)
                finally:
                    os.close(fd)
                system.rename(own.fd, temporary, own.fd, NAME)
        except OSError as error:
            raise ProblemError(from_os_error(error, f"{RESERVED}/{NAME}")) from error
