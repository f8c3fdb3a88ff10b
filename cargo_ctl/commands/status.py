"""`cargo_ctl status`: the overall state."""

import click

from cargo_ctl.reach import Reach, reaching
from cargo_ctl.render import jobs, servers


@click.command()
@reaching
def status(reach: Reach) -> None:
    """Show the overall state and progress, or the users and transfers of a server.

    \b
    Examples:
      cargo_ctl status --json
      cargo_ctl status --server
    """
    result = reach.call("status")
    render = servers.status if result.get("kind") == "server" else jobs.status
    reach.show(result, render(result))
