"""`cargo_ctl flow …`: what moves through a server."""

from typing import Any

import click

from cargo_ctl.reach import Reach, common_options, serving
from cargo_ctl.render import flows


@click.group()
@common_options
def flow(**_options: Any) -> None:
    """List what moves through a server now: one flow per transferring job or program.

    \b
    Example:
      cargo_ctl flow list
    """


@flow.command("list")
@serving
def list_(reach: Reach) -> None:
    """List flows: user, folder, speed and its limit, round-trip time, lost frames.

    \b
    Example:
      cargo_ctl flow list --json
    """
    result = reach.call("flow.list")
    reach.show(result, flows.flow_list(result))
