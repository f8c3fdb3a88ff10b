"""Workspaces without a folder: `store` of a workspace, and `nodes` of the server's file.

A workspace is found by its root: the real path of its folder, or a name if it has none. The
catalogue has it, and so have the tables of open workspaces and grants.
"""

import os
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, ValidationInfo, field_validator

from cargo_sync.config import units
from cargo_sync.config.bucket import FORM as BUCKET_FORM
from cargo_sync.config.bucket import BucketShape
from cargo_sync.config.fields import Span, Speed
from cargo_sync.config.shape import Shape, wrong

COPIES: Final = 2
MOST_COPIES: Final = 3
GRACE: Final = 3_600.0
REPAIR_SPEED: Final = 200_000_000
SNAPSHOT: Final = 3_600.0
KEEP_UNKNOWN: Final = 14 * 86_400.0
STORED: Final = "stored:"
"""Before the name of a workspace on storage nodes. A folder's path is absolute."""
IN_BUCKET: Final = "bucket:"
"""Before the name of a workspace in a bucket."""


def stored_root(name: str) -> str:
    """What a workspace on storage nodes has as its path, by its name."""
    return STORED + name


def bucket_root(name: str) -> str:
    """What a workspace in a bucket has as its path, by its name."""
    return IN_BUCKET + name


def is_stored(root: str) -> bool:
    """Whether a workspace has no folder."""
    return root.startswith((STORED, IN_BUCKET))


def is_in_bucket(root: str) -> bool:
    """Whether a workspace is in a bucket."""
    return root.startswith(IN_BUCKET)


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

    nodes: NodesStoreShape | None = Field(None, description='an object such as {"copies": 2}')
    s3: BucketShape | None = Field(None, description=BUCKET_FORM, validate_default=True)

    @field_validator("s3")
    @classmethod
    def _one_of_them(cls, s3: BucketShape | None, info: ValidationInfo) -> BucketShape | None:
        if "nodes" in info.data:  # otherwise what is wrong with it was said
            if s3 is None and info.data["nodes"] is None:
                raise wrong('is missing; write it, or "nodes": {"copies": 2} for storage nodes')
            if s3 is not None and info.data["nodes"] is not None:
                raise wrong('cannot be used together with "nodes"; keep one of them')
        return s3


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
