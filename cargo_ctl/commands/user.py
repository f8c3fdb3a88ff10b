"""`cargo_ctl user …`: the users of a server."""

import os
from collections.abc import Callable
from typing import Any

import click

from cargo_ctl.names import USER
from cargo_ctl.options import yes_option
from cargo_ctl.password import password, password_file
from cargo_ctl.reach import Reach, common_options, serving
from cargo_ctl.render import users

_SPEEDS = (
    ("--upload-speed", "The most that one upload gets."),
    ("--download-speed", "The most that one download gets."),
    ("--upload-bandwidth", "The most that all uploads of the user get together."),
    ("--download-bandwidth", "The most that all downloads of the user get together."),
)


@click.group()
@common_options
def user(**_options: Any) -> None:
    """Manage the users of a server: who may log in, to which folder, how fast.

    Settings in the server's file are changed there; everything else can be changed here.

    \b
    Examples:
      cargo_ctl user list
      cargo_ctl user add ana /srv/files/ana
      cargo_ctl user set ana --upload-speed 50mbps
      cargo_ctl user disable ana
    """


def _speeds(function: Callable[..., None]) -> Callable[..., None]:
    for name, words in reversed(_SPEEDS):
        function = click.option(name, metavar="SPEED|none", help=words)(function)
    return function


def _given(speeds: dict[str, str | None]) -> dict[str, str]:
    """The speeds that were given, as arguments."""
    return {name: speed for name, speed in speeds.items() if speed is not None}


@user.command("list")
@serving
def list_(reach: Reach) -> None:
    """List every user with state, speeds, flows and folder.

    \b
    Example:
      cargo_ctl user list
    """
    result = reach.call("user.list")
    reach.show(result, users.user_list(result))


@user.command()
@click.argument("name", type=USER)
@serving
def show(reach: Reach, name: str) -> None:
    """Show one user: workspaces, flows, and the settings from the server's file.

    \b
    Example:
      cargo_ctl user show ana
    """
    result = reach.call("user.show", {"user": name})
    reach.show(result, users.user_show(result))


@user.command()
@click.argument("name")
@click.argument("path")
@password_file
@_speeds
@click.option("--disabled", is_flag=True, help="The user cannot log in until `user enable`.")
@serving
def add(
    reach: Reach,
    name: str,
    path: str,
    password_file: str | None,
    disabled: bool,
    **speeds: str | None,
) -> None:
    """Add a user with a folder on the server's machine.

    The folder is created if it is missing; its parent folder must exist. The command asks for the
    password twice.

    \b
    Examples:
      cargo_ctl user add ana /srv/files/ana
      cargo_ctl user add ben /srv/files/ben --upload-speed 10mbps --password-file ben.password
    """
    args = {"user": name, "path": os.path.abspath(path), "password": password(password_file, name)}
    enabled = {"enabled": False} if disabled else {}
    result = reach.call("user.add", {**args, **enabled, **_given(speeds)})
    reach.show(result, f"added: {users.one_user(result)}")


@user.command("set")
@click.argument("name", type=USER)
@click.option(
    "--path", metavar="FOLDER", help="The new folder. The files in the old one stay there."
)
@_speeds
@serving
def set_(reach: Reach, name: str, path: str | None, **speeds: str | None) -> None:
    """Change a user's speeds, also for running transfers, or their folder. none means no limit.

    \b
    Examples:
      cargo_ctl user set ana --upload-speed 50mbps --download-bandwidth 200mbps
      cargo_ctl user set ana --upload-speed none
    """
    args = {"user": name, **_given(speeds)}
    if path is not None:
        args["path"] = os.path.abspath(path)
    if len(args) == 1:
        raise click.UsageError("give what to set, such as --upload-speed SPEED")
    result = reach.call("user.set", args)
    reach.show(result, users.one_user(result))


@user.command()
@click.argument("name", type=USER)
@serving
def enable(reach: Reach, name: str) -> None:
    """Let a disabled user log in again.

    \b
    Example:
      cargo_ctl user enable ana
    """
    result = reach.call("user.enable", {"user": name})
    reach.show(result, users.one_user(result))


@user.command()
@click.argument("name", type=USER)
@serving
def disable(reach: Reach, name: str) -> None:
    """Disable a user. Their logins and transfers end at once.

    \b
    Example:
      cargo_ctl user disable ana
    """
    result = reach.call("user.disable", {"user": name})
    reach.show(result, users.one_user(result))


@user.command()
@click.argument("name", type=USER)
@yes_option
@serving
def remove(reach: Reach, name: str, yes: bool) -> None:
    """Remove a user. The files in their folder stay.

    It asks for confirmation; without a terminal it needs --yes.

    \b
    Examples:
      cargo_ctl user remove ana
      cargo_ctl user remove ana --yes
    """
    reach.confirm(users.removal(name), yes)
    result = reach.call("user.remove", {"user": name})
    reach.show(result, users.removed_user(result))


@user.command()
@click.argument("name", type=USER)
@password_file
@serving
def passwd(reach: Reach, name: str, password_file: str | None) -> None:
    """Set a new password. The user's logins and transfers end.

    \b
    Examples:
      cargo_ctl user passwd ana
      pass show ana | cargo_ctl user passwd ana --password-file -
    """
    result = reach.call("user.passwd", {"user": name, "password": password(password_file, name)})
    reach.show(result, users.new_password(result))
