"""A new recovery key of a server: it is made here, shown once, and told nobody else."""

import sys

import click

from cargo_ctl.reach import Reach
from cargo_ctl.render import nodes


def make(reach: Reach) -> None:
    """Makes one, and prints it; what it is goes to standard error."""
    key = _made(reach)
    if not reach.as_json:
        click.echo(nodes.about_recovery_key(), err=True)
    reach.show({"recovery_key": key}, key)


def after_invitation(reach: Reach) -> None:
    """Makes one when the first node is invited; only a person at a terminal sees it."""
    if reach.as_json or reach.call("node.recovery")["has_key"]:
        return
    if not sys.stderr.isatty():
        click.echo(nodes.no_recovery_key(), err=True)
        return
    click.echo(f"\n{nodes.about_recovery_key()}\n\n    {_made(reach)}\n", err=True)


def _made(reach: Reach) -> str:
    from cargo_sync.api.recovery_key import RecoveryKey

    key = RecoveryKey.new()
    derived = {"sealing": key.sealing.hex(), "verifier": key.verifier.hex()}
    reach.call("node.recovery_key", derived)
    return str(key)
