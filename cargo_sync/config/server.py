"""The server's file as `ServerSettings`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cargo_sync.config import places
from cargo_sync.config.backup import BackupSettings, BackupShape, FileServerSettings
from cargo_sync.config.bucket import BucketSettings, bucket_settings
from cargo_sync.config.callbacks import ANYWHERE, CallbackLimits
from cargo_sync.config.cluster import ClusterSettings, ClusterShape
from cargo_sync.config.control import ControlSettings, control_from
from cargo_sync.config.database import has_password
from cargo_sync.config.errors import FieldProblem
from cargo_sync.config.events import EventSettings, holds_key, unusual_secrets
from cargo_sync.config.fields import served_folder
from cargo_sync.config.grants import Grant
from cargo_sync.config.process_shape import ProcessSettings, process_settings
from cargo_sync.config.relaxed import Document, read
from cargo_sync.config.secret import Secret, exposure
from cargo_sync.config.server_shape import QuotaShape, ServerShape, UserShape, WorkspaceShape
from cargo_sync.config.shape import Surroundings, read_shape
from cargo_sync.config.stored import NodesSettings, bucket_root, is_stored, stored_root


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of a certificate (with its chain) and its key, both in PEM."""

    cert: str
    key: str


@dataclass(frozen=True, slots=True)
class UserSettings:
    """A user, from the file or made by command. Speeds in bits per second; None for no limit.

    path      absolute folder: the user's workspace `default`
    password, password_hash   at most one is given; with neither, the stored one stays
    upload_speed, download_speed           the most for one transfer
    upload_bandwidth, download_bandwidth   the most for all of the user's transfers
    quota_bytes, quota_files   the most that may be in `path`; None for no limit
    expires   unix seconds from which on they may not log in; None for never
    networks  from which they may come; none for all
    given     the fields in the file; none for a user who is not in it
    """

    username: str
    path: str
    password: Secret | None = None
    password_hash: str | None = field(default=None, repr=False)
    upload_speed: int | None = None
    download_speed: int | None = None
    upload_bandwidth: int | None = None
    download_bandwidth: int | None = None
    enabled: bool = True
    quota_bytes: int | None = None
    quota_files: int | None = None
    expires: float | None = None
    networks: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """A named workspace, and what each user may do there.

    path    an absolute folder; `stored_root` of its name if its contents lie on storage nodes,
            `bucket_root` if they lie in a bucket
    copies  how many nodes keep each of its contents; None: they do not
    bucket  where its contents lie; None: in no bucket
    quota_bytes, quota_files  the most that may be in it, whoever brings it; None for no limit
    """

    name: str
    path: str
    grants: Mapping[str, Grant]
    quota_bytes: int | None = None
    quota_files: int | None = None
    copies: int | None = None
    bucket: BucketSettings | None = None


