"""Offers, wants and receipts: what the two ends of a flow send each other about files, in batches.

They are sent as columns (`columns`, `rows`): a batch of 2,000 files is one JSON value of a few
arrays.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple, TypeVar

from cargo_sync.model.problems import Problem

RowT = TypeVar("RowT", bound=tuple[Any, ...])


class Offer(NamedTuple):
    """One file's content, as it is offered or asked for.

    path      relative to the flow's folder
    size, mtime_ns, mode   of the content; the destination keeps them. A mode that was not given is
              BY_UMASK, which is never sent
    version, ident         of the source's entry: the file that is read must still have them
    transfer  id of the transfer: hex, unguessable, the same when it is tried again after a cut
    expected, occupant     version and ident of what the plan saw at the destination; both 0 for an
                           unoccupied path. They are checked again at the moment of replacement
    hash      BLAKE3 if the offering side already knows it, else ""
    target    a link's target: then there is no content
    holes     so many bytes of the source need no room on a disk, as far as that is known
    """

    path: str
    size: int
    mtime_ns: int
    mode: int
    version: int
    ident: int
    transfer: str
    expected: int = 0
    occupant: int = 0
    hash: str = ""
    target: str = ""
    holes: int = 0


_STEM, _GENERATION = 16, 4
"""Digits of an id that begins a line of versions, and of their number after it."""


def succeeding(before: str, token: str) -> str:
    """The id of a transfer that takes the place of `before`: another version of the same file.

    Both have the same stem, and the later id is the greater one. So the destination sees what is
    given up, and its part is discarded there. `token` makes it unguessable: 32 hex digits. If the
    numbers are used up, it is the id as it is, of a line of its own.
    """
    number = int(before[_STEM : _STEM + _GENERATION], 16) + 1
    if number >= 16**_GENERATION:
        return token
    return f"{stem(before)}{number:0{_GENERATION}x}{token[_STEM + _GENERATION :]}"


def stem(transfer: str) -> str:
    """What the ids of transfers of one file to one place have in common.

    It alone proves nothing: the ids of a run's small files have it in common too, whatever their
    path.
    """
    return transfer[:_STEM]


VAST: Final = 2**30
"""Bytes of a file from which a client asks a server for its holes before it reserves room."""


def is_vast(size: int) -> bool:
    """Whether a file of so many bytes may have more holes than the disk has room."""
    return size >= VAST


class Want(NamedTuple):
    """What a receiver still needs of an offer.

    code     "all", "ranges", "none" (it already has this content) or a problem's code (refused)
    ranges   [start, end) pairs for "ranges", in order
    message  for a refusal, a sentence
    """

    code: str
    ranges: tuple[tuple[int, int], ...] = ()
    message: str = ""


class Unread(NamedTuple):
    """The first file of several that was not read: its number among them, and why.

    problem  None: its content is not here yet
    """

    number: int
    problem: Problem | None


class Receipt(NamedTuple):
    """The receiver's result for an offer.

    code     "done" or a problem's code
    version, ident, mtime_ns, mode   of the destination's entry as committed
    hash       BLAKE3 of what was committed, hex
    displaced  the trash path of the file that it replaced, or ""
    retry      for a problem: whether it may succeed later
    """

    code: str
    version: int = 0
    ident: int = 0
    mtime_ns: int = 0
    mode: int = 0
    hash: str = ""
    displaced: str = ""
    message: str = ""
    retry: bool = True


Finished = tuple[int, list[Receipt] | Problem]
"""What became of a batch: one receipt per offer; a problem if nothing of it was committed."""


def columns(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Turns rows of one kind into one sequence per field, so that a batch is encoded at once."""
    return list(zip(*rows, strict=True))


def rows(kind: type[RowT], fields: Sequence[Sequence[Any]]) -> list[RowT]:
    """Returns the rows that `columns` was given; `kind` is their NamedTuple.

    Raises:
        ValueError: the columns differ in length, or their number is not that of the row's fields.
    """
    if len(fields) != len(kind._fields):  # type: ignore[attr-defined]
        raise ValueError(f"{len(fields)} columns")
    # As `kind._make` does, in half of the time.
    return list(map(tuple.__new__, repeat(kind), zip(*fields, strict=True)))
