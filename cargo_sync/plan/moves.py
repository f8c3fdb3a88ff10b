"""Moves: what is gone and what is new on one side -> renames that bring the other side there.

Theory. `recognised` pairs what is gone with what is new: by ident (inode, entry id; 0 says
nothing), else by the hash. A file is only believed if its hash is the same, because an inode is
used again and a program may rewrite a file in place. A folder has no content of its own: its ident
is enough, and what is below it is compared by the planner when the folder has moved.

`ordered` makes renames of pairs. Each rename either has a free target, or exchanges the two names.
So a chain (a -> b, b -> c) begins at its free end, and a cycle, or what stands in the way and is
not moved itself, is passed on by exchanges: at the end it is where the last of them came from, and
the planner deletes or replaces it there. Nothing is ever without a name. What has been moved takes
along what is below it: the place of a file that leaves a moved folder is counted from there.

A target below a folder that moves itself waits: when that folder has moved, the planner finds the
rest. So moves come in rounds, one for each level of folders that moved into each other.
"""

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER
from cargo_sync.model.subtrees import Subtrees

LEAST: Final = 64 * 2**10
"""Bytes of a file from which on it is moved: a smaller one is sent again, which costs less than to
remember its ident."""

T = TypeVar("T", bound=Hashable)


def is_worth_it(kind: str, size: int) -> bool:
    """Whether something is moved when it is renamed: folders, and files from `LEAST`."""
    return kind == FOLDER or (kind == FILE and size >= LEAST)


class KnownEntry(NamedTuple):
    """A folder or a file of the side on which people moved something.

    hash  BLAKE3 of a file, proven for what is there now; "" if it is not known
    """

    path: str
    kind: str
    ident: int
    size: int = 0
    hash: str = ""


class Relocation(NamedTuple):
    """What was at `source`, on the side where people moved it, is at `path` now."""

    source: str
    path: str


class Rename(NamedTuple):
    """One rename at the destination: from `source` to `path`.

    moved     where the renamed entry was before all renames
    occupant  where the entry was that is at `path` now; the two change places. None: it is free
    """

    source: str
    path: str
    moved: str
    occupant: str | None = None


def recognised(gone: Sequence[KnownEntry], new: Sequence[KnownEntry]) -> list[Relocation]:
    """Which of the new entries is which one that is gone from its path.

    Args:
        gone: as they were agreed on.
        new: as they are now. Two names of one file (hard links) are one moved file and a new one.

    Returns:
        Pairs, in the order of `new`; each path is in one of them at most.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()

    def match(key: Callable[[KnownEntry], Hashable], *, unique: bool) -> None:
        before = _by_key((one for one in gone if one.path not in taken), key)
        after = _by_key((one for one in new if one.path not in found), key)
        for value, some in after.items():
            earlier = before.get(value, ())
            if not earlier or (unique and len(some) + len(earlier) > 2):
                continue
            if some[0].path != earlier[0].path:
                found[some[0].path] = earlier[0].path
            taken.add(earlier[0].path)

    match(_same_ident, unique=False)
    match(_same_content, unique=True)
    return [Relocation(found[one.path], one.path) for one in new if one.path in found]


def _same_ident(one: KnownEntry) -> Hashable:
    """A key of what has this ident; a file's hash must be the same too."""
    if not one.ident:
        return None
    if one.kind == FOLDER:
        return one.kind, one.ident
    return (one.kind, one.ident, one.hash) if one.hash else None


def _same_content(one: KnownEntry) -> Hashable:
    return (one.hash, one.size) if one.kind == FILE and one.hash and one.size >= LEAST else None


def _by_key(
    some: Iterable[KnownEntry], key: Callable[[KnownEntry], T]
) -> dict[T, list[KnownEntry]]:
    found: dict[T, list[KnownEntry]] = {}
    for one in some:
        if (value := key(one)) is not None:
            found.setdefault(value, []).append(one)
    return found


