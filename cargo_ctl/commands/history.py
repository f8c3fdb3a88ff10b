"""`cargo_ctl history`: what happened, one row per file.

Here is what a daemon tells of its jobs; `history_files` has what a server tells of its files.
"""

import contextlib
from typing import TYPE_CHECKING, get_args

import click

from cargo_ctl import answers
from cargo_ctl.answers import HistoryPage
from cargo_ctl.commands import history_files
from cargo_ctl.names import JOB, USER, WORKSPACE
from cargo_ctl.options import CursorOrTime, ago_option, limit_option
from cargo_ctl.reach import Reach, as_line, called, reaching
from cargo_ctl.render import history as render
from cargo_sync.api.history_commands import FileKind
from cargo_sync.choice import OneOf

if TYPE_CHECKING:
    from cargo_sync.api.client import Client

_PAGE = 1000


@click.command()
@click.argument("pattern", required=False, default="")
@click.option(
    "--since",
    type=CursorOrTime(),
    metavar="CURSOR|TIME",
    help="All rows after this one; with --server also a time: 2d, 12h, 2026-11-28.",
)
@ago_option("--until", help="With --server: only what happened before that time.")
@click.option("--job", type=JOB, metavar="NAME", help="Only rows of this job.")
@click.option("--user", type=USER, metavar="USER", help="With --server: only what they did.")
@click.option(
    "--workspace",
    type=WORKSPACE,
    metavar="NAME",
    help="With --server: only in this workspace; the own folder of a user is USER:default.",
)
@click.option(
    "--kind", type=OneOf(list(get_args(FileKind))), help="With --server: only what is of this kind."
)
@limit_option(default=100, help="How many of the newest rows to show first.")
@click.option("--follow", is_flag=True, help="Show new rows as they come, until Ctrl-C.")
@click.option("--csv", "as_csv", is_flag=True, help="With --server: print CSV, for a spreadsheet.")
@reaching
def history(
    reach: Reach,
    pattern: str,
    since: int | float | None,
    until: float | None,
    job: str | None,
    user: str | None,
    workspace: str | None,
    kind: str | None,
    limit: int,
    follow: bool,
    as_csv: bool,
) -> None:
    """Show what happened: one line per file that was transferred, deleted, or failed.

    It shows the newest rows, in the order in which they happened; with --since all rows after that
    one, without gaps. With --json each line is one row. `job history` shows one job, newest first.

    With --server it shows the files of a server: who uploaded, downloaded, moved, deleted,
    replaced or restored them. PATTERN is a path, for it and everything below it. With *, ? or [...]
    it is compared with the whole path or, if it has no /, with the name.

    \b
    Examples:
      cargo_ctl history --job nightly
      cargo_ctl history --since 4711 --json
      cargo_ctl history --follow
      cargo_ctl history --server 'clip 12*'
      cargo_ctl history --server --user ana --kind deleted --since 7d
      cargo_ctl history --server music/live --workspace shared --csv
    """
    filters = {"path": pattern, "user": user, "workspace": workspace, "kind": kind}
    filters = {name: value for name, value in filters.items() if value}
    with contextlib.suppress(KeyboardInterrupt):
        if reach.kind() == "server":
            if job is not None:
                raise click.UsageError("--job is for a daemon, without --server")
            if as_csv and reach.as_json:
                raise click.UsageError("--csv and --json cannot be used together")
            cursor = since if isinstance(since, int) else None
            times = {"start": since if isinstance(since, float) else None, "end": until}
            args = {
                **filters,
                **{name: max(0, int(time)) for name, time in times.items() if time is not None},
            }
            history_files.show(
                reach, history_files.HistoryQuery(cursor, args, limit, follow, as_csv)
            )
            return
        if filters or until is not None or as_csv:
            option = next(iter(filters), "until" if until is not None else "csv")
            words = "PATTERN" if option == "path" else f"--{option}"
            raise click.UsageError(f"{words} needs --server")
        if isinstance(since, float):
            raise click.UsageError("--since takes the cursor of a row; times need --server")
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
