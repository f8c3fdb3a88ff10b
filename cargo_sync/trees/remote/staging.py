"""What remotes share that stage a new file in a folder of ours, then rename it to its place."""

from typing import Final

import orjson

from cargo_sync.model import paths
from cargo_sync.model.abilities import SECOND, Abilities, Publishing, Replacing, Resuming, Trashing
from cargo_sync.trees.remote.contract import Kept, RemoteListing
from cargo_sync.trees.remote.problems import is_not_empty

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


def is_staged(place: str) -> bool:
    """Whether a path is that of a staged file: nothing else is removed without a look."""
    return paths.parent(place) == STAGING


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


def check_empty(listing: RemoteListing, path: str) -> None:
    """Raises ProblemError: NOT_EMPTY: something is in the folder at `path`, known or not."""
    if listing.entries or listing.problems:
        raise is_not_empty(path)
