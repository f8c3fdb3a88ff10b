"""`cargo_ctl reload` and `cargo_ctl shutdown`: the daemon as a whole."""

import click

from cargo_ctl.reach import BAD_INPUT, Reach, reaching
from cargo_ctl.render import jobs


@click.command()
@reaching
def reload(reach: Reach) -> None:
    """Read all configuration again; what is bad in it stays as it was.

    \b
    Example:
      cargo_ctl reload
    """
    result = reach.call("reload")
    reach.show(result, jobs.reloaded(result))
    if result.get("errors"):
        click.get_current_context().exit(BAD_INPUT)


@click.command()
@reaching
def shutdown(reach: Reach) -> None:
    """End the daemon; what is under way goes on at the next start.

    \b
    Example:
      cargo_ctl shutdown
    """
    result = reach.call("shutdown")
    reach.show(result, "the daemon is ending")
