"""`cargo_ctl job history` and `cargo_ctl job test`: what a job did, and whether it can run."""

import time
from typing import get_args

import click

from cargo_ctl import answers
from cargo_ctl.names import JOB
from cargo_ctl.options import limit_option
from cargo_ctl.reach import FAILED, Reach, as_line, reaching
from cargo_ctl.render import checks
from cargo_ctl.render import history as rendered
from cargo_sync.api.job_commands import EventKind
from cargo_sync.api.messages import JsonObject
from cargo_sync.choice import OneOf

_PAGE = 1000
_POLL = 0.1


@click.command()
@click.argument("name", type=JOB)
@limit_option(default=50, help="How many rows to show.")
@click.option("--failed", is_flag=True, help="Only failures; the same as --kind error.")
@click.option("--kind", type=OneOf(list(get_args(EventKind))), help="Only rows of this kind.")
@click.option(
    "--path", metavar="PATTERN", default="", help="A path, for it and all below it; or a pattern."
)
@click.option(
    "--before", type=click.IntRange(min=1), metavar="CURSOR", help="Only rows older than this one."
)
@reaching
def history(
    reach: Reach,
    name: str,
    limit: int,
    failed: bool,
    kind: str | None,
    path: str,
    before: int | None,
) -> None:
    """Show what happened in a job, newest first. Works for removed jobs too.

    Times are local times. TOOK and SPEED are those of the batch that the file was part of.

    \b
    Examples:
      cargo_ctl job history nightly
      cargo_ctl job history nightly --failed --limit 10
      cargo_ctl job history nightly --path '*.mov' --kind deleted
      cargo_ctl job history nightly --before 4711 --json
    """
    rows: list[JsonObject] = []
    more = before
    while len(rows) < limit:
        args: dict[str, object] = {"job": name, "limit": min(_PAGE, limit - len(rows))}
        args |= {"kind": "error" if failed else kind} if failed or kind else {}
        args |= {"path": path} if path else {}
        args |= {} if more is None else {"before": more}
        found, more = answers.page(reach.call("job.history", args), "rows")
        rows += found
        if more is None:
            break
    reach.show({"job": name, "rows": rows, "next": more}, rendered.of_job(name, rows, more))


@click.command()
@click.argument("name", type=JOB)
@reaching
def test(reach: Reach, name: str) -> None:
    """Check a job: server, login, permissions, folders, data port, speed, clock.

    It changes nothing on either side. The exit code is 1 if a check fails; ! marks a warning.

    \b
    Examples:
      cargo_ctl job test nightly
      cargo_ctl job test nightly --json
    """
    test = answers.check_report(reach.call("job.test", {"job": name}))
    shown = 0
    while True:
        if not reach.as_json:
            for step in test.steps[shown:]:
                click.echo(checks.step(step))
        shown = len(test.steps)
        if test.ready:
            break
        time.sleep(_POLL)
        args = {"job": name, "test": test.id}
        test = answers.check_report(reach.call("job.test", args))
    if reach.as_json:
        click.echo(as_line({"job": name, "test": test.id, "steps": test.steps}))
    if not test.good:
        click.get_current_context().exit(FAILED)
