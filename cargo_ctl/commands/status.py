"""`cargo_ctl status`: the overall state."""

from dataclasses import fields
from typing import NoReturn

import click

from cargo_ctl.names import JOB
from cargo_ctl.reach import FAILED, NOT_RUNNING, Reach, as_line, reaching
from cargo_ctl.render import health, jobs, servers
from cargo_ctl.render.health import Health, Level


@click.command()
@click.argument("job", required=False, type=JOB)
@click.option(
    "--check", is_flag=True, help="For a monitoring system: one line, and an exit code by state."
)
@reaching
def status(reach: Reach, job: str | None, check: bool) -> None:
    """Show the overall state and progress, or the users and transfers of a server.

    The exit code is 1 if the state is error: a job cannot run, or something fails in it.

    With --check it prints one line with figures, as Nagios, Icinga and others expect it, about all
    jobs, one JOB or a server. The exit code is 0 if all is well, 1 if a person should look (a job
    is held or paused, or has conflicts), 2 if something fails or nothing is running, 3 if it is
    not known.

    \b
    Examples:
      cargo_ctl status --json
      cargo_ctl status --server
      cargo_ctl status --check
      cargo_ctl status --check nightly
    """
    if check:
        _end(reach, _health(_CheckReach.like(reach), job))
    if job is not None:
        raise click.UsageError(f"a JOB needs --check; to see one job: cargo_ctl job show {job}")
    result = reach.call("status")
    render = servers.status if result.get("kind") == "server" else jobs.status
    reach.show(result, render(result))
    if result.get("state") == "error":
        click.get_current_context().exit(FAILED)


class _CheckReach(Reach):
    """A reach whose failures are the result of a check."""

    @classmethod
    def like(cls, reach: Reach) -> "_CheckReach":
        return cls(**{each.name: getattr(reach, each.name) for each in fields(reach)})

    def fail(self, exit_code: int, code: str, message: str, hint: str = "") -> NoReturn:
        level = Level.CRITICAL if exit_code == NOT_RUNNING else Level.UNKNOWN
        _end(self, health.failed(level, message))


def _health(reach: Reach, job: str | None) -> Health:
    if job is not None:
        return health.of_job(reach.call("job.show", {"job": job}))
    if reach.server:
        return health.of_server(reach.call("status"))
    return health.of_jobs(reach.call("job.list"))


def _end(reach: Reach, found: Health) -> NoReturn:
    result = {
        "level": found.level.name.lower(),
        "message": found.message,
        "figures": dict(found.figures),
    }
    click.echo(as_line(result) if reach.as_json else found.line)
    click.get_current_context().exit(found.level)
