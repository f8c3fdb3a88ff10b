"""A job file as `JobSettings`."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from cargo_sync.config import places, pydio
from cargo_sync.config.environment import expand
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.events import EventSettings, holds_key, read_events, unusual_secrets
from cargo_sync.config.job_document import read_job
from cargo_sync.config.job_shape import (
    DEFAULT_EXCLUDE,
    GUARD,
    MODES,
    GuardSettings,
    JobShape,
    full_mode,
)
from cargo_sync.config.options import NO_OPTIONS, CloudOptions
from cargo_sync.config.relaxed import Document
from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.config.remote_kinds import usual_sleep
from cargo_sync.config.secret import Secret, exposure
from cargo_sync.config.shape import Surroundings, read_shape
from cargo_sync.config.timetable import TimetableRow, Window, window


@dataclass(frozen=True, slots=True)
class JobSettings:
    """The checked settings of one job.

    file        path of its file, as it was given
    local_dir   absolute and normalised; it need not exist
    remote_dir  `a/b` below the workspace; "" for all of it
    remote      the server; of a Cargo server without the workspace
    password    empty if there is none: a key or an agent is enough for some servers
    key_file, known_hosts   of SSH; its own file of known hosts unless host_key is given
    agent       keys of the user's SSH agent are offered
    host_key    `SHA256:…` of the only host key that is trusted
    region      of a bucket
    options     of a cloud
    trash       "none": what is replaced or deleted on the server is gone
    speed       bits per second on the wire; None for no limit
    timetable   speeds for parts of the day, in place of `speed`; no limit at other times
    priority    0 to 100; of the waiting jobs, the one with the highest goes first
    sleep, settle, full_scan_interval   seconds
    move_to     for after_transfer "move": relative to the source root (`a/b`), or absolute on its
                file system (only for uploads). A folder inside the root is already in `exclude`
    include, exclude   gitignore patterns; without include everything is included; exclude wins
    guard       when deletions and overwrites are held; None for never
    window      when it may move files; None for always
    timezone    of window and timetable; None for the machine's
    tls_fingerprint    SHA-256 of the certificate, 64 lower-case hex digits
    warnings    sentences for the person who starts the job
    """

    name: str
    mode: Literal["upload", "download", "bidirectional"]
    local_dir: str
    remote_dir: str
    workspace: str
    username: str
    password: Secret
    remote: RemoteAddress
    file: str = ""
    speed: int | None = None
    timetable: tuple[TimetableRow, ...] = ()
    priority: int = 50
    sleep: float = 3.0
    settle: float = 2.0
    full_scan_interval: float = 3600.0
    watch: bool = True
    enabled: bool = True
    delete: Literal["keep", "propagate"] = "keep"
    conflicts: Literal["keep_both", "local", "remote", "newest", "ask"] = "keep_both"
    after_transfer: Literal["keep", "delete", "move"] = "keep"
    move_to: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    window: Window | None = None
    timezone: str | None = None
    events: tuple[EventSettings, ...] = ()
    guard: GuardSettings | None = GUARD
    trash_days: float = 14.0
    trash_max: int | None = None
    xattrs: bool = False
    tls_fingerprint: str | None = None
    ca_file: str | None = None
    key_file: str | None = None
    key_passphrase: Secret | None = None
    agent: bool = False
    host_key: str | None = None
    known_hosts: str | None = None
    region: str | None = None
    options: CloudOptions = NO_OPTIONS
    trash: Literal["keep", "none"] = "keep"
    warnings: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The server's address; of a Cargo server `https://host:port/prefix`."""
        return str(self.remote)

    @property
    def remote_place(self) -> str:
        """The folder on the other side, for people."""
        if self.remote.kind is RemoteKind.CARGO:
            return f"{self.url} {self.workspace}:/{self.remote_dir}"
        return str(self.remote.below(self.remote_dir))


def load_job(path: str, env: Mapping[str, str]) -> JobSettings:
    """The job in the file at `path`.

    Raises:
        ConfigError: with all problems.
    """
    return job_from(_read(path), env)


def _read(path: str) -> Document:
    """The document of a job file. Raises ConfigError."""
    # Opening a pipe would wait for somebody who writes to it.
    if os.path.exists(path) and not os.path.isfile(path):
        raise ConfigError([FieldProblem(path, "", None, "is not a regular file")])
    return read_job(path)


def job_from(
    document: Document, env: Mapping[str, str], *, sent: bool = False, theirs: bool = False
) -> JobSettings:
    """The job in a document that was read already, in our fields or pydio-sync's.

    Args:
        document: of the job file.
        env: the environment.
        sent: it came as text, to become a file elsewhere: relative paths in it are errors.
        theirs: it counts as a file in pydio-sync's fields, even if too few of them show it.

    Raises:
        ConfigError: with all problems.
    """
    if not theirs and not pydio.is_pydio(document):
        return _job_from(document, env, sent)
    ours, warnings = pydio.translated(document)
    try:
        job = _job_from(ours, env, sent)
    except ConfigError as error:
        raise pydio.in_their_words(error) from error
    return replace(job, warnings=(*job.warnings, *warnings))


