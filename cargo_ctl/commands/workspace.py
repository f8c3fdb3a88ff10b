"""`cargo_ctl workspace …`: the named folders of a server, which several users may share."""

import os
from typing import Any

import click

from cargo_ctl.names import USER, WORKSPACE
from cargo_ctl.options import yes_option
from cargo_ctl.reach import Reach, common_options, serving
from cargo_ctl.render import users
from cargo_sync.choice import OneOf

_ACCESS = ("rw", "ro")


@click.group()
@common_options
def workspace(**_options: Any) -> None:
    """Manage the named folders of a server that several users share.

    \b
    Examples:
      cargo_ctl workspace add music /srv/music --grant ana=rw --grant ben=ro
      cargo_ctl workspace grant music eva ro
    """


@workspace.command("list")
@serving
def list_(reach: Reach) -> None:
    """List the named workspaces with their folders and users.

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
    metavar="USER=rw|ro",
    help="Give a user access. Can be given several times.",
)
@serving
def add(reach: Reach, name: str, path: str, grants: tuple[str, ...]) -> None:
    """Add a workspace: a folder on the server's machine. It is created if it is missing.

    \b
    Examples:
      cargo_ctl workspace add music /srv/music
      cargo_ctl workspace add music /srv/music --grant ana=rw --grant ben=ro
    """
    args: dict[str, object] = {"workspace": name, "path": os.path.abspath(path)}
    if grants:
        args["grants"] = dict(_grant(text) for text in grants)
    result = reach.call("workspace.add", args)
    reach.show(result, f"added: {users.one_workspace(result)}")


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
@serving
def grant(reach: Reach, name: str, user: str, access: str) -> None:
    """Give a user access to a workspace: rw to read and write, ro to read only.

    \b
    Example:
      cargo_ctl workspace grant music ana rw
    """
    result = reach.call("workspace.grant", {"workspace": name, "user": user, "access": access})
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


def _grant(text: str) -> tuple[str, str]:
    name, _, access = text.rpartition("=")
    if not name or access not in _ACCESS:
        raise click.UsageError(f"{text!r} is not a grant: write USER=rw or USER=ro")
    return name, access
