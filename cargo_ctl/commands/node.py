"""`cargo_ctl node …`: the storage nodes of a server."""

from typing import Any

import click

from cargo_ctl import inviting, recovery_keys
from cargo_ctl.names import NODE
from cargo_ctl.options import ago_option, yes_option
from cargo_ctl.reach import Reach, common_options, serving
from cargo_ctl.render import nodes


@click.group()
@common_options
def node(**_options: Any) -> None:
    """Invite and look after storage nodes: machines that keep file contents for a server.

    \b
    Examples:
      cargo_ctl node invite cellar
      cargo_ctl node list
      cargo_ctl node drain cellar
    """


@node.command("list")
@serving
def list_(reach: Reach) -> None:
    """List the storage nodes: states, room, missing copies, and how long the repair takes.

    \b
    Example:
      cargo_ctl node list
    """
    result = reach.call("node.list")
    reach.show(result, nodes.node_list(result))


@node.command()
@click.argument("name", type=NODE)
@serving
def show(reach: Reach, name: str) -> None:
    """Show one storage node, also whether it may be removed.

    \b
    Example:
      cargo_ctl node show cellar
    """
    result = reach.call("node.show", {"node": name})
    reach.show(result, nodes.node_show(result))


@node.command()
@click.argument("name", type=NODE)
@click.option("--undo", is_flag=True, help="Its copies may stay, and it gets new ones again.")
@serving
def drain(reach: Reach, name: str, undo: bool) -> None:
    """Make the copies of a storage node on other nodes, so that it can be removed.

    It gets no new copies. node show says when it is drained.

    \b
    Examples:
      cargo_ctl node drain cellar
      cargo_ctl node drain cellar --undo
    """
    result = reach.call("node.drain", {"node": name, **({"undo": True} if undo else {})})
    reach.show(result, nodes.one_node(result))


@node.command()
@click.argument("name", type=NODE)
@click.option("--lost", is_flag=True, help="Also if it was not drained: its copies are lost.")
@yes_option
@serving
def remove(reach: Reach, name: str, lost: bool, yes: bool) -> None:
    """Remove a storage node that is drained. What its folder holds stays there.

    It asks for confirmation; without a terminal it needs --yes.

    \b
    Examples:
      cargo_ctl node remove cellar
      cargo_ctl node remove cellar --lost --yes
    """
    reach.confirm(nodes.removal(name, lost=lost), yes)
    result = reach.call("node.remove", {"node": name, **({"lost": True} if lost else {})})
    reach.show(result, nodes.removed(result))


@node.command()
@click.argument("name", type=NODE)
@click.option("--speed", metavar="SPEED", help="How fast it reads, such as 200mbps.")
@serving
def scrub(reach: Reach, name: str, speed: str | None) -> None:
    """Let a storage node read and check all of its copies now.

    Without --speed it reads as fast as its file says.

    \b
    Examples:
      cargo_ctl node scrub cellar
      cargo_ctl node scrub cellar --speed 200mbps
    """
    result = reach.call("node.scrub", {"node": name, **({"speed": speed} if speed else {})})
    reach.show(result, nodes.scrubbing(result))


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
    recovery_keys.after_invitation(reach)


@node.command("recovery-key")
@yes_option
@serving
def recovery_key(reach: Reach, yes: bool) -> None:
    """Make a new recovery key, and print it once.

    If the server's machine is lost, a new one gets its state back from the nodes with this key.
    Write it down, or put it into a password manager; nobody else keeps it. If there is one already,
    it asks for confirmation; without a terminal it needs --yes. The old key then opens only
    snapshots from before.

    \b
    Examples:
      cargo_ctl node recovery-key
      cargo_sync server --recover-from-nodes
      cargo_ctl node recovery-key --yes
    """
    found = reach.call("node.recovery")
    if found["has_key"]:
        reach.confirm(nodes.new_recovery_key(found), yes)
    recovery_keys.make(reach)
