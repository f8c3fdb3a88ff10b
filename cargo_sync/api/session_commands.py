"""The commands of a session: a login at a server that a daemon holds for an interactive client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

from cargo_sync.api.arguments import Args, Mark, Range
from cargo_sync.api.commands import Command
from cargo_sync.api.common_commands import LONGEST_PAGE, PageLimit
from cargo_sync.api.roles import Role

RemotePath = Annotated[str, Mark.EMPTY]
"""A path in the workspace; "" is the workspace itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLookArgs(Args):
    """url: the address of a server; known_hosts: as for `session.open`."""

    url: str
    known_hosts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpenArgs(Args):
    """A login. A service of a cloud may know no names of users: then it is "".

    kind       "files" for a server with files, "backup" for a coordinator of Servidor Backup
    key_file   a private key on the daemon's machine, for SSH; key_passphrase opens it
    agent      the keys of the SSH agent that the daemon knows may be used
    host_key   `SHA256:…` of the only host key that is trusted; without it, known_hosts decides
    known_hosts  a file in the form of OpenSSH, in place of the user's
    region     of a bucket
    options    what a service of a cloud is told, by its names
    make       the folder in the address is made if it is not there; not at a Cargo server
    """

    url: str
    username: Annotated[str, Mark.EMPTY]
    password: Annotated[str | None, Mark.SECRET] = field(default=None, repr=False)
    tls_fingerprint: str | None = None
    ca_file: str = ""
    allow_plain: bool = False
    key_file: str | None = None
    key_passphrase: Annotated[str | None, Mark.SECRET] = field(default=None, repr=False)
    agent: bool = False
    host_key: str | None = None
    known_hosts: str | None = None
    region: str | None = None
    options: Annotated[Mapping[str, object] | None, Mark.SECRET] = field(default=None, repr=False)
    make: bool = False
    workspace: str = "default"
    kind: str = "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSession(Args):
    """A session, by its id."""

    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUseArgs(OneSession):
    """workspace: the new current workspace."""

    workspace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionListArgs(OneSession):
    """after: `next` of an earlier page; "" is the beginning."""

    path: RemotePath
    after: Annotated[str, Mark.EMPTY] = ""
    limit: PageLimit = LONGEST_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatArgs(OneSession):
    """path: of a file or folder."""

    path: RemotePath


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGetArgs(OneSession):
    """local: an absolute path on the daemon's machine."""

    remote: RemotePath
    local: str
    recursive: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPutArgs(OneSession):
    """local: an absolute path on the daemon's machine."""

    local: str
    remote: RemotePath = ""
    recursive: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCopyArgs(OneSession):
    """A copy to the server of `session` from that of the session `source`.

    path    at the source, and
    remote  at the target; a file keeps its name
    """

    source: str
    path: RemotePath = ""
    remote: RemotePath = ""
    recursive: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMkdirArgs(OneSession):
    """path: of the new folder."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDeleteArgs(OneSession):
    """recursive: delete a folder with its content."""

    path: str
    recursive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTrashArgs(OneSession):
    """Versions below the folder `under`, the newest first: those with ids below `before`.

    pattern  a path in that folder, or with * ? [ a pattern
    """

    under: RemotePath = ""
    pattern: RemotePath = ""
    before: Annotated[int | None, Range(1)] = None
    limit: PageLimit = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRestoreArgs(OneSession):
    """ids: of versions in the trash, as `session.trash` gives them.

    inside  only what has this path in the folders that the versions are
    """

    ids: Sequence[str]
    inside: Annotated[str, Mark.EMPTY] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMoveArgs(OneSession):
    """to: the new path."""

    path: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpeedArgs(OneSession):
    """speed: such as "10mbps"; None for no limit."""

    speed: Annotated[str | None, Mark.NULL]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCancelArgs(OneSession):
    """transfer: its id."""

    transfer: str


LOOK: Final = Command(
    "session.look",
    "what answers at an address, and its certificate; no password is sent",
    SessionLookArgs,
    role=Role.CONTROL,
)
OPEN: Final = Command("session.open", "log in at a server", SessionOpenArgs, changes=True)
USE: Final = Command("session.use", "change to another workspace", SessionUseArgs, changes=True)
SHOW: Final = Command(
    "session.show", "one session with its transfers", OneSession, role=Role.CONTROL
)
LIST: Final = Command(
    "session.list", "the content of a folder of the server", SessionListArgs, role=Role.CONTROL
)
STAT: Final = Command(
    "session.stat", "one file or folder of the server", SessionStatArgs, role=Role.CONTROL
)
GET: Final = Command("session.get", "download a file or a folder", SessionGetArgs, changes=True)
PUT: Final = Command("session.put", "upload a file or a folder", SessionPutArgs, changes=True)
COPY: Final = Command(
    "session.copy",
    "copy a file or a folder from the server of another session",
    SessionCopyArgs,
    changes=True,
)
MKDIR: Final = Command(
    "session.mkdir", "make a folder on the server", SessionMkdirArgs, changes=True
)
DELETE: Final = Command(
    "session.delete", "move to the server's trash", SessionDeleteArgs, changes=True
)
TRASH: Final = Command(
    "session.trash",
    "what was replaced and deleted on the server",
    SessionTrashArgs,
    role=Role.CONTROL,
)
RESTORE: Final = Command(
    "session.restore",
    "bring versions back from the server's trash",
    SessionRestoreArgs,
    changes=True,
)
MOVE: Final = Command("session.move", "rename or move on the server", SessionMoveArgs, changes=True)
SPEED: Final = Command(
    "session.speed",
    "change the speed of all its transfers together",
    SessionSpeedArgs,
    changes=True,
)
CANCEL: Final = Command(
    "session.cancel", "stop a transfer at its checkpoint", SessionCancelArgs, changes=True
)
CLOSE: Final = Command("session.close", "log out; its transfers stop", OneSession, changes=True)

SESSION_COMMANDS: Final = (
    LOOK,
    OPEN,
    USE,
    SHOW,
    LIST,
    STAT,
    GET,
    PUT,
    COPY,
    MKDIR,
    DELETE,
    TRASH,
    RESTORE,
    MOVE,
    SPEED,
    CANCEL,
    CLOSE,
)
