"""All commands of a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from cargo_sync.api import invitation
from cargo_sync.api.arguments import UNSET, Args, Mark, Range, Unset
from cargo_sync.api.cluster_commands import CLUSTER_COMMANDS
from cargo_sync.api.commands import Command, by_name
from cargo_sync.api.common_commands import COMMON, BandwidthArgs
from cargo_sync.api.history_commands import HISTORY_COMMANDS
from cargo_sync.api.node_commands import NODE_COMMANDS
from cargo_sync.api.trash_commands import WORKSPACE_TRASH_COMMANDS

NewPassword = Annotated[str, Mark.SECRET]
Bandwidth = Annotated[str | Unset | None, Mark.NULL]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneUser(Args):
    """A user, by name."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSpeeds(OneUser):
    """The speeds and bandwidths of a user: "10mbps", or "none" for no limit."""

    upload_speed: str | None = None
    download_speed: str | None = None
    upload_bandwidth: str | None = None
    download_bandwidth: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTerms(UserSpeeds):
    """How much a user may keep, until when they may come, and from where; "none" for no limit.

    quota     the most bytes in their folder: "500GB"
    files     the most files and links in it: "1000000"
    expires   a day, until its end, or a time: "2027-01-31", "2027-01-31T18:00+01:00"
    networks  IP addresses and networks: ["10.0.0.0/8"]; ["none"] for all
    """

    quota: str | None = None
    files: str | None = None
    expires: str | None = None
    networks: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAddArgs(UserTerms):
    """path: the user's folder, on the server's machine; None for one in `users_dir`."""

    path: str | None = None
    password: NewPassword = field(repr=False)
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSetArgs(UserTerms):
    """path: the new folder."""

    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPasswordArgs(OneUser):
    """password: the new one."""

    password: NewPassword = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRatesArgs(Args):
    """span: the last ten minutes, or the last day."""

    span: Literal["10m", "day"] = "10m"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInviteArgs(OneUser):
    """An invitation. Who does not exist yet is added.

    token    16 random bytes in base64url; only the caller and the invited user know it
    path     the folder of a new user; None for one in `users_dir`
    address  HOST, HOST:PORT or URL by which clients reach the server; None if it knows
    seconds  for which it may be used
    """

    token: Annotated[str, Mark.SECRET] = field(repr=False)
    path: str | None = None
    address: str | None = None
    seconds: Annotated[int, Range(invitation.SHORTEST, invitation.LONGEST)] = invitation.DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class OneInvitation(Args):
    """An invitation, by its id, which lets nobody in."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeviceArgs(OneUser):
    """device: the name of a user's device; None for all."""

    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWorkspace(Args):
    """A named workspace."""

    workspace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceAddArgs(OneWorkspace):
    """path: a folder on the server's machine. grants: user -> "rw", "ro", "wo" or an object."""

    path: str
    grants: Annotated[Mapping[str, object], Mark.TOLD] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSetArgs(OneWorkspace):
    """The quota: quota, the most bytes ("500GB"); files, the most files; "none" for no limit."""

    quota: str | None = None
    files: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceUser(OneWorkspace):
    """A user of a workspace."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceGrantArgs(WorkspaceUser):
    """access: "rw", "ro" or "wo". path: the folder of the workspace; all of it if not sent."""

    access: str
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceOrphansArgs(OneWorkspace):
    """after: where the last answer has stopped; "" begins."""

    after: Annotated[str, Mark.EMPTY] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerBandwidth(BandwidthArgs):
    """The bandwidth of all users together, per direction."""

    upload: Bandwidth = UNSET
    download: Bandwidth = UNSET


USER_LIST: Final = Command("user.list", "all users with their folders, speeds and flows", Args)
USER_SHOW: Final = Command(
    "user.show", "one user with workspaces, flows, and the settings in the server's file", OneUser
)
USER_ADD: Final = Command(
    "user.add", "add a user with a folder and a password", UserAddArgs, changes=True
)
USER_SET: Final = Command(
    "user.set",
    "change a user's speeds, quota, expiry, networks or folder",
    UserSetArgs,
    changes=True,
)
USER_ENABLE: Final = Command(
    "user.enable", "let a disabled user log in again", OneUser, changes=True
)
USER_DISABLE: Final = Command(
    "user.disable",
    "end a user's logins and flows, and refuse new ones",
    OneUser,
    changes=True,
)
USER_REMOVE: Final = Command(
    "user.remove", "remove a user; the files in their folder stay", OneUser, changes=True
)
USER_PASSWD: Final = Command(
    "user.passwd",
    "set a new password; the user's logins and flows end",
    UserPasswordArgs,
    changes=True,
)
USER_INVITE: Final = Command(
    "user.invite",
    "invite a user, old or new, to log in without a password from you",
    UserInviteArgs,
    changes=True,
)
USER_INVITATION_LIST: Final = Command(
    "user.invitation.list", "the invitations that can still be used", Args
)
USER_INVITATION_REVOKE: Final = Command(
    "user.invitation.revoke", "end an invitation", OneInvitation, changes=True
)
USER_DEVICE_REVOKE: Final = Command(
    "user.device.revoke",
    "end one or all devices of a user, with the user's logins and flows",
    UserDeviceArgs,
    changes=True,
)
WORKSPACE_LIST: Final = Command(
    "workspace.list", "all named workspaces with their folders and grants", Args
)
WORKSPACE_ADD: Final = Command(
    "workspace.add",
    "add a named workspace",
    WorkspaceAddArgs,
    changes=True,
)
WORKSPACE_SET: Final = Command(
    "workspace.set",
    "change the quota of a workspace",
    WorkspaceSetArgs,
    changes=True,
)
WORKSPACE_REMOVE: Final = Command(
    "workspace.remove",
    "remove a workspace; its files stay",
    OneWorkspace,
    changes=True,
)
WORKSPACE_GRANT: Final = Command(
    "workspace.grant",
    'give a user access to a workspace or to one of its folders: "rw" to read and write, "ro" to '
    'read, "wo" to add files',
    WorkspaceGrantArgs,
    changes=True,
)
WORKSPACE_REVOKE: Final = Command(
    "workspace.revoke", "take a user's access to a workspace away", WorkspaceUser, changes=True
)
WORKSPACE_ORPHANS: Final = Command(
    "workspace.orphans",
    "objects in the bucket of a workspace that the server's state does not know",
    WorkspaceOrphansArgs,
)
WORKSPACE_RECLAIM: Final = Command(
    "workspace.reclaim",
    "delete objects in the bucket of a workspace that the server's state does not know",
    WorkspaceOrphansArgs,
    changes=True,
)
BANDWIDTH_SET: Final = Command(
    "bandwidth.set",
    "change the bandwidth of all users together at once",
    ServerBandwidth,
    changes=True,
)
FLOW_LIST: Final = Command("flow.list", "the open flows", Args)
FLOW_RATES: Final = Command("flow.rates", "how fast flows moved lately", FlowRatesArgs)

COMMANDS: Final[Mapping[str, Command[Any]]] = by_name(
    USER_LIST,
    USER_SHOW,
    USER_ADD,
    USER_SET,
    USER_ENABLE,
    USER_DISABLE,
    USER_REMOVE,
    USER_PASSWD,
    USER_INVITE,
    USER_INVITATION_LIST,
    USER_INVITATION_REVOKE,
    USER_DEVICE_REVOKE,
    WORKSPACE_LIST,
    WORKSPACE_ADD,
    WORKSPACE_SET,
    WORKSPACE_REMOVE,
    WORKSPACE_GRANT,
    WORKSPACE_REVOKE,
    WORKSPACE_ORPHANS,
    WORKSPACE_RECLAIM,
    BANDWIDTH_SET,
    FLOW_LIST,
    FLOW_RATES,
    *NODE_COMMANDS,
    *CLUSTER_COMMANDS,
    *HISTORY_COMMANDS,
    *WORKSPACE_TRASH_COMMANDS,
    *COMMON,
)
