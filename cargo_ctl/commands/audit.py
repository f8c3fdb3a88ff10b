"""`cargo_ctl audit`: who changed what."""

import click

from cargo_ctl.options import limit_option
from cargo_ctl.reach import Reach, reaching
from cargo_ctl.render import keys


@click.command()
@click.option(
    "--since", type=click.IntRange(min=0), metavar="NUMBER", help="All rows after this one."
)
@limit_option(1000, default=100, help="How many rows to show.")
@reaching
def audit(reach: Reach, since: int | None, limit: int) -> None:
    """Show who changed what, and when.

    It has every command that changed something or tried to, who gave it, and the outcome. Without
    --since it shows the newest rows. A `?` means that the daemon ended before the outcome was
    known.

    \b
    Examples:
      cargo_ctl audit
      cargo_ctl audit --since 0 --limit 1000 --json
    """
    args = {"limit": limit} if since is None else {"since": since, "limit": limit}
    result = reach.call("audit", args)
    reach.show(result, keys.audit(result))
