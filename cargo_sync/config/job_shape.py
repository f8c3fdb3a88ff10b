"""The form of a job file: the Cargo client's fields, and ours."""

import os
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    InstanceOf,
    SkipValidation,
    ValidationInfo,
    field_validator,
)

from cargo_sync.config import units
from cargo_sync.config.after_transfer import AfterTransfer, read_after_transfer
from cargo_sync.config.events import VARIABLES, EventSettings, read_events
from cargo_sync.config.fields import (
    ClockTime,
    Days,
    ExistingFile,
    Fingerprint,
    HostKey,
    Interval,
    JobPassword,
    Name,
    PasswordFile,
    Pattern,
    Region,
    Remote,
    RemotePath,
    RootFolder,
    Seconds,
    Segment,
    Size,
    Span,
    StoredPassword,
    Zone,
)
from cargo_sync.config.options import NO_OPTIONS, OPTIONS_FORM, CloudOptions, read_options
from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.config.remote_kinds import check_meaning, check_region, check_sealed, user_name
from cargo_sync.config.secret import Secret
from cargo_sync.config.shape import Shape, wrong
from cargo_sync.config.timetable import DAILY_SPEED_FORM, DailySpeed, read_speed

T = TypeVar("T")

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
    allow_plain: bool = Field(False, description="true or false")
    hostname: Remote = Field(
        description='the server\'s address, such as "https://files.example.org:8443"'
    )
    remote_dir: RemotePath = Field(
        "", description='a folder in the workspace or below the address, "/" for all of it'
    )
    workspace: Segment = Field("default", description="the name of a workspace")
    tls_fingerprint: Fingerprint | None = Field(
        None, description="64 hex digits, as the server prints them at its start"
    )
    ca_file: ExistingFile | None = Field(None, description="a file of certificates in PEM")
    host_key: HostKey | None = Field(
        None, description='"SHA256:" and 43 characters, as ssh-keygen -l shows it'
    )
    known_hosts: ExistingFile | None = Field(None, description="a file as ssh writes it")
    region: Region | None = Field(
        None, description='a region such as "eu-west-1"', validate_default=True
    )
    options: Annotated[InstanceOf[CloudOptions], BeforeValidator(read_options)] = Field(
        NO_OPTIONS, description=OPTIONS_FORM
    )
    username: str = Field(description="the user's name on the server")
    key_file: ExistingFile | None = Field(None, description="a file with a private key")
    key_passphrase_file: StoredPassword | None = Field(
        None, description="a file whose first line is the passphrase of key_file"
    )
    agent: bool = Field(False, description="true or false")
    password_file: StoredPassword | None = Field(
        None, description="a file whose first line is the password"
    )
    password: JobPassword | None = Field(
        None,
        description='text, or {"keyring": "service"}; or use password_file',
        validate_default=True,
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
    after_transfer: Annotated[InstanceOf[AfterTransfer], BeforeValidator(read_after_transfer)] = (
        Field(AfterTransfer("keep"), description='"keep", "delete" or {"move": "folder"}')
    )
    guard: Annotated[GuardShape | None, BeforeValidator(_guard)] = Field(
        GuardShape(), description="false, or an object with share, at_least and window"
    )
    trash_days: Days = Field(14.0, description="days, 0 or more")
    trash_max: Size | None = Field(None, description=units.SIZE_FORM)
    trash: Literal["keep", "none"] = Field("keep", description='"keep" or "none"')
    xattrs: bool = Field(False, description="true or false")
    events: Annotated[tuple[EventSettings, ...], SkipValidation, BeforeValidator(read_events)] = (
        Field(
            _NO_EVENTS,
            description="an object of " + ", ".join(VARIABLES),
        )
    )

    @field_validator("hostname")
    @classmethod
    def _can_be_used(cls, remote: RemoteAddress, info: ValidationInfo) -> RemoteAddress:
        # If allow_plain itself is wrong, that is said alone.
        check_sealed(remote, allow_plain=info.data.get("allow_plain", True))
        return remote

    @field_validator(
        "workspace",
        "tls_fingerprint",
        "ca_file",
        "host_key",
        "known_hosts",
        "region",
        "options",
        "key_file",
        "key_passphrase_file",
        "agent",
        "trash",
        "xattrs",
    )
    @classmethod
    def _means_something_there(cls, value: T, info: ValidationInfo) -> T:
        assert info.field_name is not None
        remote = info.data.get("hostname")
        if remote is not None and value not in (None, False, "keep", NO_OPTIONS):
            check_meaning(info.field_name, remote)
        return value

    @field_validator("ca_file", "known_hosts")
    @classmethod
    def _one_trust(cls, value: str | None, info: ValidationInfo) -> str | None:
        other = "tls_fingerprint" if info.field_name == "ca_file" else "host_key"
        if value is not None and info.data.get(other):
            raise wrong(f"cannot be used together with {other}; keep one of them")
        return value

    @field_validator("region")
    @classmethod
    def _region_of_aws(cls, value: str | None, info: ValidationInfo) -> str | None:
        if (remote := info.data.get("hostname")) is not None:
            check_region(value, remote)
        return value

    @field_validator("username")
    @classmethod
    def _user(cls, value: str, info: ValidationInfo) -> str:
        remote = info.data.get("hostname")
        return user_name(value, None if remote is None else remote.kind)

    @field_validator("key_passphrase_file")
    @classmethod
    def _of_a_key(cls, value: PasswordFile | None, info: ValidationInfo) -> PasswordFile | None:
        if value is not None and info.data.get("key_file", "") is None:
            raise wrong("has no meaning without key_file")
        return value

    @field_validator("password")
    @classmethod
    def _one_password(cls, value: Secret | None, info: ValidationInfo) -> Secret | None:
        if "password_file" not in info.data:
            return value
        stored = info.data["password_file"]
        if stored is not None and value is not None:
            raise wrong("cannot be used together with password_file; keep one of them")
        # A key that cannot be used is said alone.
        keyed = info.data.get("agent", True) or info.data.get("key_file", "") is not None
        remote = info.data.get("hostname")
        is_cloud = remote is not None and remote.kind is RemoteKind.CLOUD  # options may have it
        if stored is None and value is None and not keyed and not is_cloud:
            raise ValueError("is missing")
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
