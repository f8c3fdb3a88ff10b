"""Every command that a server answers."""

from collections.abc import Mapping
from types import MappingProxyType

from cargo_sync.api.commands import Argument, Command, Role
from cargo_sync.api.common_commands import COMMON

_USER = {"user": Argument(required=True)}
_SPACE = {"workspace": Argument(required=True)}
_SPEED = Argument()
_BANDWIDTH = Argument(nullable=True)
_SPEEDS = {
    "upload_speed": _SPEED,
    "download_speed": _SPEED,
    "upload_bandwidth": _SPEED,
    "download_bandwidth": _SPEED,
}
_PASSWORD = {"password": Argument(required=True, secret=True)}

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "hello": Command("who answers, and what it supports", role=Role.PLAIN),
        "status": Command("users, workspaces, flows, bandwidth, data connections", role=Role.PLAIN),
        "user.list": Command("every user with their folder, speeds and flows"),
        "user.show": Command(
            "one user with workspaces, flows, and what the file says of them", _USER
        ),
        "user.add": Command(
            "a new user with a folder and a password",
            {
                **_USER,
                "path": Argument(required=True),
                **_PASSWORD,
                **_SPEEDS,
                "enabled": Argument(bool),
            },
            changes=True,
        ),
        "user.set": Command(
            "other speeds, or another folder", {**_USER, "path": Argument(), **_SPEEDS}, True
        ),
        "user.enable": Command("let a user in again", _USER, changes=True),
        "user.disable": Command(
            "end a user's logins and flows, let them in no more", _USER, changes=True
        ),
        "user.remove": Command(
            "as disable, for good; the folder's files stay", _USER, changes=True
        ),
        "user.passwd": Command(
            "another password; logins, flows end", {**_USER, **_PASSWORD}, changes=True
        ),
        "workspace.list": Command("every named workspace with its folder and grants"),
        "workspace.add": Command(
            "a new workspace that users are let into by name",
            {**_SPACE, "path": Argument(required=True), "grants": Argument(dict)},
            changes=True,
        ),
        "workspace.remove": Command(
            "serve a workspace no more; its files stay", _SPACE, changes=True
        ),
        "workspace.grant": Command(
            'let a user into a workspace: "rw" to read and write, "ro" to read',
            {**_SPACE, **_USER, "access": Argument(required=True)},
            changes=True,
        ),
        "workspace.revoke": Command("take a grant back", {**_SPACE, **_USER}, changes=True),
        "bandwidth.show": Command("the bandwidth of all users together"),
        "bandwidth.set": Command(
            "another bandwidth than the server file's, at once",
            {"upload": _BANDWIDTH, "download": _BANDWIDTH},
            changes=True,
        ),
        "flow.list": Command("the flows that are open"),
        "reload": Command("read the server's file again", changes=True),
        "shutdown": Command("end the server", changes=True),
        **COMMON,
    }
)