@dataclass(frozen=True, slots=True)
class FileHistory:
    """How much of the history is kept: what is up to `days` old, and at most so many files."""

    days: float = 90.0
    files: int = 20_000_000


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The checked settings of a server.

    Bandwidths are in bits per second, None for no limit; times are in seconds.

    database    the URL of a PostgreSQL that has the state; None for a file in `state_dir`
    tls         None for a self-signed certificate, unless `plain`
    prefix      "" or a path such as `/files`
    trusted_proxies   networks (`10.0.0.0/8`, `127.0.0.1/32`) whose X-Forwarded-For is trusted
    initial_port      the data port
    total_connections the most data connections
    private_ip  the address that the data port binds to; None for `host`
    public_ip   the address that clients get for it; None for the host that the client used
    users_dir   where users who are added or invited without a folder get one; None for nowhere
    control     where commands are taken
    events      the callbacks that are asked for
    callbacks   where they may go
    keep        how much of the history is kept
    nodes       how storage nodes are used
    backup      the ports of the Servidor Backup protocol; None for none
    cluster     what this server is among others; None if it is alone
    warnings    sentences for the person who starts the server
    process     log, metrics, and other settings of any process
    """

    host: str
    port: int
    state_dir: str
    database: str | None = field(default=None, repr=False)
    tls: TlsFiles | None = None
    plain: bool = False
    allow_plain: bool = False
    prefix: str = ""
    trusted_proxies: tuple[str, ...] = ()
    initial_port: int = 8444
    total_connections: int = 100
    private_ip: str | None = None
    public_ip: str | None = None
    global_upload_bandwidth: int | None = None
    global_download_bandwidth: int | None = None
    control: ControlSettings = field(default_factory=ControlSettings)
    users_dir: str | None = None
    users: tuple[UserSettings, ...] = ()
    workspaces: tuple[WorkspaceSettings, ...] = ()
    settle: float = 0.5
    trash_days: float = 14.0
    trash_max: int | None = None
    scan_interval: float = 60.0
    full_scan_interval: float = 3600.0
    events: tuple[EventSettings, ...] = field(default=(), repr=False)
    callbacks: CallbackLimits = ANYWHERE
    keep: FileHistory = field(default_factory=FileHistory)
    nodes: NodesSettings = field(default_factory=NodesSettings)
    backup: BackupSettings | None = None
    cluster: ClusterSettings | None = None
    file: str = ""
    warnings: tuple[str, ...] = ()
    process: ProcessSettings = field(default_factory=ProcessSettings)


def load_server(path: str, env: Mapping[str, str]) -> ServerSettings:
    """The server in the file at `path`.

    Raises:
        ConfigError: with all problems.
    """
    return server_from(read(path), env)


def server_from(document: Document, env: Mapping[str, str]) -> ServerSettings:
    """The server in a document that was read already.

    Raises:
        ConfigError: with all problems.
    """
    folder = os.path.dirname(os.path.abspath(document.file))
    shape = read_shape(document, ServerShape, Surroundings(folder, env))
    host, port = shape.listen
    return ServerSettings(
        host=host,
        port=port,
        database=shape.database,
        state_dir=shape.state_dir or places.state_folder(env, "server"),
        tls=None if shape.tls is None else TlsFiles(shape.tls.cert, shape.tls.key),
        plain=shape.plain,
        allow_plain=shape.allow_plain,
        prefix=shape.prefix,
        trusted_proxies=tuple(shape.trusted_proxies),
        initial_port=shape.initial_port,
        total_connections=shape.total_connections,
        private_ip=shape.private_ip,
        public_ip=shape.public_ip,
        global_upload_bandwidth=shape.global_upload_bandwidth,
        global_download_bandwidth=shape.global_download_bandwidth,
        control=control_from(shape.control),
        users_dir=shape.users_dir,
        users=tuple(map(_user, shape.users)),
        workspaces=tuple(map(_workspace, shape.workspaces)),
        nodes=NodesSettings(
            shape.nodes.grace,
            shape.nodes.repair_speed,
            shape.nodes.snapshot,
            shape.nodes.keep_unknown,
        ),
        settle=shape.settle,
        trash_days=shape.trash_days,
        trash_max=shape.trash_max,
        scan_interval=shape.scan_interval,
        full_scan_interval=shape.full_scan_interval,
        events=shape.events,
        callbacks=shape.callbacks.limits,
        keep=FileHistory(shape.keep.history_days, shape.keep.history_files),
        backup=_backup(shape.backup),
        cluster=_cluster(shape.cluster),
        file=document.file,
        warnings=tuple(_warnings(document, shape)),
        process=process_settings(shape),
    )


def _user(shape: UserShape) -> UserSettings:
    return UserSettings(
        username=shape.username,
        path=shape.path,
        password=shape.password_file.secret if shape.password_file is not None else shape.password,
        password_hash=shape.password_hash,
        upload_speed=shape.upload_speed,
        download_speed=shape.download_speed,
        upload_bandwidth=shape.upload_bandwidth,
        download_bandwidth=shape.download_bandwidth,
        enabled=shape.enabled,
        quota_bytes=_quota(shape.quota)[0],
        quota_files=_quota(shape.quota)[1],
        expires=shape.expires,
        networks=tuple(shape.networks or ()),
        given=frozenset(shape.model_fields_set),
    )


def _workspace(shape: WorkspaceShape) -> WorkspaceSettings:
    store, path, bucket, copies = shape.store, shape.path or "", None, None
    if store is not None and store.nodes is not None:
        path, copies = stored_root(shape.name), store.nodes.copies
    elif store is not None and store.s3 is not None:
        path, bucket = bucket_root(shape.name), bucket_settings(store.s3)
    return WorkspaceSettings(shape.name, path, shape.grants, *_quota(shape.quota), copies, bucket)


def _quota(shape: QuotaShape | None) -> tuple[int | None, int | None]:
    return (None, None) if shape is None else (shape.bytes, shape.files)


def _backup(shape: BackupShape | None) -> BackupSettings | None:
    if shape is None:
        return None
    servers = None
    if shape.file_servers is not None:
        servers = FileServerSettings(shape.file_servers.listen, tuple(shape.file_servers.allow))
    return BackupSettings(shape.listen, shape.framed, shape.nicknames, servers)


def _cluster(shape: ClusterShape | None) -> ClusterSettings | None:
    return None if shape is None else ClusterSettings(shape.name, shape.address)


def _warnings(document: Document, shape: ServerShape) -> list[str]:
    plain = [
        user.username
        for user, written in zip(shape.users, document.value.get("users", ()), strict=True)
        if user.password is not None and written["password"] == user.password.reveal()
    ]
    found = [
        f"{document.file} contains the password of {name} in plain text; the server stores its "
        "hash: remove it"
        for name in plain
    ]
    found += [
        user.password_file.warning
        for user in shape.users
        if user.password_file and user.password_file.warning
    ]
    buckets = [one.store.s3 for one in shape.workspaces if one.store and one.store.s3]
    found += [
        one.password_file.warning
        for one in buckets
        if one.password_file and one.password_file.warning
    ]
    written = document.value.get("database") or ""  # its variables are not filled in
    in_address = (shape.database or "").startswith(written) and has_password(written)
    if (plain or in_address or _has_key(document, shape)) and (warning := exposure(document.file)):
        found.append(warning)
    if any(holds_key(document, event) for event in shape.events) and (
        warning := exposure(document.file)
    ):
        found.append(warning)
    if warning := unusual_secrets(shape.events):
        found.append(warning)
    found += shape.callbacks.limits.warnings(shape.events, "server")
    lanes_on = shape.private_ip or shape.listen[0]
    if shape.trusted_proxies and not shape.public_ip and places.is_loopback(lanes_on):
        found.append(
            f"{document.file}: the data port is open on {lanes_on} only, and data connections go "
            "past the proxy: for clients on other machines set private_ip (for example "
            '"private_ip": "0.0.0.0")'
        )
    return found


def _has_key(document: Document, shape: ServerShape) -> bool:
    """Whether the secret of a bucket's key is in the file itself."""
    pairs = zip(shape.workspaces, document.value.get("workspaces", ()), strict=True)
    return any(
        one.store.s3.password is not None
        and written["store"]["s3"]["password"] == one.store.s3.password.reveal()
        for one, written in pairs
        if one.store is not None and one.store.s3 is not None
    )


def missing_folders(document: Document, settings: ServerSettings) -> list[FieldProblem]:
    """The folders of users and workspaces that cannot be served now.

    Only a check refuses them. A server serves the others, and tries these again: a disk may not be
    mounted yet.
    """
    folders = [("users", number, one.path) for number, one in enumerate(settings.users)]
    folders += [
        ("workspaces", number, one.path)
        for number, one in enumerate(settings.workspaces)
        if not is_stored(one.path)
    ]
    problems = []
    for name, number, path in folders:
        try:
            served_folder(path)
        except ValueError as error:
            problems.append(document.problem((name, number, "path"), str(error)))
    return problems
