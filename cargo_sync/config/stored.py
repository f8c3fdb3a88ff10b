"""Workspaces without a folder: `store` of a workspace, and `nodes` of the server's file.

A workspace is found by its root: the real path of its folder, or a name if it has none. The
catalogue has it, and so have the tables of open workspaces and grants.
"""

import os
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, field_validator

from cargo_sync.config import units
from cargo_sync.config.fields import Span, Speed
from cargo_sync.config.shape import Shape

COPIES: Final = 2
MOST_COPIES: Final = 3
GRACE: Final = 3_600.0
REPAIR_SPEED: Final = 200_000_000
SNAPSHOT: Final = 3_600.0
KEEP_UNKNOWN: Final = 14 * 86_400.0
STORED: Final = "stored:"
"""Before the name of a workspace that has no folder. A folder's path is absolute."""


def stored_root(name: str) -> str:
    """What a workspace without a folder has as its path, by its name."""
    return STORED + name


def is_stored(root: str) -> bool:
    """Whether a workspace has no folder."""
    return root.startswith(STORED)


def real_root(path: str) -> str:
    """The root of what the settings name: links to a folder are followed. It blocks."""
    return path if is_stored(path) else os.path.realpath(path)


class NodesStoreShape(Shape):
    """The form of the `nodes` object in a `store`."""

    copies: Annotated[int, Field(ge=1, le=MOST_COPIES)] = Field(
        COPIES, description="how many nodes keep each content: 1, 2 or 3"
    )


class StoreShape(Shape):
    """The form of a workspace's `store`."""

    nodes: NodesStoreShape = Field(description='an object such as {"copies": 2}')


class NodesShape(Shape):
    """The form of the server's `nodes`."""

    grace: Span = Field(GRACE, description=units.SPAN_FORM)
    repair_speed: Speed = Field(REPAIR_SPEED, description=units.SPEED_FORM)
    snapshot: Span = Field(SNAPSHOT, description=units.SPAN_FORM)
    keep_unknown: Span = Field(KEEP_UNKNOWN, description=units.SPAN_FORM)

    @field_validator("repair_speed")
    @classmethod
    def _repairs_at_all(cls, speed: int) -> int:
        if speed < 1:
            raise ValueError("must be more than 0: copies that are lost are made again")
        return speed


@dataclass(frozen=True, slots=True)
class NodesSettings:
    """How storage nodes are used.

    grace         seconds of silence after which a node's copies are made elsewhere
    repair_speed  bits per second at which that is done
    snapshot      seconds between two snapshots of the state, at least
    keep_unknown  seconds for which nodes keep what the server does not know, and for which they
                  delete nothing after it was recovered from them
    """

    grace: float = GRACE
    repair_speed: int = REPAIR_SPEED
    snapshot: float = SNAPSHOT
    keep_unknown: float = KEEP_UNKNOWN
