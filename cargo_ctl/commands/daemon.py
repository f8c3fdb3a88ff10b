"""`cargo_ctl reload` and `cargo_ctl shutdown`: the daemon or server as a whole."""

import click

from cargo_ctl.reach import BAD_INPUT, Reach, reaching
from cargo_ctl.render import jobs, servers


@click.command()
@reaching
def reload(reach: Reach) -> None:
    """Read all files of settings again; what is bad stays as it was.

    \b
    Examples:
      cargo_ctl reload
      cargo_ctl reload --server
    """
    result = reach.call("reload")
    told = servers.reloaded if "users" in result else jobs.reloaded
    reach.show(result, told(result))
    if result.get("errors"):
        click.get_current_context().exit(BAD_INPUT)


@click.command()
@reaching
def shutdown(reach: Reach) -> None:
    """End the daemon; with --server the server.

    What is under way goes on at the next start.

    \b
    Examples:
      cargo_ctl shutdown
      cargo_ctl shutdown --server
    """
    kind = reach.kind()
    result = reach.call("shutdown")
    reach.show(result, f"the {kind} is ending")
