"""The form of a job file: the Cargo client's fields, and ours."""

import os
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BeforeValidator,
    Field,
    InstanceOf,
    SkipValidation,
    ValidationInfo,
    field_validator,
)

from cargo_sync.config import places, units
from cargo_sync.config.errors import quoted
from cargo_sync.config.events import VARIABLES, EventSettings, read_events
from cargo_sync.config.fields import (
    ClockTime,
    Days,
    ExistingFile,
    Fingerprint,
    Interval,
    Name,
    Password,
    Pattern,
    RemotePath,
    RootFolder,
    Seconds,
    Segment,
    Size,
    Span,
    StoredPassword,
    Url,
    Zone,
)
from cargo_sync.config.secret import Secret
from cargo_sync.config.shape import Shape, surroundings, wrong
from cargo_sync.config.timetable import DAILY_SPEED_FORM, DailySpeed, read_speed

DEFAULT_EXCLUDE = (
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    ".~lock.*",
    "~$*",
    ".*.swp",
    "*.tmp",
    "*.part",
    "*.crdownload",
    "*.crswap",
    "*.opdownload",
    "*.partial",
    ".~tmp~/",
    ".rsync-partial/",
    "*.filepart",
    "*.aria2",
    "*.lftp-pget-status",
    "*.!qB",
    "*.!ut",
    ".goutputstream-*",
    ".fuse_hidden*",
    ".nfs????????????????????????",
)
"""What every job leaves out, before its own patterns: files of desktops, and files that
programs are still writing. docs/configuration.md says whose they are."""


@dataclass(frozen=True, slots=True)
class AfterTransfer:
    """What happens to a delivered source file. `move_to` as in JobSettings."""

    kind: Literal["keep", "delete", "move"]
    move_to: str | None = None


class FiltersShape(Shape):
    """The form of the `filters` object."""

    include: list[Pattern] = Field(default_factory=list, description="patterns as in .gitignore")
    exclude: list[Pattern] = Field(default_factory=list, description="patterns as in .gitignore")


MODES: Final = {"up": "upload", "down": "download", "bi": "bidirectional"}
"""The values of `sync_mode`, by their short forms."""


