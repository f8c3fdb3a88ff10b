"""The far side of a job as a value: its tree, and what there is besides.

A kind of server brings what it has. All but the tree may be missing.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from cargo_sync.config.job import JobSettings
from cargo_sync.lanes.figures import Figures
from cargo_sync.model.jobs import Mode
from cargo_sync.model.world import World
from cargo_sync.state.database import Database
from cargo_sync.trees.cargo.api import Apis
from cargo_sync.trees.contract import FarTree
from cargo_sync.trees.trash import FarTrash


@dataclass(frozen=True, slots=True)
class FarCase:
    """What a far side is built from.

    job       the number of the job in the state
    turn      entered while content moves, to limit how many jobs move it at once
    database  the daemon's state
    apis      the logins at Cargo servers, which all jobs share
    """

    settings: JobSettings
    job: int
    turn: AbstractAsyncContextManager[Any]
    world: World
    database: Database
    apis: Apis


def no_figures() -> Mapping[Mode, Figures]:
    """The figures of a far side without any."""
    return {}


def nothing() -> None:
    """Does nothing."""


@dataclass(frozen=True, slots=True)
class JobFarSide:
    """The far side of a job.

    figures  figures of what is under way, by direction
    afresh   forgets that the server refused a login lately: a person's command is a reason to try
             again
    lacks    sentences about what the server cannot do, as far as it was looked at
    trash    what was displaced there; None if it cannot be listed
    """

    tree: FarTree
    figures: Callable[[], Mapping[Mode, Figures]] = no_figures
    afresh: Callable[[], None] = nothing
    trash: FarTrash | None = None
    lacks: Callable[[], Sequence[str]] = tuple
