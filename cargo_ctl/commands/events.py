"""`cargo_ctl events`: what happened, a row each, from a cursor on."""

import contextlib
from typing import TYPE_CHECKING, Any

import click

from cargo_ctl.names import JOB
from cargo_ctl.reach import Reach, as_line, reaching
from cargo_ctl.render import events as render

if TYPE_CHECKING:
    from cargo_sync.api.client import Client

_PAGE = 1000


@click.command()
@click.option(
    "--since", type=click.IntRange(min=0), metavar="CURSOR", help="All that came after this one."
)
@click.option("--job", type=JOB, metavar="NAME", help="Of this job only.")
@click.option(
    "--limit",
    type=click.IntRange(1, _PAGE),
    default=100,
    show_default=True,
    help="So many at first.",
)
@click.option("--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@reaching
def events(reach: Reach, since: int | None, job: str | None, limit: int, follow: bool) -> None:
    """What happened: a line a file that was brought, removed, or failed.

    Without --since the newest; with it all since, none left out. With --json each line is one
    event.

    \b
    Examples:
      cargo_ctl events --job nightly
      cargo_ctl events --since 4711 --json
      cargo_ctl events --follow
    """
    with contextlib.suppress(KeyboardInterrupt):
        if follow:
            _follow(reach, since, job, limit)
        else:
            _print_kept(reach, since, job, limit)


def _print_kept(reach: Reach, since: int | None, job: str | None, limit: int) -> None:
    from cargo_sync.api.client import Client

    addresses = reach.addresses()
    with reach.ending(), Client(addresses.commands, key=addresses.key) as client:
        _print_since(reach, client, since, job, limit)


def _follow(reach: Reach, since: int | None, job: str | None, limit: int) -> None:
    """A notice only rings; the rows are read by cursor, so that none is left out however many are
    lost."""
    from cargo_sync.api import topics
    from cargo_sync.api.client import Client

    addresses = reach.addresses()
    notices = topics.NOTICES if job is None else topics.notice(job)
    with (
        reach.feed((notices,)) as subscription,
        reach.ending(),
        Client(addresses.commands, key=addresses.key) as client,
    ):
        while True:
            since = _print_since(reach, client, since, job, limit)
            subscription.receive()
            while subscription.receive(0) is not None:
                pass  # what came at once is read at once


def _print_since(
    reach: Reach, client: "Client", since: int | None, job: str | None, limit: int
) -> int:
    """One page of the newest, or all since a cursor; the cursor to go on from."""
    asked: dict[str, Any] = {} if job is None else {"job": job}
    more = True
    while more:
        which = {"limit": limit} if since is None else {"since": since, "limit": _PAGE}
        page = client.call("events", asked | which)
        _print(reach, page, since)
        since, more = page["next"], page["more"]
    assert since is not None, "a page says how to go on"
    return since


def _print(reach: Reach, page: dict[str, Any], since: int | None) -> None:
    if since is not None and since + 1 < page["oldest"]:
        click.echo(f"cargo_ctl: {render.lost(since, page['oldest'])}", err=True)
    for row in page["events"]:
        click.echo(as_line(row) if reach.as_json else render.event(row))
