"""`cargo_ctl limits`: how much of the line a daemon or a server takes in all."""

from typing import Any

import click

from cargo_ctl.reach import Reach, common_options, reaching
from cargo_ctl.render import limits as rendered

_RATE = "RATE|none|reset"


@click.group(invoke_without_command=True)
@common_options
@click.pass_context
def limits(ctx: click.Context, /, **_options: Any) -> None:
    """Rates of all transfers together, changed while they run: of the daemon, or of a server with
    --server.

    \b
    Examples:
      cargo_ctl limits show
      cargo_ctl limits set --bandwidth 20mbps
      cargo_ctl limits set --server --upload 100mbps --download none
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(show)


@limits.command()
@reaching
def show(reach: Reach) -> None:
    """What holds, what the file says, and what was set by command.

    \b
    Examples:
      cargo_ctl limits show
      cargo_ctl limits show --server
    """
    result = reach.call("limits.show")
    reach.show(result, rendered.limits(result))


@limits.command("set")
@click.option("--bandwidth", metavar=_RATE, help="Of a daemon: all jobs together.")
@click.option("--upload", metavar=_RATE, help="Of a server: all uploads together.")
@click.option("--download", metavar=_RATE, help="Of a server: all downloads together.")
@reaching
def set_(reach: Reach, **rates: str | None) -> None:
    """Other rates, at once; also for what is on its way.

    They hold until the file says another, also across restarts. none is no limit, reset goes back
    to what the file says.

    \b
    Examples:
      cargo_ctl limits set --bandwidth 20mbps
      cargo_ctl limits set --bandwidth reset
      cargo_ctl limits set --server --upload none --download 1gbps
    """
    args = {
        name: None if rate == "reset" else rate for name, rate in rates.items() if rate is not None
    }
    if not args:
        raise click.UsageError(
            "give what to set, such as --bandwidth RATE, or --upload RATE of a server"
        )
    result = reach.call("limits.set", args)
    reach.show(result, rendered.limits(result))
