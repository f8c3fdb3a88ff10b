"""The form of a server's file: the Cargo server's settings, and ours."""

import os
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import argon2
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    InstanceOf,
    SkipValidation,
    ValidationInfo,
    field_validator,
)

from cargo_sync.config import places, units
from cargo_sync.config.backup import BackupShape, exposed
from cargo_sync.config.bucket import bucket_errors
from cargo_sync.config.callbacks import CallbacksShape
from cargo_sync.config.cluster import ClusterShape, cluster_errors
from cargo_sync.config.control import ControlShape
from cargo_sync.config.database import FORM as DATABASE_FORM
from cargo_sync.config.database import DatabaseAddress
from cargo_sync.config.events import SERVER_VARIABLES, EventSettings, read_server_events
from cargo_sync.config.expiry import EXPIRY_FORM
from cargo_sync.config.fields import (
    Days,
    ExistingFile,
    Expiry,
    Interval,
    Ip,
    LocalPath,
    Password,
    RootFolder,
    Seconds,
    Segment,
    Size,
    Speed,
    StoredPassword,
)
from cargo_sync.config.grants import FORM, Grant, grant
from cargo_sync.config.process_shape import ProcessShape
from cargo_sync.config.shape import (
    SeveralError,
    Shape,
    describe,
    name_hint,
    surroundings,
    wrong,
)
from cargo_sync.config.stored import NodesShape, StoreShape

_QUOTA_FORM = 'an object with "bytes" (such as "500GB"), "files" (such as 1000000), or both'
USER_WORKSPACE = "default"
"""The name of the workspace at a user's `path`."""


def _listen(value: Any) -> tuple[str, int]:
    if isinstance(value, tuple):  # the default; a file has no tuples
        return value
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {describe(value)}")
    return places.listen_address(value)


def _password_hash(text: Any) -> str:
    try:
        argon2.extract_parameters(text)
    except (argon2.exceptions.InvalidHashError, TypeError, ValueError):
        raise ValueError("is not an argon2 hash") from None
    return str(text)


Listen = Annotated[tuple[str, int], BeforeValidator(_listen)]
Network = Annotated[str, AfterValidator(places.network)]
Networks = Annotated[list[Network], Field(min_length=1, max_length=100)]
Prefix = Annotated[str, AfterValidator(places.url_prefix)]
PortNumber = Annotated[int, Field(ge=0, le=65535)]


class TlsShape(Shape):
    """The form of the `tls` object."""

    cert: ExistingFile = Field(description="a file with the certificate and its chain, in PEM")
    key: ExistingFile = Field(description="a file with the private key, in PEM")


class QuotaShape(Shape):
    """The form of a quota."""

    bytes: Size | None = Field(None, description=units.SIZE_FORM)
    files: Annotated[int, Field(ge=0)] | None = Field(
        None, description="a whole number, 0 or more", validate_default=True
    )

    @field_validator("files")
    @classmethod
    def _limits_something(cls, files: int | None, info: ValidationInfo) -> int | None:
        if files is None and info.data.get("bytes", 0) is None:
            raise wrong("a quota without bytes and files limits nothing; leave it out")
        return files


class UserShape(Shape):
    """The form of a user."""

    username: Segment = Field(description='1 to 100 characters without "/" and ":"')
    password: Password | None = Field(
        None, description="text; or use password_hash or password_file"
    )
    password_file: StoredPassword | None = Field(
        None, description="a file whose first line is the password"
    )
    password_hash: Annotated[str, AfterValidator(_password_hash)] | None = Field(
        None,
        description="an argon2 hash",
        validate_default=True,
    )
    path: RootFolder = Field(description="a folder on this machine")
    upload_speed: Speed | None = Field(None, description=units.SPEED_FORM)
    download_speed: Speed | None = Field(None, description=units.SPEED_FORM)
    upload_bandwidth: Speed | None = Field(None, description=units.SPEED_FORM)
    download_bandwidth: Speed | None = Field(None, description=units.SPEED_FORM)
    enabled: bool = Field(True, description="true or false")
    quota: QuotaShape | None = Field(None, description=_QUOTA_FORM)
    expires: Expiry | None = Field(None, description=EXPIRY_FORM)
    networks: Networks | None = Field(None, description="IP addresses or networks, at least one")

    @field_validator("password_hash")
    @classmethod
    def _one_password(cls, value: str | None, info: ValidationInfo) -> str | None:
        given = [name for name in ("password", "password_file") if info.data.get(name) is not None]
        if len(given) + (value is not None) > 1:
            given += ["password_hash"] if value is not None else []
            raise wrong(f"{' and '.join(given)} cannot be used together; keep one of them")
        return value


