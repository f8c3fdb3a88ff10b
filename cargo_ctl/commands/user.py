"""`cargo_ctl user …`: the users of a server."""

import os
from collections.abc import Callable
from typing import Any

import click

from cargo_ctl.commands.user_logins import device, invitation, invite
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
_TERMS = (
    ("--quota", "SIZE", "The most bytes in the user's folder, such as 500GB."),
    ("--files", "NUMBER", "The most files in the user's folder."),
    ("--expires", "DAY", "The last day on which the user may log in, or a time."),
    ("--networks", "NETWORK,...", "The networks from which the user may come."),
)


@click.group()
@common_options
def user(**_options: Any) -> None:
    """Manage the users of a server: who may log in, to which folder, how fast, how much.

    Settings in the server's file are changed there; everything else can be changed here.

    \b
    Examples:
      cargo_ctl user list
      cargo_ctl user invite ana
      cargo_ctl user add ana /srv/files/ana
      cargo_ctl user set ana --upload-speed 50mbps
      cargo_ctl user set ana --quota 500GB --expires 2027-01-31
      cargo_ctl user disable ana
    """


def _settings(function: Callable[..., None]) -> Callable[..., None]:
    """The options of what can be set of a user."""
    for name, form, words in reversed(_TERMS):
        function = click.option(name, metavar=f"{form}|none", help=words)(function)
    for name, words in reversed(_SPEEDS):
        function = click.option(name, metavar="SPEED|none", help=words)(function)
    return function


def _given(settings: dict[str, str | None]) -> dict[str, object]:
    """The settings that were given, as arguments."""
    given: dict[str, object] = {name: one for name, one in settings.items() if one is not None}
    if (networks := settings.get("networks")) is not None:
        given["networks"] = [one.strip() for one in networks.split(",")]
    return given


@user.command("list")
@serving
def list_(reach: Reach) -> None:
    """List every user with state, use, speeds, flows and folder.

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
    """Show one user: use, limits, workspaces, flows, and the settings from the server's file.

    \b
    Example:
      cargo_ctl user show ana
    """
    result = reach.call("user.show", {"user": name})
    reach.show(result, users.user_show(result))


@user.command()
@click.argument("name")
@click.argument("path", required=False)
@password_file
@_settings
@click.option("--disabled", is_flag=True, help="The user cannot log in until `user enable`.")
@serving
def add(
    reach: Reach,
    name: str,
    path: str | None,
    password_file: str | None,
    disabled: bool,
    **settings: str | None,
) -> None:
    """Add a user with a password, and a folder on the server's machine.

    The folder is created if it is missing; its parent folder must exist. Without PATH it is one in
    the users_dir of the server's file. The command asks for the password twice.

    \b
    Examples:
      cargo_ctl user add ana /srv/files/ana
      cargo_ctl user add ben /srv/files/ben --upload-speed 10mbps --password-file ben.password
    """
    args = {"user": name, "password": password(password_file, name), **_given(settings)}
    folder = {} if path is None else {"path": os.path.abspath(path)}
    enabled = {"enabled": False} if disabled else {}
    result = reach.call("user.add", {**args, **folder, **enabled})
    reach.show(result, f"added: {users.one_user(result)}")


@user.command("set")
@click.argument("name", type=USER)
@click.option(
    "--path", metavar="FOLDER", help="The new folder. The files in the old one stay there."
)
@_settings
@serving
def set_(reach: Reach, name: str, path: str | None, **settings: str | None) -> None:
    """Change what a user may do: how fast, how much, until when, from where, and their folder.

    All of it takes effect at once, also for what is running. none means no limit.

    \b
    Examples:
      cargo_ctl user set ana --upload-speed 50mbps --download-bandwidth 200mbps
      cargo_ctl user set ana --quota 500GB --files 1000000
      cargo_ctl user set ana --expires 2027-01-31 --networks 10.0.0.0/8,2001:db8::/32
      cargo_ctl user set ana --quota none
    """
    args: dict[str, object] = {"user": name, **_given(settings)}
    if path is not None:
        args["path"] = os.path.abspath(path)
    if len(args) == 1:
        raise click.UsageError("give what to set, such as --quota SIZE or --upload-speed SPEED")
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


for _command in (invite, invitation, device):
    user.add_command(_command)
