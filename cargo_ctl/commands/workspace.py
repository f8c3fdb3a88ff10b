"""`cargo_ctl workspace …`: the named folders of a server, which several users may share."""

import os
import re
from typing import Any

import click

from cargo_ctl.commands.workspace_reclaim import reclaim
from cargo_ctl.names import USER, WORKSPACE
from cargo_ctl.options import yes_option
from cargo_ctl.reach import Reach, common_options, serving
from cargo_ctl.render import users
from cargo_sync.choice import OneOf

_ACCESS = ("rw", "ro", "wo")
_GRANT = re.compile(rf"([^/:]+)=({'|'.join(_ACCESS)})(?::(.+))?")
"""No user's name has "/" or ":", but it may have "="."""


@click.group()
@common_options
def workspace(**_options: Any) -> None:
    """Manage the named folders of a server that several users share.

    \b
    Examples:
      cargo_ctl workspace add music /srv/music --grant ana=rw --grant ben=ro
      cargo_ctl workspace grant music eva ro
      cargo_ctl workspace grant music joe wo --path in/joe
      cargo_ctl workspace set music --quota 2TB
    """


@workspace.command("list")
@serving
def list_(reach: Reach) -> None:
    """List the named workspaces with their folders, users and use.

    \b
    Example:
      cargo_ctl workspace list
    """
    result = reach.call("workspace.list")
    reach.show(result, users.workspace_list(result))


@workspace.command()
@click.argument("name")
@click.argument("path")
@click.option(
    "--grant",
    "grants",
    multiple=True,
    metavar="USER=rw|ro|wo[:PATH]",
    help="Give a user access, perhaps to one folder only. Can be given several times.",
)
@serving
def add(reach: Reach, name: str, path: str, grants: tuple[str, ...]) -> None:
    """Add a workspace: a folder on the server's machine. It is created if it is missing.

    \b
    Examples:
      cargo_ctl workspace add music /srv/music
      cargo_ctl workspace add music /srv/music --grant ana=rw --grant ben=ro
      cargo_ctl workspace add music /srv/music --grant joe=wo:in/joe
    """
    args: dict[str, object] = {"workspace": name, "path": os.path.abspath(path)}
    if grants:
        args["grants"] = dict(_grant(text) for text in grants)
    result = reach.call("workspace.add", args)
    reach.show(result, f"added: {users.one_workspace(result)}")


@workspace.command("set")
@click.argument("name", type=WORKSPACE)
@click.option("--quota", metavar="SIZE|none", help="The most bytes in it, such as 500GB.")
@click.option("--files", metavar="NUMBER|none", help="The most files in it.")
@serving
def set_(reach: Reach, name: str, quota: str | None, files: str | None) -> None:
    """Change the quota of a workspace, whoever brings the files. none means no limit.

    \b
    Examples:
      cargo_ctl workspace set music --quota 2TB
      cargo_ctl workspace set music --quota none --files 1000000
    """
    limits = {"quota": quota, "files": files}
    given = {field: text for field, text in limits.items() if text is not None}
    if not given:
        raise click.UsageError("give what to set, such as --quota SIZE")
    result = reach.call("workspace.set", {"workspace": name, **given})
    reach.show(result, users.one_workspace(result))


@workspace.command()
@click.argument("name", type=WORKSPACE)
@yes_option
@serving
def remove(reach: Reach, name: str, yes: bool) -> None:
    """Remove a workspace. Its files stay.

    It asks for confirmation; without a terminal it needs --yes.

    \b
    Examples:
      cargo_ctl workspace remove music
      cargo_ctl workspace remove music --yes
    """
    reach.confirm(users.workspace_removal(name), yes)
    result = reach.call("workspace.remove", {"workspace": name})
    reach.show(result, users.removed_workspace(result))


@workspace.command()
@click.argument("name", type=WORKSPACE)
@click.argument("user", type=USER)
@click.argument("access", type=OneOf(_ACCESS))
@click.option(
    "--path",
    metavar="FOLDER",
    help="Only this folder of the workspace: the user sees it as the workspace.",
)
@serving
def grant(reach: Reach, name: str, user: str, access: str, path: str | None) -> None:
    """Give a user access to a workspace, or to one of its folders.

    rw is to read and write, ro to read only, and wo to add files only (a drop box): the user sees
    the names of what they added, and cannot read, change or remove anything.

    \b
    Examples:
      cargo_ctl workspace grant music ana rw
      cargo_ctl workspace grant music joe wo --path in/joe
    """
    args: dict[str, object] = {"workspace": name, "user": user, "access": access}
    if path is not None:
        args["path"] = path
    result = reach.call("workspace.grant", args)
    reach.show(result, users.one_workspace(result))


@workspace.command()
@click.argument("name", type=WORKSPACE)
@click.argument("user", type=USER)
@serving
def revoke(reach: Reach, name: str, user: str) -> None:
    """Take away a user's access to a workspace. Their transfers there end.

    \b
    Example:
      cargo_ctl workspace revoke music ana
    """
    result = reach.call("workspace.revoke", {"workspace": name, "user": user})
    reach.show(result, users.one_workspace(result))


workspace.add_command(reclaim)


def _grant(text: str) -> tuple[str, object]:
    found = _GRANT.fullmatch(text)
    if found is None:
        raise click.UsageError(f"{text!r} is not a grant: write USER=rw, or USER=wo:FOLDER")
    name, access, path = found.groups()
    return name, {"access": access, "path": path} if path else access
