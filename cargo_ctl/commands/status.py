"""`cargo_ctl status`."""

import click

from cargo_ctl.reach import Reach, reaching
from cargo_ctl.render import jobs


@click.command()
@reaching
def status(reach: Reach) -> None:
    """The general state, jobs by state, what is still to be done.

    \b
    Example:
      cargo_ctl status --json
    """
    result = reach.call("status")
    reach.show(result, jobs.status(result))
