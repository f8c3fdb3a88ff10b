"""Reading contents: for lanes, which may not wait, and for others, which may."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, islice
from typing import Final, cast

from cargo_sync.catalogue.contract import CataloguedFile
from cargo_sync.lanes.end import OPEN_MAX
from cargo_sync.lanes.ports import Reader
from cargo_sync.model import paths
from cargo_sync.model.problems import Problem, ProblemError, changed_while_read
from cargo_sync.model.problems import changed as changed_since
from cargo_sync.model.transfers import Offer, Unread, columns, rows
from cargo_sync.server.workspace.content.tree import ContentTree
from cargo_sync.stores.blob_pieces import BytesReader
from cargo_sync.stores.contract import Coming, Content
from cargo_sync.stores.packets import SMALL

AHEAD: Final = 10_000
"""Offers of a batch that a store is told of before they are read; more are not looked up."""
AHEAD_BYTES: Final = 12 << 20
"""While the store was told of fewer bytes that were not read, it is told of another batch."""


_Meant = Content | Problem
_FILE: Final = CataloguedFile._fields.index
_OFFER: Final = Offer._fields.index


class ContentFile:
    """The content of a version of a file, for those who may wait; see `contract.OpenFile`.

    holes  how many of its bytes are known to take no room
    """

    def __init__(self, reader: Reader | None, path: str) -> None:
        """`reader` is that of the store; None for a file of no bytes."""
        self._reader = reader
        self._path = path
        self.holes = 0

    def read_into(self, view: memoryview, offset: int) -> int:
        if self._reader is None:
            return 0
        got = self._reader.read_into(view, offset)
        if got is None:
            raise RuntimeError(f"a reader of {self._path!r} that may block had nothing yet")
        return got

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        return (until, False) if self._reader is None else self._reader.extent(offset, until)

    def unchanged(self) -> bool:
        return True

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()


class _ComingBatch:
    """Files that will be read soon, in their order.

    coming     what fetches their contents
    changes    of the tree, when they were looked up
    is_stored  all of them are in the store
    """

    __slots__ = (
        "_asked",
        "_behind",
        "_bytes",
        "_contents",
        "_offers",
        "changes",
        "coming",
        "is_stored",
    )

    def __init__(
        self, coming: Coming, offers: list[Offer], contents: Sequence[_Meant], changes: int
    ) -> None:
        self.coming = coming
        self.changes = changes
        self.is_stored = len(_stored(contents)) == len(contents)
        self._offers = offers
        self._contents = contents
        self._bytes = [0, *accumulate([one.size for one in offers])]
        """How many come before each of them."""
        self._asked = self._behind = 0
        """Where those begin that were asked for last, and where they end."""

    @property
    def left(self) -> int:
        """Bytes that were not asked for yet."""
        return self._bytes[-1] - self._bytes[self._behind]

    def find(self, offers: list[Offer]) -> Sequence[_Meant] | None:
        """What offers mean that follow each other in this batch; None: they do not."""
        start, count = self._behind, len(offers)
        if self._offers[start : start + count] != offers:  # not all were here, or some are left out
            try:
                start = self._offers.index(offers[0], self._asked)
            except ValueError:
                return None
        if self._offers[start : (end := start + count)] != offers:
            return None
        self._asked, self._behind = start, end
        return self._contents[start:end]


class ContentSource:
    """The source of a sender: it reads exactly the versions that its offers name."""

    def __init__(self, tree: ContentTree) -> None:
        self._tree = tree
        self._wake: Callable[[], None] = lambda: None
        self._begun: dict[str, Reader] = {}
        """The reader of a whole file that had not all of it yet, by its path."""
        self._coming: list[_ComingBatch] = []
        self._later = deque[list[Offer]]()
        """Batches of which the store was not told yet."""

    def wakes(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def _woken(self) -> None:
        self._wake()  # the one that was given last

    def coming(self, offers: Iterable[Offer]) -> None:
        # Batches are sent in their order. An older one has ended: what is left of it was cancelled.
        while len(self._coming) + len(self._later) >= OPEN_MAX:
            if self._coming:
                self._coming.pop(0).coming.close()
            else:
                self._later.popleft()
        self._later.append(list(islice(offers, AHEAD)))
        self._fill()

    def open(self, offer: Offer) -> Reader:
        """Raises ProblemError: `changed`, `bad_path`, or it cannot be read."""
        [content] = self._meant([offer])[0]
        if isinstance(content, Problem):
            raise ProblemError(content)
        if 0 < content.size <= SMALL:  # the lane is slow: its frames are smaller than this
            memory = memoryview(bytearray(content.size))
            if self._come([content], [memory])[0]:
                return BytesReader(memory)
        return self._opened(content, offer.path)

    def holes(self, offer: Offer) -> int:
        return 0

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        (contents, is_stored), number = self._meant(list(offers)), 0
        while number < len(contents):
            left = contents[number:]
            some = cast(Sequence[Content], left) if is_stored else _stored(left)
            count, is_coming = self._come(some, views[number:]) if some else (0, False)
            if (number := number + count) == len(contents):
                break
            if is_coming:
                return Unread(number, None)
            content = contents[number]
            if isinstance(content, Problem):
                return Unread(number, content)
            try:
                if not self._read(offers[number], content, views[number]):
                    return Unread(number, None)
            except ProblemError as error:
                return Unread(number, error.problem)
            number += 1
        return None

    def _come(self, contents: Sequence[Content], views: Sequence[memoryview]) -> tuple[int, bool]:
        """As `Coming.read`, from whatever has the first one."""
        for batch in self._coming:
            found = batch.coming.read(contents, views)
            if found != (0, False):
                return found
        return 0, False

    def _read(self, offer: Offer, content: Content, view: memoryview) -> bool:
        """Reads a whole file; False if it is not here yet. Raises ProblemError."""
        if not content.size:
            return True
        begun = self._begun.pop(offer.path, None)
        self._end_begun()  # files come in their order: another one was cancelled
        reader = begun or self._opened(content, offer.path)
        try:
            got = reader.read_into(view, 0)
        except BaseException:
            reader.close()
            raise
        if got is None:
            self._begun[offer.path] = reader
            return False
        reader.close()
        if got < len(view):
            raise ProblemError(changed_while_read(offer.path))
        return True

    def close(self) -> None:
        """The lane has ended."""
        for one in self._coming:
            one.coming.close()
        self._coming.clear()
        self._later.clear()
        self._end_begun()

    def _end_begun(self) -> None:
        while self._begun:
            self._begun.popitem()[1].close()

    def _opened(self, content: Content, path: str) -> Reader:
        if not content.size:
            return ContentFile(None, path)
        return self._tree.store.open(self._tree.id, content, self._woken)

    def _meant(self, offers: list[Offer]) -> tuple[Sequence[_Meant], bool]:
        """What offers mean, and whether all of it is in the store.

        `changed` if there is another version by now.
        """
        found = self._told(offers)
        while found is None and any(offers[0] in some for some in self._later):
            self._tell()  # too much of what comes before it was never asked for
            found = self._told(offers)
        return found or (self._looked_up(offers), False)

    def _told(self, offers: list[Offer]) -> tuple[Sequence[_Meant], bool] | None:
        """As `_meant`, if the store was told of these, and nothing has changed since."""
        for number, batch in enumerate(self._coming):
            if (found := batch.find(offers)) is None:
                continue
            for passed in self._coming[:number]:  # batches are read in their order
                passed.coming.close()
            del self._coming[:number]
            self._fill()
            return (found, batch.is_stored) if batch.changes == self._tree.changes else None
        return None

    def _fill(self) -> None:
        """Tells the store of more, if little is left of what it knows."""
        while self._later and sum(batch.left for batch in self._coming) < AHEAD_BYTES:
            self._tell()

    def _tell(self) -> None:
        """Tells the store of the next batch."""
        some, changes = self._later.popleft(), self._tree.changes
        contents = self._looked_up(some)
        stored = [one for one in contents if isinstance(one, Content) and one.size]
        coming = self._tree.store.coming(self._tree.id, stored, self._woken)
        self._coming.append(_ComingBatch(coming, some, contents, changes))

    def _looked_up(self, offers: Sequence[Offer]) -> Sequence[_Meant]:
        some = [offer.path for offer in offers]
        if paths.are_usable(some):
            return _compared(offers, self._tree.catalogue.files(self._tree.id, some))
        refused = list(map(paths.refusal, some))
        asked = [one for one, why in zip(offers, refused, strict=True) if why is None]
        files = self._tree.catalogue.files(self._tree.id, [one.path for one in asked])
        meant = iter(_compared(asked, files))
        return [next(meant) if why is None else why for why in refused]


def _compared(offers: Sequence[Offer], files: Sequence[CataloguedFile | None]) -> list[_Meant]:
    """What offers mean; `files` is what there is now."""
    there = [file for file in files if file is not None]
    if there and len(there) == len(offers):
        has, offered = columns(there), columns(offers)
        if all(has[_FILE(name)] == offered[_OFFER(name)] for name in ("version", "ident")):
            return list(rows(Content, [has[_FILE(name)] for name in Content._fields]))
    return [
        Content(file.hash, file.size)
        if file is not None and (file.version, file.ident) == (offer.version, offer.ident)
        else changed_since(offer.path)
        for offer, file in zip(offers, files, strict=True)
    ]


def _stored(contents: Sequence[_Meant]) -> Sequence[Content]:
    """The first ones that are in the store: empty ones are not."""
    found = list[Content]()
    for content in contents:
        if isinstance(content, Problem) or not content.size:
            break
        found.append(content)
    return found