class WorkspaceShape(Shape):
    """The form of a workspace."""

    name: Segment = Field(description='1 to 100 characters without "/" and ":"')
    store: StoreShape | None = Field(None, description='an object such as {"nodes": {"copies": 2}}')
    path: RootFolder | None = Field(
        None, description="a folder on this machine", validate_default=True
    )
    grants: dict[str, Annotated[InstanceOf[Grant], BeforeValidator(grant)]] = Field(
        default_factory=dict, description=f"user names, each with {FORM}"
    )
    quota: QuotaShape | None = Field(None, description=_QUOTA_FORM)

    @field_validator("path")
    @classmethod
    def _one_place(cls, path: str | None, info: ValidationInfo) -> str | None:
        if "store" in info.data:  # otherwise what is wrong with it was said
            is_elsewhere = info.data["store"] is not None
            if path is None and not is_elsewhere:
                raise ValueError("is missing")
            if path is not None and is_elsewhere:
                raise wrong('cannot be used together with "store"; keep one of them')
        return path


class FileHistoryShape(Shape):
    """The form of the `keep` object."""

    history_days: Days = Field(90.0, description="days, 0 or more")
    history_files: Annotated[int, Field(ge=0)] = Field(
        20_000_000, description="a whole number, 0 or more"
    )


class ServerShape(ProcessShape):
    """The form of a server's file."""

    allow_plain: bool = Field(False, description="true or false")
    plain: bool = Field(False, description="true or false")
    listen: Listen = Field(
        ("0.0.0.0", places.DEFAULT_PORT),  # noqa: S104  (a server is there to be reached)
        description='an address and port such as "0.0.0.0:8443"',
        validate_default=True,
    )
    state_dir: LocalPath | None = Field(None, description="a folder on this machine")
    database: DatabaseAddress | None = Field(None, description=DATABASE_FORM)
    tls: TlsShape | None = Field(
        None, description="an object with cert and key; without it the server makes a certificate"
    )
    prefix: Prefix = Field("", description='a path such as "/files"')
    trusted_proxies: list[Network] = Field(
        default_factory=list, description="IP addresses or networks"
    )
    initial_port: PortNumber = Field(8444, description="a port, 0 to 65535")
    total_connections: Annotated[int, Field(ge=1)] = Field(
        100, description="a whole number, 1 or more"
    )
    private_ip: Ip | None = Field(None, description="an IP address of this machine")
    public_ip: Ip | None = Field(None, description="the IP address that clients reach")
    global_upload_bandwidth: Speed | None = Field(None, description=units.SPEED_FORM)
    global_download_bandwidth: Speed | None = Field(None, description=units.SPEED_FORM)
    control: ControlShape = Field(default_factory=ControlShape, description="an object")
    settle: Seconds = Field(0.5, description="seconds, 0 or more")
    trash_days: Days = Field(14.0, description="days, 0 or more")
    trash_max: Size | None = Field(None, description=units.SIZE_FORM)
    scan_interval: Interval = Field(60.0, description="seconds, more than 0")
    full_scan_interval: Interval = Field(3600.0, description="seconds, more than 0")
    users_dir: RootFolder | None = Field(None, description="a folder on this machine")
    users: list[UserShape] = Field(default_factory=list, description="a list of users")
    workspaces: list[WorkspaceShape] = Field(
        default_factory=list, description="a list of workspaces"
    )
    nodes: NodesShape = Field(
        default_factory=lambda: NodesShape.model_validate({}), description="an object"
    )
    events: Annotated[
        tuple[EventSettings, ...], SkipValidation, BeforeValidator(read_server_events)
    ] = Field((), description="an object of " + ", ".join(SERVER_VARIABLES))
    callbacks: CallbacksShape = Field(default_factory=CallbacksShape, description="an object")
    keep: FileHistoryShape = Field(
        default_factory=lambda: FileHistoryShape.model_validate({}), description="an object"
    )
    backup: BackupShape | None = Field(
        None, description="an object that opens the ports of the Servidor Backup protocol"
    )
    cluster: ClusterShape | None = Field(
        None, description="an object: this is one of several servers on one database"
    )

    @field_validator("listen")
    @classmethod
    def _plain_only_on_loopback(
        cls, listen: tuple[str, int], info: ValidationInfo
    ) -> tuple[str, int]:
        plain, allowed = info.data.get("plain"), info.data.get("allow_plain", True)
        if plain and not allowed and not places.is_loopback(listen[0]):
            raise wrong(
                f"plain HTTP on {listen[0]} shows passwords and files to the network; "
                'listen on 127.0.0.1, or write "allow_plain": true if the network is your own'
            )
        return listen

    @field_validator("tls")
    @classmethod
    def _tls_or_plain(cls, tls: TlsShape | None, info: ValidationInfo) -> TlsShape | None:
        if tls is not None and info.data.get("plain"):
            raise wrong('cannot be used together with "plain": true; keep one of them')
        return tls

    @field_validator("users")
    @classmethod
    def _users_apart(cls, users: list[UserShape], info: ValidationInfo) -> list[UserShape]:
        _refuse(_user_errors(users, _state(info)))
        return users

    @field_validator("workspaces")
    @classmethod
    def _workspaces_apart(
        cls, spaces: list[WorkspaceShape], info: ValidationInfo
    ) -> list[WorkspaceShape]:
        _refuse(_workspace_errors(spaces, info.data.get("users"), _state(info)))
        if info.data.get("database") is not None:
            _refuse(_stored_errors(spaces))
        stores = enumerate(one.store for one in spaces)
        _refuse(bucket_errors((number, one.s3) for number, one in stores if one and one.s3))
        return spaces

    @field_validator("backup")
    @classmethod
    def _backup_in_the_open(
        cls, backup: BackupShape | None, info: ValidationInfo
    ) -> BackupShape | None:
        if backup is not None:
            _refuse(_backup_errors(backup, info.data, _state(info)))
        return backup

    @field_validator("cluster")
    @classmethod
    def _can_be_one_of_several(
        cls, cluster: ClusterShape | None, info: ValidationInfo
    ) -> ClusterShape | None:
        if cluster is not None:
            _refuse(cluster_errors(info.data))
        return cluster