def full_mode(value: Any) -> Any:
    """The value of `sync_mode` for what a file says, if that is its short form."""
    return MODES.get(value, value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """When deletions and overwrites are held: more than `share` of all files, and `at_least`.

    window  seconds over which they are counted
    """

    share: float = 0.5
    at_least: int = 10
    window: float = 86_400.0


GUARD: Final = GuardSettings()


class GuardShape(Shape):
    """The form of the `guard` object."""

    share: Annotated[float, Field(gt=0, le=1)] = Field(
        default=GUARD.share, description="a part of the tree, more than 0 and at most 1"
    )
    at_least: Annotated[int, Field(ge=0)] = Field(
        default=GUARD.at_least, description="a whole number, 0 or more"
    )
    window: Span = Field(default=GUARD.window, description=units.SPAN_FORM)


def _guard(value: Any) -> Any:
    if value is None or value is True:
        raise ValueError(f"must not be {'null' if value is None else 'true'}")
    return None if value is False else value


def _speed(value: Any) -> DailySpeed:
    return DailySpeed() if value is None else read_speed(value)


_NO_EVENTS: tuple[EventSettings, ...] = ()


class JobShape(Shape):
    """The form of a job file."""

    sync_name: Name = Field(description="the job's name, 1 to 100 characters")
    sync_mode: Annotated[
        Literal["upload", "download", "bidirectional"], BeforeValidator(full_mode)
    ] = Field(description='"upload", "download" or "bidirectional"')
    local_dir: RootFolder = Field(description="a folder on this machine")
    remote_dir: RemotePath = Field("", description='a folder in the workspace, "/" for all of it')
    workspace: Segment = Field("default", description="the name of a workspace")
    allow_plain: bool = Field(False, description="true or false")
    hostname: Url = Field(
        description='the server\'s address, such as "https://files.example.org:8443"'
    )
    tls_fingerprint: Fingerprint | None = Field(
        None, description="64 hex digits, as the server prints them at its start"
    )
    ca_file: ExistingFile | None = Field(None, description="a file of certificates in PEM")
    username: Segment = Field(description="the user's name on the server")
    password_file: StoredPassword | None = Field(
        None, description="a file whose first line is the password"
    )
    password: Password | None = Field(
        None, description="text; or use password_file", validate_default=True
    )
    speed: Annotated[InstanceOf[DailySpeed], BeforeValidator(_speed)] = Field(
        DailySpeed(), description=DAILY_SPEED_FORM
    )
    priority: Annotated[int, Field(ge=0, le=100)] = Field(
        50, description="a whole number, 0 to 100"
    )
    sleep: Interval = Field(3.0, description="seconds, more than 0")
    settle: Seconds = Field(2.0, description="seconds, 0 or more")
    full_scan_interval: Interval = Field(3600.0, description="seconds, more than 0")
    watch: bool = Field(True, description="true or false")
    enabled: bool = Field(True, description="true or false")
    start_time: ClockTime | None = Field(None, description=units.CLOCK_FORM)
    end_time: ClockTime | None = Field(None, description=units.CLOCK_FORM)
    timezone: Zone | None = Field(None, description='a name such as "Europe/Madrid" or "UTC"')
    filters: FiltersShape = Field(FiltersShape(), description="an object with include and exclude")
    delete: Literal["keep", "propagate"] = Field("keep", description='"keep" or "propagate"')
    conflicts: Literal["keep_both", "local", "remote", "newest", "ask"] = Field(
        "keep_both", description='"keep_both", "local", "remote", "newest" or "ask"'
    )
    after_transfer: InstanceOf[AfterTransfer] = Field(
        AfterTransfer("keep"), description='"keep", "delete" or {"move": "folder"}'
    )
    guard: Annotated[GuardShape | None, BeforeValidator(_guard)] = Field(
        GuardShape(), description="false, or an object with share, at_least and window"
    )
    trash_days: Days = Field(14.0, description="days, 0 or more")
    trash_max: Size | None = Field(None, description=units.SIZE_FORM)
    xattrs: bool = Field(False, description="true or false")
    events: Annotated[tuple[EventSettings, ...], SkipValidation, BeforeValidator(read_events)] = (
        Field(
            _NO_EVENTS,
            description="an object of " + ", ".join(VARIABLES),
        )
    )

    @field_validator("hostname")
    @classmethod
    def _plain_only_on_loopback(cls, url: str, info: ValidationInfo) -> str:
        host = places.url_host(url)
        if (
            url.startswith("http://")
            and not info.data.get("allow_plain", True)
            and not places.is_loopback(host)
        ):
            raise wrong(
                "http:// sends the password and the files unencrypted; use https://, "
                'or write "allow_plain": true if the network is your own'
            )
        return url

    @field_validator("tls_fingerprint", "ca_file")
    @classmethod
    def _trust_needs_tls(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("hostname", "").startswith("http://"):
            raise wrong("has no meaning with http://, which has no certificate")
        if value is not None and info.field_name == "ca_file" and info.data.get("tls_fingerprint"):
            raise wrong("cannot be used together with tls_fingerprint; keep one of them")
        return value

    @field_validator("password")
    @classmethod
    def _one_password(cls, value: Secret | None, info: ValidationInfo) -> Secret | None:
        if "password_file" in info.data and (info.data["password_file"] is None) == (value is None):
            if value is None:
                raise ValueError("is missing")
            raise wrong("cannot be used together with password_file; keep one of them")
        return value

    @field_validator("end_time")
    @classmethod
    def _some_time(cls, end: int | None, info: ValidationInfo) -> int | None:
        if end is not None and end == info.data.get("start_time"):
            raise wrong("is the same as start_time; leave both out for the whole day")
        return end

    @field_validator("xattrs")
    @classmethod
    def _where_there_are_any(cls, value: bool) -> bool:
        if value and not hasattr(os, "listxattr"):
            raise wrong("works on Linux only: this system keeps such attributes in another form")
        return value

    @field_validator("conflicts")
    @classmethod
    def _in_both_directions(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("sync_mode") in ("upload", "download"):
            raise wrong("has no meaning in one direction: the source wins; leave it out")
        return value

    @field_validator("after_transfer", mode="before")
    @classmethod
    def _after_transfer(cls, value: Any, info: ValidationInfo) -> AfterTransfer:
        match value:
            case "keep":
                return AfterTransfer("keep")
            case "delete":
                after = AfterTransfer("delete")
            case {"move": str(folder), **rest} if not rest:
                after = AfterTransfer("move", _move_to(folder, info))
            case _:
                raise ValueError(
                    f"{quoted(value)} is not allowed"
                    if isinstance(value, str)
                    else "is not one of these"
                )
        if info.data.get("sync_mode") == "bidirectional":
            raise wrong(
                f'"{after.kind}" cannot be used in a job of both directions: '
                "a file that Cargo removed on one side would be removed on the other side, too"
            )
        if info.data.get("delete") == "propagate":
            raise wrong(
                f'"{after.kind}" cannot be used together with "delete": "propagate": '
                "a source file that Cargo removed would look like a file that somebody deleted"
            )
        return after


def _move_to(folder: str, info: ValidationInfo) -> str:
    """The folder for moved sources: relative to the source root, or (uploads) absolute."""
    root, mode = info.data.get("local_dir"), info.data.get("sync_mode")
    if folder.startswith(("/", "~")) and mode == "download":
        raise wrong("the folder is on the server: write it relative to remote_dir")
    if folder.startswith(("/", "~")):
        around = surroundings(info)
        path = places.local_path(folder, around.folder or "/", around.env)
        if root is None or not places.inside(path, root):
            _same_file_system(path, root)
            return places.not_reserved(path)
        folder = path[len(root) :]
    relative = places.remote_path(folder)
    if not relative:
        raise wrong("the folder to move to is the source folder itself")
    return relative


def _same_file_system(path: str, root: str | None) -> None:
    """Checks that a move is a rename. For a missing folder, the nearest folder above it counts."""
    if root is not None and os.path.isdir(root) and _device(path) != _device(root):
        raise wrong(f"{path} is on another file system than {root}: files can only be renamed")


def _device(path: str) -> int:
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return os.stat(path).st_dev
