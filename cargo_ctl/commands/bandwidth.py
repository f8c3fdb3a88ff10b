"""`cargo_ctl bandwidth`: the bandwidth of all transfers of a daemon or server together."""

from typing import Any

import click

from cargo_ctl.reach import Reach, common_options, reaching
from cargo_ctl.render import bandwidth as rendered

_SPEED = "SPEED|none|reset"


@click.group(invoke_without_command=True)
@common_options
@click.pass_context
def bandwidth(ctx: click.Context, /, **_options: Any) -> None:
    """Show or change the bandwidth of all transfers together.

    It is the daemon's, or with --server the server's.

    \b
    Examples:
      cargo_ctl bandwidth show
      cargo_ctl bandwidth set --bandwidth 20mbps
      cargo_ctl bandwidth set --server --upload 100mbps --download none
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(show)


@bandwidth.command()
@reaching
def show(reach: Reach) -> None:
    """Show the bandwidth: now, and in the file.

    \b
    Examples:
      cargo_ctl bandwidth show
      cargo_ctl bandwidth show --server
    """
    result = reach.call("bandwidth.show")
    reach.show(result, rendered.bandwidth(result))


@bandwidth.command("set")
@click.option(
    "--bandwidth", metavar=_SPEED, help="Of a daemon: all its jobs and sessions together."
)
@click.option("--upload", metavar=_SPEED, help="Of a server: all uploads together.")
@click.option("--download", metavar=_SPEED, help="Of a server: all downloads together.")
@reaching
def set_(reach: Reach, **speeds: str | None) -> None:
    """Change the bandwidth at once, for running transfers too.

    The new value stays, also after a restart, until the value in the file changes. none means no
    limit, reset goes back to the value in the file.

    \b
    Examples:
      cargo_ctl bandwidth set --bandwidth 20mbps
      cargo_ctl bandwidth set --bandwidth reset
      cargo_ctl bandwidth set --server --upload none --download 1gbps
    """
    given = {name: speed for name, speed in speeds.items() if speed is not None}
    args = {name: None if speed == "reset" else speed for name, speed in given.items()}
    if not args:
        raise click.UsageError(
            "give what to set, such as --bandwidth SPEED, or --upload SPEED of a server"
        )
    result = reach.call("bandwidth.set", args)
    reach.show(result, rendered.bandwidth(result))
