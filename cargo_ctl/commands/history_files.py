"""`cargo_ctl history --server`: what happened to the files of a server."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from cargo_ctl import answers
from cargo_ctl.reach import Reach, as_line, called
from cargo_ctl.render import history_files as render
from cargo_ctl.render.history import lost
from cargo_sync.api.messages import JsonObject

if TYPE_CHECKING:
    from cargo_sync.api.client import Client

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What is asked for, as the command line has it.

    since  a cursor: all rows after it
    args   the filters, as the command `history` takes them
    """

    since: int | None
    args: JsonObject
    limit: int
    follow: bool
    as_csv: bool


def show(reach: Reach, wanted: HistoryQuery) -> None:
    """Print the newest rows, or all after a cursor, in the order in which they happened."""
    from cargo_sync.api.client import Client

    addresses = reach.addresses()
    if wanted.as_csv:
        click.echo(render.CSV_HEAD)
    with reach.ending(), Client(addresses.commands, key=addresses.key) as client:
        if wanted.since is None:
            rows, since = _newest(client, wanted)
            _print(reach, wanted, rows)
        else:
            since = _after(reach, client, wanted, wanted.since)
        if wanted.follow:
            _follow(reach, client, wanted, since)


def _newest(client: "Client", wanted: HistoryQuery) -> tuple[list[JsonObject], int]:
    """The newest rows, the oldest of them first; the cursor to go on from."""
    rows: list[JsonObject] = []
    since: int | None = None
    before: int | None = None
    while len(rows) < wanted.limit:
        more = {} if before is None else {"before": before}
        limit = min(_PAGE, wanted.limit - len(rows))
        answer = called(client, "history", {**wanted.args, "limit": limit, **more})
        rows += answers.rows(answer, "rows")
        since = answers.number(answer, "next") if since is None else since
        before = answers.cursor(answer, "before")
        if before is None:
            break
    return rows[::-1], since or 0


def _after(reach: Reach, client: "Client", wanted: HistoryQuery, since: int) -> int:
    """Print all rows after a cursor; the cursor to go on from."""
    more = True
    while more:
        asked = {**wanted.args, "since": since, "limit": _PAGE}
        page = answers.history_page(called(client, "history", asked))
        if since + 1 < page.oldest:
            click.echo(f"cargo_ctl: {lost(since, page.oldest)}", err=True)
        _print(reach, wanted, page.rows)
        since, more = page.next, page.more
    return since


def _follow(reach: Reach, client: "Client", wanted: HistoryQuery, since: int) -> None:
    """Print rows as they come. A notice only says that there is something new."""
    from cargo_sync.api import topics

    with reach.feed((topics.NOTICES,)) as subscription:
        while True:
            since = _after(reach, client, wanted, since)
            subscription.receive()
            while subscription.receive(0) is not None:
                pass  # several notices need only one reading


def _print(reach: Reach, wanted: HistoryQuery, rows: list[JsonObject]) -> None:
    for row in rows:
        if wanted.as_csv:
            click.echo(render.csv_line(row))
        else:
            click.echo(as_line(row) if reach.as_json else render.happened(row))
