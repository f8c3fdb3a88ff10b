"""Content by its hash, in a folder of its own: what a storage node keeps, and a server's spool.

A content of the hash abcdef… is the plain file `ab/abcdef…`; beside one of more than a MiB lies its
list (`blob_pieces`). What arrives is staged as in other folders (`local.staging`) and then placed:
synced, renamed, the names synced, one sync per batch. Small ones that come together get their names
at once (`small_batch`). After a kill or a power cut a blob is there as a whole, or not at all. What
is found to be rotten is moved aside, to `.cargo_sync/damaged`: it is not there any more, but a
person may still want what is left of it.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Final, NamedTuple, Self

from cargo_sync.local import lock
from cargo_sync.local.ages import AgeStore
from cargo_sync.local.content_hash import ContentHash, ListedHash
from cargo_sync.local.listing import names_in
from cargo_sync.local.parts import CheckpointStore, Staged
from cargo_sync.local.piece_lists import ListFile, OneDigest, is_complete
from cargo_sync.local.root import ABSENT, Root
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.sparse import holes_of
from cargo_sync.local.staging import Staging
from cargo_sync.local.system import System
from cargo_sync.model.contents import is_hash
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.transfers import Offer
from cargo_sync.stores import placing_journal
from cargo_sync.stores.blob_changes import DAMAGED, LIST, MODE, BlobChanges, blob_path, not_a_hash
from cargo_sync.stores.blob_pieces import (
    PIECE,
    BlobReader,
    EmptyReader,
    PlainReader,
    damaged,
)
from cargo_sync.stores.blob_totals import BlobAmount
from cargo_sync.stores.contract import Content
from cargo_sync.stores.folder import gone, make
from cargo_sync.stores.placing_journal import PlacingJournal
from cargo_sync.stores.small_batch import SmallBatch

PARTS: Final = tuple(f"{number:02x}" for number in range(256))
"""The folders of blobs, in the order of their hashes."""
_HASH_DIGITS: Final = 64
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class Inventory(NamedTuple):
    """Some blobs, sorted by hash: as columns."""

    hashes: list[str]
    sizes: list[int]


class BlobRoom(NamedTuple):
    """The room of a folder, in bytes.

    free      so much may still be placed
    used      by blobs
    capacity  what blobs may use at most; None: as much as the disk has
    blobs     their number
    """

    free: int
    used: int
    capacity: int | None
    blobs: int


def for_blobs(offers: Iterable[Offer]) -> list[Offer]:
    """Offers as their files are to be staged for `BlobFolder.place`: only we may read them."""
    return [offer._replace(mode=MODE) for offer in offers]


class BlobFolder:
    """One open folder of blobs, which this process owns. Any thread may use it.

    marker   identifies the folder
    staging  where contents arrive; their offers come from `for_blobs`
    """

    def __init__(
        self,
        root: Root,
        held: lock.RootLock,
        marker: str,
        staging: Staging,
        space: SpaceLedger,
        capacity: int | None,
        *,
        durable: bool,
    ) -> None:
        """Use `open`."""
        self.root = root
        self.marker = marker
        self.staging = staging
        self.capacity = capacity
        self._held = held
        self._space = space
        self._changes = BlobChanges(staging, self.names_in(DAMAGED), durable=durable)
        self._journal = PlacingJournal(root)

    @classmethod
    def open(
        cls,
        path: str,
        known: str,
        token: Callable[[], str],
        checkpoints: CheckpointStore,
        space: SpaceLedger,
        ages: AgeStore,
        *,
        holder: str,
        capacity: int | None = None,
        durable: bool = True,
        system: System | None = None,
        hashes: Callable[[], ContentHash] = ListedHash,
    ) -> Self:
        """Opens the folder at `path` and locks it; a new one is made if missing.

        Args:
            path: the folder. Nothing else may be kept in it.
            known: the marker that it must have; "" for a new one.
            token: makes 32 hex digits, for a new marker.
            checkpoints: where the resume points of large contents are kept.
            space: what is reserved on the disks.
            ages: how old staged files are.
            holder: our name, for other processes that want the folder.
            capacity: bytes that the blobs may use; None for all that the disk has.
            durable: False for a folder of which a power cut may take all: nothing is synced.
            system: the calls that change the disk; None for the best of this platform.
            hashes: makes what hashes a large content while it arrives, and lists its pieces.

        Raises:
            ProblemError: "root_gone", "root_replaced", "root_in_use", or why it cannot be used.
                Nothing is written below a folder that is not the expected one.
        """
        if known and not os.path.isdir(path):
            raise gone(path)
        if not known:
            make(path)
        root = Root.open(path, system)
        try:
            if known and lock.read_marker(root) != known:
                raise _replaced(path)
            held = lock.lock_root(root, holder, leave_name=True)
            try:
                marker = lock.marker(root, token())
                staging = Staging(root, checkpoints, space, hashes=hashes, durable=durable)
                staging.sweep(ages, 0.0)
                placing_journal.recover(root)
                return cls(root, held, marker, staging, space, capacity, durable=durable)
            except BaseException:
                held.release()
                raise
        except BaseException:
            root.close()
            raise

    # -- what is there -----------------------------------------------------------------------------

    @property
    def sequence(self) -> int:
        """The number of the last batch that was placed or removed; durable with that batch."""
        return self._changes.totals.sequence

    @property
    def damaged(self) -> list[str]:
        """The hashes of what was found to be rotten, and was neither placed again nor removed."""
        with self._changes.lock:
            return sorted(self._changes.damaged)

    @property
    def rotten(self) -> int:
        """How many contents were found to be rotten since it was opened; it only grows."""
        return self._changes.rotten

    def shown(self) -> int:
        """The sequence, for who is told what was placed; 0 if the path leads somewhere else now."""
        return self.sequence if self.still_there() else 0

    def still_there(self) -> bool:
        """True when the path still leads to the folder that was opened."""
        return self.root.still_there()

    def room(self) -> BlobRoom:
        """The room now. Raises ProblemError: the disk does not say what is free."""
        left = self._space.space(self.root).left
        with self._changes.lock:
            blobs, used = self._changes.totals.held
        if self.capacity is not None:
            left = min(left, max(0, self.capacity - used))
        return BlobRoom(left, used, self.capacity, blobs)

    def has(self, contents: Sequence[Content]) -> list[bool]:
        """Whether each is there. That is a cheap look: it exists, and has its size."""
        found = [not size or self._size(hash) == size for hash, size in contents]
        if any(found):  # again, while nobody may begin or give up to write one
            with self._changes.lock:
                coming = self._changes.coming
                for at, (hash, size) in enumerate(contents):
                    if found[at] and size:
                        found[at] = hash not in coming and self._size(hash) == size
        return found

    def open_blob(self, content: Content) -> BlobReader | EmptyReader:
        """Opens a content. Nothing of it is given out that is not what was stored.

        Raises:
            ProblemError: `vanished`: it is not there; `damaged`: it is not what was stored, and was
                moved aside.
        """
        hash, size = content
        if not size:
            return EmptyReader()
        if not is_hash(hash):
            raise ProblemError(not_a_hash(hash))
        path = blob_path(hash)
        fd = self.root.open_file(path)
        try:
            doubt = partial(self._changes.read_again, content)
            if os.fstat(fd).st_size != size:
                doubt(fd)
            if size <= PIECE:
                return BlobReader(fd, size, OneDigest(hash), doubt)
            if not self.is_listed(content):
                doubt(fd)
            return BlobReader(fd, size, self.list_of(hash), doubt)
        except BaseException:
            os.close(fd)
            raise

    def read_small(self, some: Sequence[Content], view: memoryview) -> None:
        """Reads contents of up to a MiB one after the other into `view`, which has their size.

        Nothing is hashed: who gets them does that, and asks for what is wrong by `open_blob`, which
        finds out that it is rotten. So it does not matter either that a link to another folder in
        place of one of `PARTS` would be followed; to refuse it costs twice as much as to open a
        file.

        Raises:
            ProblemError: as `open_blob`: one of them is not there, or shorter.
        """
        opened, read, close = os.open, os.preadv, os.close
        top, line, at = self.root.fd, self.root.system.line, 0
        for content in some:
            hash, size = content
            part = view[at : at + size]
            at += size
            try:
                fd = opened(f"{hash[:2]}/{hash}".encode(), _READ, dir_fd=top)
                try:
                    got = read(fd, [part], 0) if fd < line else -1
                finally:
                    close(fd)
            except OSError:
                got = -1
            if got != size:
                with closing(self.open_blob(content)) as reader:  # it says why
                    reader.read_into(part, 0)

    def open_as_is(self, content: Content) -> PlainReader:
        """As `open_blob`, but nothing is checked: it is for who sends it to where that is done.

        Raises:
            ProblemError: `vanished`; it cannot be opened.
        """
        if not is_hash(content.hash):
            raise ProblemError(not_a_hash(content.hash))
        return PlainReader(self.root.open_file(blob_path(content.hash)), content.size)

    def list_of(self, hash: str) -> ListFile:
        """The list of a large blob."""
        return ListFile(partial(self.root.open_file, blob_path(hash) + LIST))

    def read_list(self, content: Content) -> bytes:
        """The whole list of a large blob. Raises ProblemError: it is not there, or damaged."""
        path = blob_path(content.hash) + LIST
        fd = self.root.open_file(path)
        try:
            listed = os.pread(fd, os.fstat(fd).st_size, 0)
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        finally:
            os.close(fd)
        if not is_complete(len(listed), -(-content.size // PIECE)):
            raise damaged(content.hash, "has not the list of its pieces")
        return listed

    def is_listed(self, content: Content) -> bool:
        """Whether the list of a large blob is there, in its size."""
        try:
            length = os.lstat(blob_path(content.hash) + LIST, dir_fd=self.root.fd).st_size
        except OSError:
            return False
        return is_complete(length, -(-content.size // PIECE))

    def holes_of(self, hash: str) -> int:
        """How many bytes of a blob are holes; 0 if it is not there."""
        if not is_hash(hash):
            return 0
        try:
            return holes_of(os.lstat(blob_path(hash), dir_fd=self.root.fd))
        except OSError:
            return 0

    def inventory(self, after: str, limit: int) -> Inventory:
        """Up to `limit` blobs whose hash is greater than `after` ("" for the first ones).

        What is placed or removed meanwhile is in it or not. Memory is that of one folder's names.

        Raises:
            ProblemError: a folder cannot be read.
        """
        found = list[Content]()
        for part in filter(after[:2].__le__, PARTS):
            with self._changes.lock:  # nobody gives up what is seen here
                found += islice(self.blobs_in(part, after), limit - len(found))
            if len(found) >= limit:
                break
        return Inventory([hash for hash, _ in found], [size for _, size in found])

    def blobs_in(self, part: str, after: str = "") -> Iterator[Content]:
        """The blobs of one of `PARTS` whose hash is greater than `after`, sorted.

        Raises:
            ProblemError: the folder cannot be read.
        """
        coming = self._changes.coming
        for name in self.names_in(part):
            if len(name) == _HASH_DIGITS and name > after and is_hash(name) and name not in coming:
                size = self._size(name)
                if size:
                    yield Content(name, size)

    # -- what changes ------------------------------------------------------------------------------

    def small_batch(self, contents: Sequence[Content]) -> SmallBatch:
        """Begins to place contents of 1 byte to 64 KiB that come together."""
        return SmallBatch(self._changes, self.staging, self._journal, contents)

    def place(self, staged: Sequence[Staged]) -> list[Problem | None]:
        """Gives staged contents their names, durably; returns None or a problem for each.

        One that is there already is replaced, with what was just checked. A content with a problem
        is gone from staging, unless it has a checkpoint.
        """
        return self._changes.place(staged)

    def remove(self, hashes: Sequence[str]) -> list[Problem | None]:
        """Removes blobs, durably; returns None or a problem for each. What is not there is fine.

        What was moved aside of them goes, too.
        """
        return self._changes.remove(hashes)

    def move_out(self, content: Content, folder: str, name: str) -> None:
        """Gives a blob another place, durably: from then on it is a file, and no blob.

        Args:
            content: the blob.
            folder: below `.cargo_sync`; it is made if it is missing.
            name: of the file; one that is there is replaced.

        Raises:
            ProblemError: `vanished`, `damaged`, or why it cannot be done.
        """
        if not is_hash(content.hash):
            raise ProblemError(not_a_hash(content.hash))
        self._changes.move_out(content, folder, name)

    def read_again(self, content: Content, fd: int) -> None:
        """A blob that is open as `fd` may be rotten: all of it is read.

        If its content is right, its list is made again.

        Raises:
            ProblemError: `damaged`, and it was moved aside; `vanished`: it was only coming; or the
                list cannot be written.
        """
        self._changes.read_again(content, fd)

    def remove_list(self, hash: str) -> None:
        """Removes the list of a blob that is not there, as after a kill."""
        self._changes.remove_list(hash)

    def count(self) -> None:
        """Counts all blobs again if the folder was not closed in order. It may take a while.

        Raises:
            ProblemError: a folder cannot be read.
        """
        with self._changes.lock:
            if self._changes.totals.is_exact:
                return
            self._changes.totals.begin_count()
        for part, after in zip(PARTS, (*PARTS[1:], "g"), strict=True):
            with self._changes.lock:
                sizes = [size for _, size in self.blobs_in(part)]
                self._changes.totals.counted(part, after, BlobAmount(len(sizes), sum(sizes)))
        with self._changes.lock:
            self._changes.totals.end_count()

    def close(self) -> None:
        """Closes it. No thread may use it any more."""
        self.staging.close()
        self._journal.close()
        with self._changes.lock:
            if self._changes.coming:  # the next process finds them, and counts
                self._changes.totals.is_exact = False
            self._changes.totals.end()
        self._held.release()
        self.root.close()

    def __repr__(self) -> str:
        return f"BlobFolder({self.root.path!r})"

    # -- within ------------------------------------------------------------------------------------

    def _size(self, hash: str) -> int | None:
        """The size of a blob; None if there is none."""
        if not is_hash(hash):
            return None
        try:
            found = os.lstat(blob_path(hash), dir_fd=self.root.fd)
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def names_in(self, folder: str) -> list[str]:
        """The names in a folder, sorted; none if there is none. Raises ProblemError."""
        try:
            with self.root.folder(folder) as opened:
                return names_in(opened)
        except ProblemError as error:
            if error.problem.code not in ABSENT:
                raise
            return []


def _hash(one: Staged) -> str:
    return one.hash


def _replaced(path: str) -> ProblemError:
    message = f"the folder {path!r} is not the one that was used before: it has another marker"
    hint = "mount the right disk; if what was kept is lost, join it as a new node"
    return ProblemError(Problem(Code.ROOT_REPLACED, message, hint=hint))
