"""Scanning: lists everything below a root, folder by folder.

A folder comes before everything below it, in component order. A folder that could not be read
completely is reported as unseen, never as empty, because its content is unknown.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from cargo_sync.local.listing import Excluded, nothing_excluded
from cargo_sync.local.root import ABSENT, Root
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, EntryColumns
from cargo_sync.model.problems import Code, Problem, ProblemError

_NO_FOLDER: Final = ABSENT | {Code.SYMLINK}


class Seen(NamedTuple):
    """One folder, read completely; or a part of a large one, whose parts come in their order.

    problems  one per name that was left out: it is not UTF-8, a device, …
    first     where the part begins; "" for the beginning of the folder
    end       where the next one begins; "" for the end of the folder
    """

    path: str
    listing: EntryColumns
    problems: tuple[Problem, ...] = ()
    first: str = ""
    end: str = ""


class Unseen(NamedTuple):
    """A folder that could not be read completely: everything in and below it is unknown."""

    path: str
    problem: Problem


class Absent(NamedTuple):
    """There is no folder at a path."""

    path: str


def look(
    root: Root, some: Iterable[str], excluded: Excluded = nothing_excluded
) -> Iterator[Seen | Unseen | Absent]:
    """Yields these folders, without the folders below them.

    Raises:
        ProblemError: `root_gone`, as for `walk`.
    """
    _check(root)
    for path in some:
        try:
            for part in root.parts(path, excluded):
                yield Seen(path, *part)
        except ProblemError as error:
            is_absent = path and error.problem.code in _NO_FOLDER
            yield Absent(path) if is_absent else Unseen(path, error.problem)
    _check(root)


def walk(root: Root, excluded: Excluded = nothing_excluded) -> Iterator[Seen | Unseen]:
    """Yields all folders below `root`. Entries that `excluded` matches are not listed or entered.

    A folder on another file system is in its parent's listing, and is Unseen itself.

    Raises:
        ProblemError: `root_gone`, before the first or after the last folder: the path leads to
            nothing or to another folder, so the scan must not be used.
    """
    _check(root)
    pending = [""]
    while pending:
        path = pending.pop()
        below: list[str] = []
        try:
            for part in root.parts(path, excluded):
                yield Seen(path, *part)
                below += _folders(path, part.listing)
        except ProblemError as error:
            yield Unseen(path, error.problem)
            continue
        pending.extend(reversed(below))
    _check(root)


def _folders(path: str, listing: EntryColumns) -> list[str]:
    if FOLDER not in listing.kinds:
        return []
    pairs = zip(listing.names, listing.kinds, strict=True)
    return [paths.join(path, name) for name, kind in pairs if kind == FOLDER]


def _check(root: Root) -> None:
    if not root.still_there():
        raise ProblemError(
            Problem(
                Code.ROOT_GONE,
                f"the folder {root.path!r} is gone, or another folder is in its place",
                hint="mount or restore it; nothing is deleted meanwhile",
            )
        )
