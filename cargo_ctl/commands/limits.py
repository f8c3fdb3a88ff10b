"""`cargo_ctl limits`: how much of the line a server or a daemon takes in all."""

from typing import Any

import click

from cargo_ctl.rate import RATE, Rate
from cargo_ctl.reach import Reach, common_options, reaching
from cargo_ctl.render import limits as rendered


@click.group(invoke_without_command=True)
@common_options
@click.pass_context
def limits(ctx: click.Context, /, **_options: Any) -> None:
    """Rates of all transfers together, changed while they run: of a server with --server, else of the daemon.

    \b
    Examples:
      cargo_ctl limits --server
      cargo_ctl limits set --server --upload 100mbps --download none
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(show)


@limits.command()
@reaching
def show(reach: Reach) -> None:
    """What holds, what the file says, and what was set by command.

    \b
    Example:
      cargo_ctl limits show --server
    """
    result = reach.call("limits.show")
    reach.show(result, rendered.limits(result))


@limits.command("set")
@click.option("--upload", type=RATE, metavar="RATE", help="Of a server: all uploads together.")
@click.option("--download", type=RATE, metavar="RATE", help="Of a server: all downloads together.")
@click.option("--bandwidth", type=RATE, metavar="RATE", help="Of a daemon: all jobs together.")
@reaching
def set_(reach: Reach, **rates: Rate | None) -> None:
    """Set rates, until the file says something else. A RATE of none is no limit.

    \b
    Examples:
      cargo_ctl limits set --server --upload 100mbps
      cargo_ctl limits set --server --upload none --download 1gbps
    """
    args = {name: rate.bits for name, rate in rates.items() if rate is not None}
    if not args:
        raise click.UsageError("give what to set, such as --upload RATE")
    result = reach.call("limits.set", args)
    reach.show(result, rendered.limits(result))
