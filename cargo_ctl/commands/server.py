"""`cargo_ctl server …`: the servers that share one database."""

import time
from typing import Any

import click

from cargo_ctl.names import SERVER
from cargo_ctl.options import yes_option
from cargo_ctl.reach import Reach, common_options, serving
from cargo_ctl.render import cluster

LOOK = 0.5
"""Seconds between two looks while somebody waits."""


@click.group()
@common_options
def server(**_options: Any) -> None:
    """Look after the servers that share one database. Any of them answers for all.

    \b
    Examples:
      cargo_ctl server list
      cargo_ctl server drain a --wait
    """


@server.command("list")
@serving
def list_(reach: Reach) -> None:
    """List the servers: states, transfers, speed, CPU. The one that answers has a star.

    \b
    Example:
      cargo_ctl server list
    """
    result = reach.call("server.list")
    reach.show(result, cluster.server_list(result))


@server.command()
@click.argument("name", type=SERVER)
@serving
def show(reach: Reach, name: str) -> None:
    """Show one server and its transfers.

    \b
    Example:
      cargo_ctl server show a
    """
    result = reach.call("server.show", {"server": name})
    reach.show(result, cluster.server_show(result))


@server.command()
@click.argument("name", type=SERVER, required=False)
@click.option("--wait", is_flag=True, help="Wait until it has no transfers any more.")
@click.option("--undo", is_flag=True, help="It takes transfers again.")
@serving
def drain(reach: Reach, name: str | None, wait: bool, undo: bool) -> None:
    """Let a server take no new transfers, and end those that it has, so that it can be stopped.

    Without a name it is the server that answers. Transfers end where they can be resumed, and go on
    at another server. It takes transfers again after its next start.

    \b
    Examples:
      cargo_ctl server drain --wait
      cargo_ctl server drain a --undo
    """
    args = {} if name is None else {"server": name}
    result = reach.call("server.drain", {**args, **({"undo": True} if undo else {})})
    while wait and result["state"] == "draining" and cluster.moved(result):
        time.sleep(LOOK)
        result = reach.call("server.show", {"server": result["id"]})
    reach.show(result, cluster.draining(result))


@server.command()
@click.argument("name", type=SERVER)
@yes_option
@serving
def remove(reach: Reach, name: str, yes: bool) -> None:
    """Forget a server that is away and does not come back.

    It asks for confirmation; without a terminal it needs --yes. A server that was away for a day is
    forgotten by itself.

    \b
    Example:
      cargo_ctl server remove a --yes
    """
    reach.confirm(f"Forget the server {name}?", yes)
    result = reach.call("server.remove", {"server": name})
    reach.show(result, cluster.removed(result))
