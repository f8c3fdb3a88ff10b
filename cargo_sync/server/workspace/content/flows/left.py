"""What lanes left behind before it was secured: whoever offers the same file again sends nothing.

The contents are whole, in the spool, and held. Nothing of them is recorded. The file that is
offered must be the same one, by all that its sender says of it, and come from the same user: a name
and a size alone are no proof of having a content.

It ends with the process. The contents are still in the spool then, but only by their hashes, and a
hash that a sender names is no proof either; the transfer's id went with its checkpoint. To keep who
sent what, each batch would have to write rows, and each content would have to be read again at the
start, because the spool is not synced. So after a restart what had no receipt is sent again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.local.parts import Staged
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.contract import Content

KEPT_SECONDS: Final = 86_400.0
KEPT_BYTES: Final = 4 << 30
KEPT_FILES: Final = 100_000


class LeftFile(NamedTuple):
    """A file that has come whole, and as what its content was staged."""

    offer: Offer
    staged: Staged

    @property
    def content(self) -> Content:
        return Content(self.staged.hash, self.staged.size)


class _Kept(NamedTuple):
    file: LeftFile
    since: float


class LeftFiles:
    """Of one workspace. Any thread may use it.

    Each has one hold of its content, which goes to whoever takes it.
    """

    def __init__(
        self, release: Callable[[Sequence[Content]], None], steady: Callable[[], float]
    ) -> None:
        """`release` gives holds back: see `ContentStore`; `steady` reads a monotonic clock."""
        self._release = release
        self._steady = steady
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._bytes = 0

    def leave(self, user: str, files: Sequence[LeftFile]) -> None:
        """A lane of a user ended before these were secured. The oldest go if there are too many."""
        now = self._steady()
        with self._lock:
            gone = [found.content for one in files if (found := self._pop(user, one.offer.path))]
            for one in files:
                self._kept[user, one.offer.path] = _Kept(one, now)
                self._bytes += one.staged.size
            while self._kept and self._are_too_many(now):
                if found := self._pop(*next(iter(self._kept))):
                    gone.append(found.content)
        self._release(gone)

    def take(self, user: str, offer: Offer) -> LeftFile | None:
        """The file that a user offers again, with its hold; None if it has to be sent."""
        if not self._kept:
            return None
        with self._lock:
            kept = self._kept.get((user, offer.path))
            if kept is None or not _is_same(kept.file, offer):
                return None
            return self._pop(user, offer.path)

    def clear(self) -> None:
        """Nobody will offer them here any more."""
        with self._lock:
            gone = [one.file.content for one in self._kept.values()]
            self._kept.clear()
            self._bytes = 0
        self._release(gone)

    def _pop(self, user: str, path: str) -> LeftFile | None:
        kept = self._kept.pop((user, path), None)
        if kept is None:
            return None
        self._bytes -= kept.file.staged.size
        return kept.file

    def _are_too_many(self, now: float) -> bool:
        oldest = next(iter(self._kept.values()))
        return (
            self._bytes > KEPT_BYTES
            or len(self._kept) > KEPT_FILES
            or now - oldest.since > KEPT_SECONDS
        )


def _is_same(left: LeftFile, offer: Offer) -> bool:
    """Whether a file is offered again; another try may have another id, or know the hash by now."""
    if offer.hash not in ("", left.staged.hash):
        return False
    return _known_of(left.offer) == _known_of(offer)


def _known_of(offer: Offer) -> Offer:
    return offer._replace(transfer="", hash="", holes=0)