def _backup_errors(
    backup: BackupShape, data: Mapping[str, Any], state: str
) -> Iterator[ValueError]:
    if backup.nicknames is not None:
        real = os.path.realpath(backup.nicknames)
        folders = [(one.path, f'user "{one.username}"') for one in data.get("users") or ()]
        folders += [
            (one.path, f'workspace "{one.name}"')
            for one in data.get("workspaces") or ()
            if one.path is not None
        ]
        for path, owner in [*folders, (state, "the server's state")]:
            if _nested(real, os.path.realpath(path)):
                yield wrong(f"{backup.nicknames} and {path} of {owner} overlap", "nicknames")
    for field in () if data.get("allow_plain", True) else exposed(backup, data.get("plain", False)):
        yield wrong(
            "is not encrypted and shows names and files to the network; listen on 127.0.0.1, "
            'or write "allow_plain": true beside "backup" if the network is your own',
            field,
        )


def _stored_errors(spaces: list[WorkspaceShape]) -> Iterator[ValueError]:
    for index, space in enumerate(spaces):
        if space.store is not None and space.store.nodes is not None:
            yield wrong(
                'storage nodes cannot be used together with "database"; keep one of them',
                index,
                "store",
            )


def _state(info: ValidationInfo) -> str:
    return info.data.get("state_dir") or places.state_folder(surroundings(info).env, "server")


def _refuse(errors: Iterator[ValueError]) -> None:
    if found := list(errors):
        raise SeveralError(found)


def _user_errors(users: list[UserShape], state: str) -> Iterator[ValueError]:
    # Each path is resolved once, not once per pair.
    real = [os.path.realpath(user.path) for user in users]
    for index, user in enumerate(users):
        yield from _state_errors(user.path, state, index)
        for other, theirs in zip(users[:index], real, strict=False):
            if user.username == other.username:
                yield wrong(f'there is another user "{user.username}"', index, "username")
            if real[index] != theirs and _nested(real[index], theirs):
                yield wrong(
                    f'{user.path} and {other.path} of user "{other.username}" overlap; '
                    "use the same folder to share it, or two separate ones",
                    index,
                    "path",
                )


def _workspace_errors(
    spaces: list[WorkspaceShape], users: list[UserShape] | None, state: str
) -> Iterator[ValueError]:
    known = None if users is None else [user.username for user in users]
    folders = [
        (os.path.realpath(user.path), user.path, f'user "{user.username}"') for user in users or ()
    ]
    for index, space in enumerate(spaces):
        if space.name == USER_WORKSPACE:
            yield wrong(
                f'"{USER_WORKSPACE}" is the name of every user\'s own path; choose another one',
                index,
                "name",
            )
        elif any(space.name == other.name for other in spaces[:index]):
            yield wrong(f'there is another workspace "{space.name}"', index, "name")
        for user in space.grants:
            if known is not None and user not in known:
                yield wrong(
                    f'there is no user "{user}"; {name_hint(user, known)}', index, "grants", user
                )
        if space.path is None:
            continue
        yield from _state_errors(space.path, state, index)
        real = os.path.realpath(space.path)
        for theirs, path, owner in folders:
            if _nested(real, theirs):
                yield wrong(f"{space.path} and {path} of {owner} overlap", index, "path")
        folders.append((real, space.path, f'workspace "{space.name}"'))


def _state_errors(path: str, state: str, index: int) -> Iterator[ValueError]:
    if _nested(os.path.realpath(path), os.path.realpath(state)):
        yield wrong(f"{path} and the server's state_dir {state} overlap", index, "path")


def _nested(one: str, other: str) -> bool:
    """Whether two real paths are the same, or one is inside the other."""
    return places.inside(one, other) or places.inside(other, one)
