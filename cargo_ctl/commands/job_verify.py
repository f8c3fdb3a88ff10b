"""`cargo_ctl job verify`: compares both sides of a job by content."""

import sys
import time

import click

from cargo_ctl import answers
from cargo_ctl.answers import ComparisonPage
from cargo_ctl.names import JOB
from cargo_ctl.options import limit_option
from cargo_ctl.reach import Reach, as_line, reaching
from cargo_ctl.render import differences
from cargo_sync.api.messages import JsonObject

_POLL = 0.2
_PAGE = 1000


@click.command()
@click.argument("name", type=JOB)
@click.option("--again", is_flag=True, help="Deliver again what is changed or gone there.")
@limit_option(help="List at most this many files.")
@reaching
def verify(reach: Reach, name: str, again: bool, limit: int | None) -> None:
    """Compare both sides of a job by content, and list what differs.

    Every file is read on both sides. A job leaves alone what it has delivered, also if somebody
    changes or removes it there: this finds it, and so it finds what a disk has lost. The job goes
    on meanwhile. The exit code is 1 if something differs.

    \b
    Examples:
      cargo_ctl job verify nightly
      cargo_ctl job verify nightly --again
      cargo_ctl job verify nightly --json
    """
    run = answers.text(reach.call("job.verify", {"job": name}), "run")
    page = _first(reach, name, run)
    totals, listed = page.totals, _listed(reach, name, run, page, limit)
    deliverable, delivery = answers.number(totals, "again"), ""
    if again and deliverable:
        answer = reach.call("job.deliver", {"job": name, "run": run})
        delivery, deliverable = answers.text(answer, "run"), 0
    if reach.as_json:
        result = {"run": run, "totals": totals, "files": listed, "delivery": delivery or None}
        click.echo(as_line(result))
    else:
        click.echo(differences.totals(name, totals, deliverable))
        if delivery:
            click.echo(f"what was changed or gone there is delivered again: run {delivery}")
    sys.exit(int(differences.any_in(totals)))


def _first(reach: Reach, name: str, run: str) -> ComparisonPage:
    """Waits for the end of a comparison; the first page of what it found."""
    shows = sys.stderr.isatty() and not reach.as_json
    while not (page := _page(reach, name, run, 0)).ready:
        if shows:
            click.echo(f"\r{differences.progress(page.totals)}", nl=False, err=True)
        time.sleep(_POLL)
    if shows:
        click.echo("\r\033[K", nl=False, err=True)
    return page


def _listed(
    reach: Reach, name: str, run: str, page: ComparisonPage, limit: int | None
) -> list[JsonObject]:
    """Prints what differs; as JSON it is returned instead."""
    rows: list[JsonObject] = []
    left = sys.maxsize if limit is None else limit
    if page.files and not reach.as_json:
        click.echo(differences.heading())
    while page.files and left:
        some = page.files[:left]
        left -= len(some)
        if reach.as_json:
            rows += some
        else:
            click.echo(differences.files(some))
        if page.next is None:
            break
        page = _page(reach, name, run, page.next)
    return rows


def _page(reach: Reach, name: str, run: str, after: int) -> ComparisonPage:
    args = {"job": name, "run": run, "after": after, "limit": _PAGE}
    return answers.comparison_page(reach.call("job.verify", args))
