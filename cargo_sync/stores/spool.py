"""The spool: contents on a disk of this machine, until they are secured; or for good.

What is placed there is held. Who knows what is held decides what may go (`ContentHolds`).
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

from cargo_sync.local.parts import Staged
from cargo_sync.local.staging import Staging
from cargo_sync.model.problems import Problem
from cargo_sync.stores.blob_pieces import (
    PIECE,
    BlobReader,
    EmptyReader,
    PlainReader,
)
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.contract import Content
from cargo_sync.stores.small_contents import SmallContents, SmallReader, is_in_memory


class ContentHolds(Protocol):
    """How often each content is held. Any thread may call it."""

    def hold(self, hashes: Iterable[str]) -> None:
        """ContentHolds each once more."""

    def release(self, hashes: Iterable[str]) -> list[str]:
        """Gives one hold of each back; returns those that nobody holds any more."""


class HoldCounts:
    """Counts holds in memory: after a crash nobody holds anything."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        """Held while something is deleted because nobody holds it."""
        self._counts: dict[str, int] = {}

    def hold(self, hashes: Iterable[str]) -> None:
        with self.lock:
            for hash in hashes:
                self._counts[hash] = self._counts.get(hash, 0) + 1

    def release(self, hashes: Iterable[str]) -> list[str]:
        free = []
        with self.lock:
            for hash in hashes:
                count = self._counts.pop(hash, 0)
                if count > 1:
                    self._counts[hash] = count - 1
                elif count:
                    free.append(hash)
        return free

    def is_held(self, hash: str) -> bool:
        """Whether somebody holds it."""
        with self.lock:
            return hash in self._counts


class BlobSpool:
    """A spool in a folder of blobs; see `contract.Spool`. Any thread may use it."""

    def __init__(
        self, blobs: BlobFolder, holds: ContentHolds, small: SmallContents | None = None
    ) -> None:
        """With `small`, small contents lie there; a crash takes them."""
        self.blobs = blobs
        self._holds = holds
        self._small = small or SmallContents(0)

    @property
    def staging(self) -> Staging:
        return self.blobs.staging

    def write(self, path: str, content: memoryview) -> Staged | None:
        return self._small.write(path, content)

    def discard(self, staged: Staged, *, keep: bool = False) -> None:
        if is_in_memory(staged):
            self._small.discard(staged)
        else:
            self.staging.discard(staged, keep=keep)

    def remove(self, hashes: Sequence[str]) -> None:
        """Removes contents that nobody holds."""
        if left := self._small.remove(hashes):
            self.blobs.remove(left)

    def place(self, some: Sequence[Staged]) -> list[Problem | None]:
        # Held first: nobody may delete what is about to be placed again.
        hashes = [one.hash for one in some if one.size]
        self._holds.hold(hashes)
        files = [one for one in some if not is_in_memory(one)]
        if not files:
            self._small.place(some)
            return [None] * len(some)
        try:
            found = self.blobs.place(files)
        except BaseException:
            self._holds.release(hashes)
            raise
        self._small.place(one for one in some if is_in_memory(one))
        whys = iter(found)
        problems = [None if is_in_memory(one) else next(whys) for one in some]
        self._small.placed_in_files(
            one for one, why in zip(files, found, strict=True) if why is None
        )
        pairs = zip(some, problems, strict=True)
        self._holds.release([one.hash for one, why in pairs if why is not None and one.size])
        return problems

    def give_back(self, some: Sequence[Content]) -> None:
        """Gives one hold of each back. What nobody holds then goes when the spool is tidied."""
        self._holds.release([one.hash for one in some])

    def holds(self, some: Sequence[Content]) -> list[bool]:
        there = self.blobs.has(some)
        return [
            is_there or self._small.get(one) is not None
            for one, is_there in zip(some, there, strict=True)
        ]

    def lists(self, some: Sequence[Content]) -> list[bytes]:
        """The list of pieces of each of these; b"" for one that needs none.

        Raises:
            ProblemError: one is not there, or damaged.
        """
        return [b"" if one.size <= PIECE else self.blobs.read_list(one) for one in some]

    def read_small(self, some: Sequence[Content], view: memoryview) -> None:
        """Reads contents of up to a MiB one after the other into `view`, which has their size.

        They are for who sends them to where they are checked. Raises ProblemError.
        """
        at = 0
        for content in some:
            end = at + content.size
            small = self._small.get(content)
            if small is not None:
                view[at:end] = small
            else:
                self.blobs.read_small([content], view[at:end])
            at = end

    def in_memory(self, content: Content) -> bytes | None:
        """A content that lies in memory; None for any other."""
        return self._small.get(content)

    def open(self, content: Content) -> BlobReader | EmptyReader | SmallReader:
        small = self._small.get(content)
        return self.blobs.open_blob(content) if small is None else SmallReader(small)

    def open_as_is(self, content: Content) -> PlainReader | SmallReader:
        """As `open`, for who sends it to where it is checked. Raises ProblemError."""
        small = self._small.get(content)
        return self.blobs.open_as_is(content) if small is None else SmallReader(small)
