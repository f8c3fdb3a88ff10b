"""`cargo_ctl job history` and `cargo_ctl job test`: what a job did, and whether it can run."""

import time
from typing import Any

import click

from cargo_ctl.names import JOB
from cargo_ctl.options import limit_option
from cargo_ctl.reach import FAILED, Reach, as_line, reaching
from cargo_ctl.render import checks
from cargo_ctl.render import history as rendered

_PAGE = 1000
_POLL = 0.1


@click.command()
@click.argument("name", type=JOB)
@limit_option(default=50, help="How many rows to show.")
@click.option("--failed", is_flag=True, help="Only failures.")
@click.option(
    "--before", type=click.IntRange(min=1), metavar="CURSOR", help="Only rows older than this one."
)
@reaching
def history(reach: Reach, name: str, limit: int, failed: bool, before: int | None) -> None:
    """Show what happened in a job, newest first. Works for removed jobs too.

    Times are local times. TOOK and SPEED are those of the batch that the file was part of.

    \b
    Examples:
      cargo_ctl job history nightly
      cargo_ctl job history nightly --failed --limit 10
      cargo_ctl job history nightly --before 4711 --json
    """
    rows: list[dict[str, Any]] = []
    more = before
    while len(rows) < limit:
        args: dict[str, Any] = {"job": name, "limit": min(_PAGE, limit - len(rows))}
        args |= {"failed": True} if failed else {}
        page = reach.call("job.history", args | ({} if more is None else {"before": more}))
        rows += page["rows"]
        more = page["next"]
        if more is None:
            break
    reach.show({"job": name, "rows": rows, "next": more}, rendered.of_job(name, rows, more))


@click.command()
@click.argument("name", type=JOB)
@reaching
def test(reach: Reach, name: str) -> None:
    """Check a job: server, login, folders, permissions, speed, clock.

    It changes nothing on either side. The exit code is 1 if a check fails; ! marks a warning.

    \b
    Examples:
      cargo_ctl job test nightly
      cargo_ctl job test nightly --json
    """
    test = reach.call("job.test", {"job": name})
    shown = 0
    while True:
        if not reach.as_json:
            for step in test["steps"][shown:]:
                click.echo(checks.step(step))
        shown = len(test["steps"])
        if test["ready"]:
            break
        time.sleep(_POLL)
        test = reach.call("job.test", {"job": name, "test": test["test"]})
    if reach.as_json:
        click.echo(as_line({"job": name, "test": test["test"], "steps": test["steps"]}))
    if not all(step["ok"] for step in test["steps"]):
        click.get_current_context().exit(FAILED)
