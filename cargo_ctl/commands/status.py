"""`cargo_ctl status`: the overall state."""

import click

from cargo_ctl.reach import FAILED, Reach, reaching
from cargo_ctl.render import jobs, servers


@click.command()
@reaching
def status(reach: Reach) -> None:
    """Show the overall state and progress, or the users and transfers of a server.

    The exit code is 1 if the state is error: a job cannot run, or something fails in it.

    \b
    Examples:
      cargo_ctl status --json
      cargo_ctl status --server
    """
    result = reach.call("status")
    render = servers.status if result.get("kind") == "server" else jobs.status
    reach.show(result, render(result))
    if result.get("state") == "error":
        click.get_current_context().exit(FAILED)
