"""`cargo_ctl status`."""

import click

from cargo_ctl.reach import Reach, reaching
from cargo_ctl.render import jobs, servers


@click.command()
@reaching
def status(reach: Reach) -> None:
    """The general state, and what is to be done; of a server users and bandwidth.

    \b
    Examples:
      cargo_ctl status --json
      cargo_ctl status --server
    """
    result = reach.call("status")
    told = servers.status if result.get("kind") == "server" else jobs.status
    reach.show(result, told(result))
