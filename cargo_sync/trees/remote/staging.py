"""What remotes share that stage a new file in a folder of ours, then rename it to its place.

Where the place is on another disk of the server, the file is staged beside it, as
`.NAME.<8 hex>.partial`. Half of the hex says which transfer it is, the other half that the name is
ours: a file of somebody else that is called like this is only a file.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import blake2b
from typing import Final

import orjson

from cargo_sync.model import paths
from cargo_sync.model.abilities import SECOND, Abilities, Publishing, Replacing, Resuming, Trashing
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.problems import Problem
from cargo_sync.trees.remote.contract import Kept, NewFile, RemoteListing
from cargo_sync.trees.remote.problems import is_not_empty, is_uncertain

STAGING: Final = f"{paths.RESERVED}/staging"
STAGED: Final = Abilities(
    time_step=SECOND,
    modes=False,
    links=False,
    idents=False,
    exchange=False,
    hashes=False,
    feed=False,
    replacing=Replacing.LOOKED_AT,
    publishing=Publishing.RENAME,
    trashing=Trashing.RENAME,
    resuming=Resuming.NONE,
    atomic=False,
)
"""What such a server can do at least, as far as it keeps times; each protocol says what is more."""


_BESIDE: Final = re.compile(
    r"\.(?P<name>.+)\.(?P<transfer>[0-9a-f]{4})(?P<sign>[0-9a-f]{4})\.partial", re.DOTALL
)
_LONGEST: Final = 200
"""Bytes of a name that are in the name of the file staged beside it."""


def beside(path: str, transfer: str) -> str:
    """The place beside a path at which a transfer stages its file."""
    name = paths.name(path).encode(errors="surrogateescape")[:_LONGEST].decode(errors="ignore")
    begins = blake2b(transfer.encode(), digest_size=2).hexdigest()
    return paths.join(paths.parent(path), f".{name}.{begins}{_sign(name, begins)}.partial")


def is_beside(name: str) -> bool:
    """Whether a name is that of a file which `beside` has staged."""
    found = _BESIDE.fullmatch(name)
    return found is not None and found["sign"] == _sign(found["name"], found["transfer"])


def _sign(name: str, transfer: str) -> str:
    text = f"{transfer} {name}".encode(errors="surrogateescape")
    return blake2b(text, digest_size=2, person=b"cargo partial").hexdigest()


def is_staged(place: str) -> bool:
    """Whether a path is that of a staged file: nothing else is removed without a look."""
    return paths.parent(place) == STAGING


class StagingFolder:
    """Our folder on a server, in which files are staged; it is made when it is needed.

    Args:
        make: makes a folder, and those above it; it may be there.
        token: gives a name that nobody has used: each try has a place of its own, because a server
            may still be writing what came of an earlier one.
    """

    def __init__(self, make: Callable[[str], Awaitable[object]], token: Callable[[], str]) -> None:
        self._make = make
        self._token = token
        self._made = False

    def forget(self) -> None:
        """Somebody may have removed it, as a check of the job does."""
        self._made = False

    async def ready(self) -> None:
        """It is there when this returns."""
        if not self._made:
            await self._make(STAGING)
            self._made = True

    async def place(self, name: str) -> str:
        """The place of a new staged file, whose folder is there."""
        await self.ready()
        return f"{STAGING}/{name}-{self._token()}"


def published(found: Entry | None, file: NewFile) -> Entry:
    """What is at its path now.

    Raises:
        ProblemError: UNCERTAIN: it is not the file that was sent.
    """
    if found is None or found.kind != FILE or found.size != file.size:
        raise is_uncertain(file.path)
    return found


def kept_place(place: str) -> Kept:
    """What must be known to go on with an upload: its staged file."""
    return orjson.dumps([place]).decode()


def place_of(kept: Kept) -> str:
    """The staged file that `kept_place` told of; "" if it is none."""
    try:
        (place,) = orjson.loads(kept)
    except (ValueError, TypeError):
        return ""
    return place if isinstance(place, str) and is_staged(place) else ""


def of_file(problem: Problem, path: str) -> Problem:
    """A problem of a file, which people know by this path, and not by that of its staged file."""
    at = problem.path
    if is_staged(at) or is_beside(paths.name(at)):
        problem = replace(problem, message=problem.message.replace(repr(at), repr(path)))
    return replace(problem, path=path)


def check_empty(listing: RemoteListing, path: str) -> None:
    """Raises ProblemError: NOT_EMPTY: something is in the folder at `path`, known or not."""
    if listing.entries or listing.problems or listing.staged:
        raise is_not_empty(path)