def _job_from(document: Document, env: Mapping[str, str], sent: bool) -> JobSettings:
    folder = None if sent else os.path.dirname(os.path.abspath(document.file))
    shape = read_shape(document, JobShape, Surroundings(folder, env))
    warnings: list[str | None] = []
    holds_keys = any(holds_key(document, event) for event in shape.events)
    if shape.password_file is not None:
        password = shape.password_file.secret
        warnings.append(shape.password_file.warning)
    else:
        password = shape.password or Secret("")
        # A password from the environment is not in the file.
        holds_keys |= document.value.get("password") == password.reveal()
    holds_keys |= shape.options.are_written(document.value.get("options"))
    if shape.key_file is not None:
        warnings.append(exposure(shape.key_file))
    passphrase = shape.key_passphrase_file
    if passphrase is not None:
        warnings.append(passphrase.warning)
    if holds_keys:
        warnings.append(exposure(document.file))
    warnings.append(unusual_secrets(shape.events))
    move_to = shape.after_transfer.move_to
    exclude = (*DEFAULT_EXCLUDE, *shape.filters.exclude)
    if move_to is not None and not move_to.startswith("/"):
        exclude = (*exclude, f"/{_literal_pattern(move_to)}/")
    return JobSettings(
        name=shape.sync_name,
        mode=shape.sync_mode,
        local_dir=shape.local_dir,
        remote_dir=shape.remote_dir,
        workspace=shape.workspace,
        username=shape.username,
        password=password,
        remote=shape.hostname,
        file=document.file,
        speed=shape.speed.flat,
        timetable=shape.speed.rows,
        priority=shape.priority,
        sleep=_sleep(shape),
        settle=shape.settle,
        full_scan_interval=shape.full_scan_interval,
        watch=shape.watch,
        enabled=shape.enabled,
        delete=_delete(shape),
        conflicts=shape.conflicts,
        after_transfer=shape.after_transfer.kind,
        move_to=move_to,
        include=tuple(shape.filters.include),
        exclude=exclude,
        window=window(shape.start_time, shape.end_time),
        timezone=shape.timezone,
        events=shape.events,
        guard=None if shape.guard is None else GuardSettings(**shape.guard.model_dump()),
        trash_days=shape.trash_days,
        trash_max=shape.trash_max,
        xattrs=shape.xattrs,
        tls_fingerprint=shape.tls_fingerprint,
        ca_file=shape.ca_file,
        key_file=shape.key_file,
        key_passphrase=None if passphrase is None else passphrase.secret,
        agent=shape.agent,
        host_key=shape.host_key,
        known_hosts=_known_hosts(shape, env),
        region=shape.region,
        options=shape.options,
        trash=shape.trash,
        warnings=tuple(warning for warning in warnings if warning),
    )


def _delete(shape: JobShape) -> Literal["keep", "propagate"]:
    """What becomes of deletions; both sides of a two-way job follow each other in that, too."""
    if shape.sync_mode == "bidirectional" and "delete" not in shape.model_fields_set:
        return "propagate"
    return shape.delete


def _sleep(shape: JobShape) -> float:
    if "sleep" in shape.model_fields_set:
        return shape.sleep
    return usual_sleep(shape.hostname.kind, shape.sleep)


def _known_hosts(shape: JobShape, env: Mapping[str, str]) -> str | None:
    if shape.hostname.kind is not RemoteKind.SFTP or shape.host_key is not None:
        return None
    return shape.known_hosts or os.path.join(places.home(env), ".ssh", "known_hosts")


@dataclass(frozen=True, slots=True)
class StillValid:
    """What can be used of a job file that cannot be used as a whole.

    mode    "" if the file does not say it
    events  none if one of them is not valid
    """

    mode: str = ""
    events: tuple[EventSettings, ...] = ()


def still_valid(path: str, env: Mapping[str, str]) -> StillValid:
    """Reads a job file that has errors, to tell somebody about them."""
    try:
        document, unset = expand(_read(path), env)
    except ConfigError:
        return StillValid()
    mode, events = full_mode(document.value.get("sync_mode")), document.value.get("events")
    found: tuple[EventSettings, ...] = ()
    if events is not None and not any(place[0] == "events" for place in unset):
        with suppress(ValueError):
            found = read_events(events)
    return StillValid(mode if mode in MODES.values() else "", found)


def missing_folder(job: JobSettings) -> FieldProblem | None:
    """Why the job's local folder cannot be used now, or None.

    An upload needs the folder. Other jobs make it, once, if the folder above exists.
    """
    if os.path.isdir(job.local_dir):
        return None
    above = os.path.dirname(job.local_dir)
    if os.path.lexists(job.local_dir):
        message = f"{job.local_dir} is not a folder"
    elif job.mode == "upload":
        message = f"there is no folder {job.local_dir}"
    elif not os.path.isdir(above):
        message = f"there is no folder {above} to make {os.path.basename(job.local_dir)} in"
    else:
        return None
    return FieldProblem(job.file, "local_dir", None, message, "make it, or correct the path")


def _literal_pattern(path: str) -> str:
    r"""A gitignore pattern for exactly `path`: `*`, `?`, `[`, `\` and a last space are escaped."""
    escaped = re.sub(r"([*?\[\]\\])", r"\\\1", path)
    return escaped[:-1] + "\\ " if escaped.endswith(" ") else escaped
