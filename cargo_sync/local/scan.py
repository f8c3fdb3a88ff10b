"""Scanning: a root as it stands, a folder at a time.

A folder comes before what is below it, in component order. What could not be read whole is said to
be unseen, never empty: nothing may be concluded about it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from cargo_sync.local.root import Excluded, Root, nothing_excluded
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, Listing
from cargo_sync.model.problems import Code, Problem, ProblemError


class Seen(NamedTuple):
    """One folder, read whole; a problem for each name that was left out (not UTF-8, a device,
    …)."""

    path: str
    listing: Listing
    problems: tuple[Problem, ...] = ()


class Unseen(NamedTuple):
    """A folder that could not be read whole: its names and all below are unknown."""

    path: str
    problem: Problem


def walk(root: Root, excluded: Excluded = nothing_excluded) -> Iterator[Seen | Unseen]:
    """Everything below `root`. What `excluded` names is not listed, and not entered.

    A folder on another file system is listed by its parent and comes as Unseen itself.

    Raises:
        ProblemError: `root_gone`, before the first or after the last folder: the path leads to
            nothing or to another folder, so that what was seen must not count.
    """
    _check(root)
    pending = [""]
    while pending:
        path = pending.pop()
        try:
            listing, problems = root.listing(path, excluded)
        except ProblemError as error:
            yield Unseen(path, error.problem)
            continue
        yield Seen(path, listing, problems)
        below = [paths.join(path, entry.name) for entry in listing if entry.kind == FOLDER]
        pending.extend(reversed(below))
    _check(root)


def _check(root: Root) -> None:
    if not root.still_there():
        raise ProblemError(
            Problem(
                Code.ROOT_GONE,
                f"the folder {root.path!r} is gone, or another one stands in its place",
                hint="mount it or bring it back; nothing is deleted meanwhile",
            )
        )
