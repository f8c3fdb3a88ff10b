"""An invitation that somebody asks a server for: its token is made here, and told nobody else."""

from collections.abc import Callable, Mapping

import click

from cargo_ctl.reach import Reach

Shown = Callable[[Mapping[str, object]], str]


def invite(
    reach: Reach,
    command: str,
    args: Mapping[str, object],
    seconds: float | None,
    about: Shown,
    line: Shown,
) -> None:
    """Invites, and prints the invitation; what it is goes to standard error.

    Args:
        reach: of the server.
        command: that invites.
        args: its arguments; those that are None are left out.
        seconds: for which it may be used; None for the usual time.
        about: says what it is.
        line: the invitation itself, as text.
    """
    from cargo_sync.api.invitation import LONGEST, SHORTEST, new_token

    if seconds is not None and not SHORTEST <= seconds <= LONGEST:
        raise click.BadParameter("an invitation is for 5min to 30d", param_hint="--for")
    token = new_token()
    given = {**args, "token": token, "seconds": None if seconds is None else int(seconds)}
    result = reach.call(command, {field: one for field, one in given.items() if one is not None})
    result = {**result, "invitation": f"{result['invitation']}{token}"}
    if not reach.as_json:
        click.echo(about(result), err=True)
    reach.show(result, line(result))
