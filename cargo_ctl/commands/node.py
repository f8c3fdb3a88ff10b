"""`cargo_ctl node …`: the storage nodes of a server."""

from typing import Any

import click

from cargo_ctl import inviting
from cargo_ctl.options import ago_option
from cargo_ctl.reach import Reach, common_options, serving
from cargo_ctl.render import nodes


@click.group()
@common_options
def node(**_options: Any) -> None:
    """Invite storage nodes: machines that keep file contents for a server.

    \b
    Example:
      cargo_ctl node invite cellar
    """


@node.command()
@click.argument("name")
@click.option(
    "--zone",
    metavar="ZONE",
    help="What it may fail together with, such as a building. Default: its name.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="The address by which the node reaches the server. Needed if it listens on all addresses.",
)
@ago_option("--for", span=True, help="How long it can be used: 5min to 30d. Default: 24h.")
@serving
def invite(reach: Reach, name: str, zone: str | None, address: str | None, **given: Any) -> None:
    """Invite a storage node, and print the invitation: one line for one use.

    Give the line to `cargo_sync init node` on the node's machine. Who has it can join as a node and
    gets copies of your users' files, so send it as you would send a password. A node that has lost
    its disk, or its file, joins again under the same name.

    \b
    Examples:
      cargo_ctl node invite cellar
      cargo_ctl node invite attic --zone house2 --address files.example.org
    """
    args = {"node": name, "zone": zone, "address": address}
    about, line = nodes.about_invitation, nodes.invitation_line
    inviting.invite(reach, "node.invite", args, given["for"], about, line)
