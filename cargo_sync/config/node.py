"""The file of a storage node as `StorageNodeSettings`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import Field, ValidationInfo, field_validator

from cargo_sync.config import places, units
from cargo_sync.config.errors import FieldProblem
from cargo_sync.config.fields import (
    Fingerprint,
    LocalPath,
    RootFolder,
    Segment,
    Size,
    Span,
    Speed,
    served_folder,
)
from cargo_sync.config.process_shape import ProcessSettings, ProcessShape, process_settings
from cargo_sync.config.relaxed import Document, read
from cargo_sync.config.server_shape import Listen, PortNumber
from cargo_sync.config.shape import Shape, Surroundings, read_shape, surroundings, wrong

PORT: Final = 8445
LANE_PORT: Final = 8446
SCRUB_RATE: Final = 80_000_000
SCRUB_PERIOD: Final = 30 * 86_400.0
LANES: Final = 32


class CoordinatorShape(Shape):
    """The form of the `coordinator` object, which pairing makes."""

    node: Annotated[int, Field(ge=1)] = Field(description="a whole number, 1 or more")
    bearer_sha256: Fingerprint = Field(description="a SHA-256 in hex")


class ScrubShape(Shape):
    """The form of the `scrub` object."""

    rate: Speed = Field(SCRUB_RATE, description=units.SPEED_FORM)
    period: Span = Field(SCRUB_PERIOD, description=units.SPAN_FORM)


class NodeShape(ProcessShape):
    """The form of a storage node's file."""

    name: Segment = Field(description='1 to 100 characters without "/" and ":"')
    zone: Segment | None = Field(None, description='1 to 100 characters without "/" and ":"')
    coordinator: CoordinatorShape = Field(
        description="the object that `cargo_sync init node` writes"
    )
    directory: RootFolder = Field(description="a folder on this machine")
    state_dir: LocalPath | None = Field(
        None, description="a folder on this machine", validate_default=True
    )
    capacity: Size | None = Field(None, description=units.SIZE_FORM)
    listen: Listen = Field(
        ("0.0.0.0", PORT),  # noqa: S104  (a node is there to be reached)
        description='an address and port such as "0.0.0.0:8445"',
    )
    lane_port: PortNumber = Field(LANE_PORT, description="a port, 0 to 65535")
    bandwidth: Speed | None = Field(None, description=units.SPEED_FORM)
    scrub: ScrubShape = Field(
        default_factory=lambda: ScrubShape.model_validate({}), description="an object"
    )

    @field_validator("state_dir")
    @classmethod
    def _state_apart(cls, state: str | None, info: ValidationInfo) -> str | None:
        folder = state or places.state_folder(surroundings(info).env, "node")
        kept = info.data.get("directory")
        if kept is not None:
            real, other = os.path.realpath(kept), os.path.realpath(folder)
            if places.inside(real, other) or places.inside(other, real):
                raise wrong(f"{folder} and the directory {kept} overlap")
        return state


@dataclass(frozen=True, slots=True)
class ScrubSettings:
    """How fast all that is kept is read, in bits per second; and how often, in seconds."""

    rate: int = SCRUB_RATE
    period: float = SCRUB_PERIOD


@dataclass(frozen=True, slots=True)
class StorageNodeSettings:
    """The checked settings of a storage node.

    name       by which people know it
    id         by which its coordinator knows it
    bearer     SHA-256 of what the coordinator shows, 64 hex digits
    zone       what it may fail together with; "" for nothing
    directory  where contents are kept
    capacity   bytes that they may use; None for all that the disk has
    host, port      of its API
    lane_port  takes the lanes, at the same host
    bandwidth  bits per second in each direction; None for no limit
    process    log, metrics, and other settings of any process
    """

    name: str
    id: int
    bearer: str = field(repr=False)
    directory: str
    state_dir: str
    zone: str = ""
    capacity: int | None = None
    host: str = "0.0.0.0"  # noqa: S104
    port: int = PORT
    lane_port: int = LANE_PORT
    bandwidth: int | None = None
    scrub: ScrubSettings = ScrubSettings()
    process: ProcessSettings = field(default_factory=ProcessSettings)


def load_node(path: str, env: Mapping[str, str]) -> StorageNodeSettings:
    """The storage node in the file at `path`.

    Raises:
        ConfigError: with all problems.
    """
    return node_from(read(path), env)


def node_from(document: Document, env: Mapping[str, str]) -> StorageNodeSettings:
    """The storage node in a document that was read already.

    Raises:
        ConfigError: with all problems.
    """
    folder = os.path.dirname(os.path.abspath(document.file))
    shape = read_shape(document, NodeShape, Surroundings(folder, env))
    host, port = shape.listen
    return StorageNodeSettings(
        name=shape.name,
        id=shape.coordinator.node,
        bearer=shape.coordinator.bearer_sha256,
        directory=shape.directory,
        state_dir=shape.state_dir or places.state_folder(env, "node"),
        zone=shape.zone or "",
        capacity=shape.capacity,
        host=host,
        port=port,
        lane_port=shape.lane_port,
        bandwidth=shape.bandwidth,
        scrub=ScrubSettings(shape.scrub.rate, shape.scrub.period),
        process=process_settings(shape),
    )


def missing_directory(document: Document, settings: StorageNodeSettings) -> list[FieldProblem]:
    """The directory, if it cannot be used now: only a check refuses it."""
    try:
        served_folder(settings.directory)
    except ValueError as error:
        return [document.problem(("directory",), str(error))]
    return []
