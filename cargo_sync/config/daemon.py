"""The daemon's file as `DaemonSettings`. All fields are optional, and so is the file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from cargo_sync.config import places, units
from cargo_sync.config.callbacks import ANYWHERE, CallbackLimits, CallbacksShape
from cargo_sync.config.control import ControlSettings, ControlShape, control_from
from cargo_sync.config.fields import LocalPath, Speed
from cargo_sync.config.process_shape import (
    KeepSettings,
    KeepShape,
    ProcessSettings,
    ProcessShape,
    process_settings,
)
from cargo_sync.config.relaxed import Document, read
from cargo_sync.config.shape import Surroundings, read_shape


class DaemonShape(ProcessShape):
    """The form of the daemon's file."""

    state_dir: LocalPath | None = Field(None, description="a folder on this machine")
    jobs_dir: LocalPath | None = Field(None, description="a folder of job files")
    parallel_transfers: Annotated[int, Field(ge=1)] = Field(
        8, description="a whole number, 1 or more"
    )
    bandwidth: Speed | None = Field(None, description=units.SPEED_FORM)
    control: ControlShape = Field(default_factory=ControlShape, description="an object")
    callbacks: CallbacksShape = Field(default_factory=CallbacksShape, description="an object")
    keep: KeepShape = Field(
        default_factory=lambda: KeepShape.model_validate({}), description="an object"
    )


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """The checked settings of a daemon. Folders are absolute and need not exist yet.

    parallel_transfers   flows that move bytes at the same time
    bandwidth            of all jobs together, bits per second; None for no limit
    control              where commands are taken
    callbacks            where callbacks may go
    keep                 how much history is kept
    file                 path of the file, as it was given; "" for no file
    process              log, metrics, and other settings of any process
    """

    state_dir: str
    jobs_dir: str
    parallel_transfers: int = 8
    bandwidth: int | None = None
    control: ControlSettings = field(default_factory=ControlSettings)
    file: str = ""
    callbacks: CallbackLimits = ANYWHERE
    keep: KeepSettings = field(default_factory=KeepSettings)
    process: ProcessSettings = field(default_factory=ProcessSettings)


def load_daemon(path: str | None, env: Mapping[str, str]) -> DaemonSettings:
    """The settings in the file at `path`, or the defaults without one.

    Raises:
        ConfigError: with all problems.
    """
    return daemon_from(Document("", {}, {}) if path is None else read(path), env)


def daemon_from(document: Document, env: Mapping[str, str]) -> DaemonSettings:
    """The settings in a document that was read already.

    Raises:
        ConfigError: with all problems.
    """
    folder = os.path.dirname(os.path.abspath(document.file))
    shape = read_shape(document, DaemonShape, Surroundings(folder, env))
    return DaemonSettings(
        state_dir=shape.state_dir or places.state_folder(env, "daemon"),
        jobs_dir=shape.jobs_dir
        or os.path.join(places.xdg(env, "XDG_CONFIG_HOME", ".config"), "cargo_sync", "jobs"),
        parallel_transfers=shape.parallel_transfers,
        bandwidth=shape.bandwidth,
        control=control_from(shape.control),
        file=document.file,
        callbacks=shape.callbacks.limits,
        keep=KeepSettings(
            shape.keep.history_days,
            shape.keep.history_rows,
            shape.keep.job_files_days,
            shape.keep.job_files,
        ),
        process=process_settings(shape),
    )
