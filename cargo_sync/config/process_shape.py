"""Fields that the daemon's and the server's files share: log, metrics, and history."""

import os
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from cargo_sync.config import places, units
from cargo_sync.config.fields import Days, LocalPath
from cargo_sync.config.shape import Shape, describe, wrong

Level = Literal["debug", "info", "warning", "error"]
METRICS_PORT = 9466
SMALLEST_LOG = 10_000


def _size(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {describe(value)}")
    size = units.parse_size(value)
    if size < SMALLEST_LOG:
        raise ValueError("must be at least 10kB")
    return size


def _address(value: Any) -> tuple[str, int]:
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {describe(value)}")
    return places.listen_address(value, METRICS_PORT)


def _in_a_folder(path: str) -> str:
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        raise wrong(f"there is no folder {above} to make {os.path.basename(path)} in")
    if os.path.lexists(path) and not os.path.isfile(path):
        raise wrong(f"{path} is not a file")
    return path


WritableFile = Annotated[LocalPath, AfterValidator(_in_a_folder)]


class LogShape(Shape):
    """The form of the `log` object."""

    file: WritableFile | None = Field(
        None, description="a file on this machine, in an existing folder"
    )
    level: Level = Field("info", description='"debug", "info", "warning" or "error"')
    max_size: Annotated[int, BeforeValidator(_size)] = Field(
        10_000_000, description=units.SIZE_FORM
    )
    keep: Annotated[int, Field(ge=0, le=1000)] = Field(
        5, description="a whole number from 0 to 1000"
    )


class MetricsShape(Shape):
    """The form of the `metrics` object."""

    allow: bool = Field(False, description="true or false")
    listen: Annotated[tuple[str, int], BeforeValidator(_address)] = Field(
        description='an address and port such as "127.0.0.1:9466"'
    )

    @field_validator("listen")
    @classmethod
    def _loopback_unless_stated(
        cls, listen: tuple[str, int], info: ValidationInfo
    ) -> tuple[str, int]:
        if not places.is_loopback(listen[0]) and not info.data.get("allow", True):
            raise wrong(
                f"metrics on {listen[0]} show the names of jobs to everybody who reaches it; "
                'listen on 127.0.0.1, or write "allow": true if the network is your own'
            )
        return listen


class KeepShape(Shape):
    """The form of the `keep` object."""

    history_days: Days = Field(30.0, description="days, 0 or more")
    history_rows: Annotated[int, Field(ge=0)] = Field(
        1_000_000, description="a whole number, 0 or more"
    )
    job_files_days: Days = Field(30.0, description="days, 0 or more")
    job_files: Annotated[int, Field(ge=0)] = Field(20, description="a whole number, 0 or more")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged, and where in addition to the terminal.

    file      absolute path, or None
    max_size  bytes after which a new file begins
    keep      how many old files are kept
    """

    file: str | None = None
    level: str = "info"
    max_size: int = 10_000_000
    keep: int = 5


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where metrics are served."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class KeepSettings:
    """How much is kept.

    history_days, history_rows  rows of the history up to this age, and at most so many
    job_files_days, job_files   the same for job files that were removed or replaced
    """

    history_days: float = 30.0
    history_rows: int = 1_000_000
    job_files_days: float = 30.0
    job_files: int = 20


class ProcessShape(Shape):
    """The shared fields."""

    log: LogShape = Field(
        default_factory=lambda: LogShape.model_validate({}), description="an object"
    )
    metrics: MetricsShape | None = Field(None, description="an object with listen")


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """Settings of any long-running process.

    warnings  sentences for the person who starts it
    """

    log: LogSettings = LogSettings()
    metrics: MetricsSettings | None = None
    warnings: tuple[str, ...] = ()


def process_settings(shape: ProcessShape) -> ProcessSettings:
    """The settings in a checked shape, with warnings."""
    log, metrics = shape.log, shape.metrics
    warnings: tuple[str, ...] = ()
    if metrics is not None and not places.is_loopback(metrics.listen[0]):
        where = f"{metrics.listen[0]}:{metrics.listen[1]}"
        warnings = (
            f"metrics on {where} are not protected: everybody who reaches it can read the names "
            "of jobs",
        )
    return ProcessSettings(
        LogSettings(log.file, log.level, log.max_size, log.keep),
        None if metrics is None else MetricsSettings(*metrics.listen),
        warnings,
    )
