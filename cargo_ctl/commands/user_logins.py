"""`cargo_ctl user invite`, `user invitation …`, `user device …`: logins without a password."""

import os
from typing import Any

import click

from cargo_ctl import inviting
from cargo_ctl.names import INVITATION, USER
from cargo_ctl.options import ago_option
from cargo_ctl.reach import Reach, common_options, serving
from cargo_ctl.render import invitations


@click.command()
@click.argument("name", type=USER)
@click.argument("folder", required=False)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="The address by which clients reach the server. Needed if it listens on all addresses.",
)
@ago_option("--for", span=True, help="How long it can be used: 5min to 30d. Default: 24h.")
@serving
def invite(reach: Reach, name: str, folder: str | None, address: str | None, **given: Any) -> None:
    """Invite a user to log in, and print the invitation: one line for one use.

    Pass the line on to the user. They give it to `cargo_sync init job`, or to the page of the
    server's files, where they choose a password. Who has it can log in, so send it as you would
    send a password.

    A user who does not exist yet is added, with FOLDER on the server's machine, or without it a
    folder in the users_dir of the server's file.

    \b
    Examples:
      cargo_ctl user invite ana
      cargo_ctl user invite ana --address files.example.org
      cargo_ctl user invite ben /srv/files/ben --for 7d
    """
    path = None if folder is None else os.path.abspath(folder)
    args = {"user": name, "path": path, "address": address}
    about, line = invitations.about, invitations.line
    inviting.invite(reach, "user.invite", args, given["for"], about, line)


@click.group()
@common_options
def invitation(**_options: Any) -> None:
    """List and revoke invitations that were not used yet.

    \b
    Examples:
      cargo_ctl user invitation list
      cargo_ctl user invitation revoke 5f0c7a12
    """


@invitation.command("list")
@serving
def list_(reach: Reach) -> None:
    """List the invitations that can still be used.

    \b
    Example:
      cargo_ctl user invitation list
    """
    result = reach.call("user.invitation.list")
    reach.show(result, invitations.invitation_list(result))


@invitation.command()
@click.argument("id", type=INVITATION)
@serving
def revoke(reach: Reach, id: str) -> None:
    """Revoke an invitation. Nobody can use it any more.

    \b
    Example:
      cargo_ctl user invitation revoke 5f0c7a12
    """
    result = reach.call("user.invitation.revoke", {"id": id})
    reach.show(result, invitations.revoked(result))


@click.group()
@common_options
def device(**_options: Any) -> None:
    """Revoke the devices of a user: programs that log in with a secret of their own.

    `cargo_ctl user show NAME` lists them.

    \b
    Example:
      cargo_ctl user device revoke ana laptop
    """


@device.command("revoke")
@click.argument("name", type=USER)
@click.argument("device", required=False)
@click.option("--all", "every", is_flag=True, help="Revoke all devices of the user.")
@serving
def revoke_device(reach: Reach, name: str, device: str | None, every: bool) -> None:
    """Revoke a device. It cannot log in any more.

    The user's logins and transfers end at once; their other devices log in again by themselves,
    and their transfers continue.

    \b
    Examples:
      cargo_ctl user device revoke ana laptop
      cargo_ctl user device revoke ana --all
    """
    if (device is None) != every:
        raise click.UsageError("give the name of a device, or --all")
    args = {"user": name} if device is None else {"user": name, "device": device}
    result = reach.call("user.device.revoke", args)
    reach.show(result, invitations.devices_revoked(result))
