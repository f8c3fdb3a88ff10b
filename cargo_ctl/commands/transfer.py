"""`cargo_ctl transfer …`."""

from typing import Any

import click

from cargo_ctl.reach import Reach, common_options, reaching
from cargo_ctl.render import transfers


@click.group()
@common_options
def transfer(**_options: Any) -> None:
    """Files on their way.

    \b
    Example:
      cargo_ctl transfer list
    """


@transfer.command("list")
@reaching
def list_(reach: Reach) -> None:
    """Every file on its way: how far, how fast, round-trip time, frames lost.

    \b
    Example:
      cargo_ctl transfer list --json
    """
    result = reach.call("transfer.list")
    reach.show(result, transfers.transfer_list(result))
