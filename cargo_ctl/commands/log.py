"""`cargo_ctl log`: the last lines of the log, and new lines as they come."""

import contextlib
import time

import click

from cargo_ctl import answers
from cargo_ctl.names import JOB
from cargo_ctl.options import limit_option
from cargo_ctl.reach import Reach, as_line, reaching
from cargo_ctl.render import log as lines
from cargo_sync.api.log_command import LEVELS, LONGEST_PAGE
from cargo_sync.choice import OneOf

_POLL = 0.5


@click.command()
@limit_option(LONGEST_PAGE, default=50, help="How many lines to show first.")
@click.option("--follow", "-f", is_flag=True, help="Show new lines as they come, until Ctrl-C.")
@click.option(
    "--level",
    type=OneOf(LEVELS),
    help="The lowest level to show. Default: everything that is logged.",
)
@click.option("--job", type=JOB, metavar="NAME", help="Only lines about this job.")
@reaching
def log(reach: Reach, limit: int, follow: bool, level: str | None, job: str | None) -> None:
    """Show the last lines of the daemon's log, or with --server of the server's.

    The last 2,000 lines are kept in memory, also if the log goes to a file.

    \b
    Examples:
      cargo_ctl log -n 200 --level warning
      cargo_ctl log --follow --job nightly
      cargo_ctl log --server --json
    """
    wanted = {name: value for name, value in (("level", level), ("job", job)) if value is not None}
    with contextlib.suppress(KeyboardInterrupt):
        after = _print(reach, wanted | {"limit": limit}, follow)
        while follow:
            time.sleep(_POLL)
            last = _print(reach, wanted | {"after": after}, follow)
            # Lower numbers than before come from a process that was restarted.
            after = last if last >= after else 0


def _print(reach: Reach, args: dict[str, object], follow: bool) -> int:
    result = reach.call("log", args)
    lost, rows = answers.number(result, "lost"), answers.rows(result, "rows")
    if lost and not reach.as_json:
        click.echo(lines.lost(lost), err=True)
    if not (rows or follow or reach.as_json):
        click.echo(lines.NONE)
    for row in rows:
        click.echo(as_line(row) if reach.as_json else lines.line(row))
    return answers.number(result, "next")
