"""Reading contents: for lanes, which may not wait, and for others, which may."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from cargo_sync.lanes.end import OPEN_MAX
from cargo_sync.lanes.ports import Reader
from cargo_sync.model import paths
from cargo_sync.model.problems import Problem, ProblemError, changed_while_read
from cargo_sync.model.problems import changed as changed_since
from cargo_sync.model.transfers import Offer, Unread
from cargo_sync.server.workspace.content.tree import ContentTree
from cargo_sync.stores.blob_pieces import BytesReader
from cargo_sync.stores.contract import Coming, Content
from cargo_sync.stores.packets import SMALL

AHEAD: Final = 10_000
"""Offers that a store is told of before they are read; more are not looked up."""


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


class _ComingBatch(NamedTuple):
    """Contents that will be read soon.

    contents  by path, version and ident of their offers
    changes   of the tree, when they were looked up
    """

    coming: Coming
    contents: Mapping[tuple[str, int, int], Content | Problem]
    changes: int


class ContentSource:
    """The source of a sender: it reads exactly the versions that its offers name."""

    def __init__(self, tree: ContentTree) -> None:
        self._tree = tree
        self._wake: Callable[[], None] = lambda: None
        self._begun: dict[str, Reader] = {}
        """The reader of a whole file that had not all of it yet, by its path."""
        self._coming: list[_ComingBatch] = []

    def wakes(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def _woken(self) -> None:
        self._wake()  # the one that was given last

    def coming(self, offers: Iterable[Offer]) -> None:
        some, changes = list(islice(offers, AHEAD)), self._tree.changes
        contents = self._looked_up(some)
        stored = [one for one in contents if isinstance(one, Content) and one.size]
        keys = [(one.path, one.version, one.ident) for one in some]
        self._coming = [one for one in self._coming if not one.coming.is_over()]
        # Batches are sent in their order. An older one has ended: what is left of it was cancelled.
        while len(self._coming) >= OPEN_MAX:
            self._coming.pop(0).coming.close()
        coming = self._tree.store.coming(self._tree.id, stored, self._woken)
        found = dict(zip(keys, contents, strict=True))
        self._coming.append(_ComingBatch(coming, found, changes))

    def open(self, offer: Offer) -> Reader:
        """Raises ProblemError: `changed`, `bad_path`, or it cannot be read."""
        [content] = self._contents([offer])
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
        contents, number = self._contents(offers), 0
        while number < len(contents):
            some = _stored(contents[number:])
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
        self._end_begun()

    def _end_begun(self) -> None:
        while self._begun:
            self._begun.popitem()[1].close()

    def _opened(self, content: Content, path: str) -> Reader:
        if not content.size:
            return ContentFile(None, path)
        return self._tree.store.open(self._tree.id, content, self._woken)

    def _contents(self, offers: Sequence[Offer]) -> list[Content | Problem]:
        """The contents that offers mean; `changed` if there is another version by now."""
        changes = self._tree.changes
        for batch in self._coming:
            if batch.changes == changes:
                known = batch.contents
                found = [known.get((one.path, one.version, one.ident)) for one in offers]
                if None not in found:
                    return [one for one in found if one is not None]
        return self._looked_up(offers)

    def _looked_up(self, offers: Sequence[Offer]) -> list[Content | Problem]:
        some = [offer.path for offer in offers]
        if paths.are_usable(some):
            refused: list[Problem | None] = [None] * len(some)
        else:
            refused = list(map(paths.refusal, some))
        asked = [path for path, problem in zip(some, refused, strict=True) if problem is None]
        held = iter(self._tree.catalogue.files(self._tree.id, asked))
        found: list[Content | Problem] = []
        for offer, problem in zip(offers, refused, strict=True):
            if problem is not None:
                found.append(problem)
                continue
            file = next(held)
            if file is None or file.version != offer.version or file.ident != offer.ident:
                found.append(changed_since(offer.path))
            else:
                found.append(Content(file.hash, file.size))
        return found


def _stored(contents: Sequence[Content | Problem]) -> list[Content]:
    """The first ones that are in the store: empty ones are not."""
    found = list[Content]()
    for content in contents:
        if isinstance(content, Problem) or not content.size:
            break
        found.append(content)
    return found
