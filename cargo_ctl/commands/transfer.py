"""`cargo_ctl transfer …`: files that are transferred now."""

from typing import Any

import click

from cargo_ctl.names import TRANSFER
from cargo_ctl.reach import Reach, common_options, reaching
from cargo_ctl.render import transfers


@click.group()
@common_options
def transfer(**_options: Any) -> None:
    """List and cancel transfers.

    \b
    Examples:
      cargo_ctl transfer list
      cargo_ctl transfer cancel 1f2e3d4c
    """


@transfer.command("list")
@reaching
def list_(reach: Reach) -> None:
    """List current transfers: progress, speed, round-trip time, lost frames.

    \b
    Example:
      cargo_ctl transfer list --json
    """
    result = reach.call("transfer.list")
    reach.show(result, transfers.transfer_list(result))


@transfer.command()
@click.argument("id", type=TRANSFER)
@reaching
def cancel(reach: Reach, id: str) -> None:
    """Cancel the transfer of one file. The other files of its job go on.

    The first characters of the ID are enough if they are unique. The file is tried again when it
    changes, or after `job sync`.

    \b
    Example:
      cargo_ctl transfer cancel 1f2e3d4c
    """
    result = reach.call("transfer.cancel", {"id": id})
    reach.show(result, transfers.cancelled(result))
