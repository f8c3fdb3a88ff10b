"""`cargo_ctl reload` and `cargo_ctl shutdown`: the daemon or server as a whole."""

import click

from cargo_ctl.reach import BAD_INPUT, Reach, reaching
from cargo_ctl.render import jobs, servers


@click.command()
@reaching
def reload(reach: Reach) -> None:
    """Read all configuration files again. What has errors keeps its old settings.

    \b
    Examples:
      cargo_ctl reload
      cargo_ctl reload --server
    """
    result = reach.call("reload")
    render = servers.reloaded if "users" in result else jobs.reloaded
    reach.show(result, render(result))
    if result.get("errors"):
        click.get_current_context().exit(BAD_INPUT)


@click.command()
@reaching
def shutdown(reach: Reach) -> None:
    """Stop the daemon, or with --server the server.

    Transfers go on at the next start.

    \b
    Examples:
      cargo_ctl shutdown
      cargo_ctl shutdown --server
    """
    kind = reach.kind()
    result = reach.call("shutdown")
    reach.show(result, f"the {kind} is stopping")
