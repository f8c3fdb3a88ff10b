"""Every command that a server answers."""

from collections.abc import Mapping
from types import MappingProxyType

from cargo_sync.api.commands import Argument, Command, Role
from cargo_sync.api.common_commands import COMMON

_USER = {"user": Argument(required=True)}
_SPACE = {"workspace": Argument(required=True)}
_RATE = Argument()
_LIMIT = Argument(nullable=True)
_RATES = {
    "upload_speed": _RATE,
    "download_speed": _RATE,
    "upload_bandwidth": _RATE,
    "download_bandwidth": _RATE,
}
_PASSWORD = {"password": Argument(required=True, secret=True)}

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "hello": Command("who answers, and what it supports", role=Role.PLAIN),
        "status": Command("users, workspaces, flows, rates, lanes", role=Role.PLAIN),
        "user.list": Command("every user with their folder, rates and flows"),
        "user.show": Command(
            "one user with workspaces, flows, and what the file says of them", _USER
        ),
        "user.add": Command(
            "a new user with a folder and a password",
            {
                **_USER,
                "path": Argument(required=True),
                **_PASSWORD,
                **_RATES,
                "enabled": Argument(bool),
            },
            changes=True,
        ),
        "user.set": Command(
            "other rates, or another folder", {**_USER, "path": Argument(), **_RATES}, True
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
        "limits.show": Command("the server's own limits"),
        "limits.set": Command(
            "other limits than the server file's, at once",
            {"upload": _LIMIT, "download": _LIMIT},
            changes=True,
        ),
        "flow.list": Command("the flows that are open"),
        "reload": Command("read the server's file again", changes=True),
        "shutdown": Command("end the server", changes=True),
        **COMMON,
    }
)
