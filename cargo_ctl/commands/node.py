"""`cargo_ctl node …`: the storage nodes of a server."""

from typing import Any

import click

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
    from cargo_sync.api.invitation import LONGEST, SHORTEST, new_token

    token = new_token()
    seconds = given["for"]
    if seconds is not None and not SHORTEST <= seconds <= LONGEST:
        raise click.BadParameter("an invitation is for 5min to 30d", param_hint="--for")
    wanted = {
        "zone": zone,
        "address": address,
        "seconds": None if seconds is None else int(seconds),
    }
    more = {field: value for field, value in wanted.items() if value is not None}
    result = reach.call("node.invite", {"node": name, "token": token, **more})
    result = {**result, "invitation": f"{result['invitation']}{token}"}
    if not reach.as_json:
        click.echo(nodes.about_invitation(result), err=True)
    reach.show(result, nodes.invitation_line(result))
