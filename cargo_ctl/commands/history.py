"""`cargo_ctl history`: what happened, one row per file, from a cursor on."""

import contextlib
from typing import TYPE_CHECKING

import click

from cargo_ctl import answers
from cargo_ctl.answers import HistoryPage
from cargo_ctl.names import JOB
from cargo_ctl.options import limit_option
from cargo_ctl.reach import Reach, as_line, called, reaching
from cargo_ctl.render import history as render

if TYPE_CHECKING:
    from cargo_sync.api.client import Client

_PAGE = 1000


@click.command()
@click.option(
    "--since", type=click.IntRange(min=0), metavar="CURSOR", help="All rows after this one."
)
@click.option("--job", type=JOB, metavar="NAME", help="Only rows of this job.")
@limit_option(default=100, help="How many of the newest rows to show first.")
@click.option("--follow", is_flag=True, help="Show new rows as they come, until Ctrl-C.")
@reaching
def history(reach: Reach, since: int | None, job: str | None, limit: int, follow: bool) -> None:
    """Show what happened: one line per file that was transferred, deleted, or failed.

    It shows the newest rows, in the order in which they happened; with --since all rows after that
    one, without gaps.
    With --json each line is one row. `job history` shows one job, newest first.

    \b
    Examples:
      cargo_ctl history --job nightly
      cargo_ctl history --since 4711 --json
      cargo_ctl history --follow
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
    """Print rows until Ctrl-C.

    A notice only says that there is something new. The rows are read by cursor: no row is missing,
    even if the feed loses notices.
    """
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
                pass  # several notices need only one reading


def _print_since(
    reach: Reach, client: "Client", since: int | None, job: str | None, limit: int
) -> int:
    """Print one page of the newest rows, or all rows after `since`; the cursor to go on from."""
    asked: dict[str, object] = {} if job is None else {"job": job}
    more = True
    if since is None and limit > _PAGE:
        since = _before_newest(client, job, limit)
    while more:
        which = {"limit": limit} if since is None else {"since": since, "limit": _PAGE}
        page = answers.history_page(called(client, "history", asked | which))
        _print(reach, page, since)
        since, more = page.next, page.more
    assert since is not None, "each page has the next cursor"
    return since


def _before_newest(client: "Client", job: str | None, limit: int) -> int:
    """A cursor after which there are so many rows, of one job or of all, if they are kept."""
    if job is None:
        newest = answers.history_page(called(client, "history", {"limit": 1}))
        return max(newest.next - limit, newest.oldest - 1, 0)
    before: dict[str, object] = {}
    first = 1
    while limit > 0:
        args = {"job": job, "limit": min(_PAGE, limit), **before}
        rows, more = answers.page(called(client, "job.history", args), "rows")
        limit -= len(rows)
        first = answers.number(rows[-1], "cursor") if rows else first
        if more is None:
            break
        before = {"before": more}
    return first - 1


def _print(reach: Reach, page: HistoryPage, since: int | None) -> None:
    if since is not None and since + 1 < page.oldest:
        click.echo(f"cargo_ctl: {render.lost(since, page.oldest)}", err=True)
    for row in page.rows:
        click.echo(as_line(row) if reach.as_json else render.happened(row))