class _Item:
    """Something at the destination that is in its place already, or has to leave.

    start  where it is at the beginning
    to     where it shall be; None for what is only in the way
    above  the nearest item above `start`: it takes this one along
    place  where a rename of its own has brought it
    """

    __slots__ = ("above", "place", "start", "to")

    def __init__(self, start: str, to: str | None) -> None:
        self.start = start
        self.to = to
        self.above: _Item | None = None
        self.place: str | None = None

    @property
    def here(self) -> str:
        """Where it is now."""
        below, item = "", self
        while item.place is None and item.above is not None:
            below = item.start[len(item.above.start) :] + below
            item = item.above
        return (item.start if item.place is None else item.place) + below


def ordered(pairs: Sequence[Relocation], occupied: Collection[str]) -> list[Rename]:
    """The renames that bring each `source` to its `path`, in an order in which each is possible.

    Args:
        pairs: as `recognised` gives them; the destination has each `source`, and may rename it.
        occupied: the paths among them at which the destination has something that may change places
            with another entry.

    Returns:
        The renames. Where there is none for a pair, it waits for another one, or cannot be moved.
    """
    tops = Subtrees([*(pair.source for pair in pairs), *(pair.path for pair in pairs)])
    possible = [pair for pair in pairs if not _is_strictly_below(pair.path, tops)]
    items = {pair.source: _Item(pair.source, pair.path) for pair in possible}
    for path in occupied:
        items.setdefault(path, _Item(path, None))
    for pair in pairs:
        items.setdefault(pair.source, _Item(pair.source, None))  # what is in it may be moved out
    _nest(items)
    return _Renames(items)(possible)


def _is_strictly_below(path: str, tops: Subtrees) -> bool:
    above = paths.parent(path)
    return bool(above) and above in tops


def _nest(items: dict[str, _Item]) -> None:
    """Sets `above` of each item."""
    chain: list[_Item] = []
    for start in sorted(items, key=paths.key):
        while chain and not paths.is_below(start, chain[-1].start):
            chain.pop()
        items[start].above = chain[-1] if chain else None
        chain.append(items[start])


class _Renames:
    """Makes renames until each item is in its place, or cannot get there."""

    def __init__(self, items: dict[str, _Item]) -> None:
        self._at = dict(items)
        self._wanting = {item.to: item for item in items.values() if item.to is not None}
        self._moves: list[Rename] = []

    def __call__(self, pairs: Sequence[Relocation]) -> list[Rename]:
        items = [self._at[pair.source] for pair in pairs]
        self._follow(item for item in items if item.to not in self._at)
        for item in items:
            if not _is_done(item):
                self._pass_on(item)
        return self._moves

    def _follow(self, free: Iterable[_Item]) -> None:
        """Moves items to free targets, then those that want the places that they leave."""
        waiting = deque(free)
        while waiting:
            item = waiting.popleft()
            assert item.to is not None
            left = item.here
            self._moves.append(Rename(left, item.to, item.start))
            self._put(item, item.to)
            if self._at.get(left) is item:
                del self._at[left]
                if (other := self._wanting.get(left)) is not None and not _is_done(other):
                    waiting.append(other)

    def _pass_on(self, item: _Item) -> None:
        """Exchanges what is in the way, and goes on with it."""
        while item.to is not None and not _is_done(item):
            left, other = item.here, self._at.get(item.to)
            if other is None:
                self._follow([item])
                return
            if paths.is_below(left, item.to) or paths.is_below(item.to, left):
                return  # a folder and something in it cannot change places
            self._moves.append(Rename(left, item.to, item.start, other.start))
            self._put(item, item.to)
            self._put(other, left)
            item = other

    def _put(self, item: _Item, place: str) -> None:
        item.place = place
        self._at[place] = item


def _is_done(item: _Item) -> bool:
    return item.to is None or item.place == item.to
