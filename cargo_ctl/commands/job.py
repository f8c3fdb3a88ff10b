"""`cargo_ctl job …`: start, pause and look at jobs."""

import time
from collections.abc import Callable
from typing import Any

import click

from cargo_ctl import answers
from cargo_ctl.answers import PlanPage
from cargo_ctl.commands.job_edit import edit, set_
from cargo_ctl.commands.job_files import add, remove
from cargo_ctl.commands.job_look import history, test
from cargo_ctl.commands.job_verify import verify
from cargo_ctl.names import JOB
from cargo_ctl.options import limit_option
from cargo_ctl.reach import Reach, as_line, common_options, reaching
from cargo_ctl.render import job_files, jobs, plan
from cargo_sync.api.messages import JsonObject

_POLL = 0.2
_PAGE = 1000


@click.group()
@common_options
def job(**_options: Any) -> None:
    """Add, remove, start and pause jobs; see what they do, did and would do.

    \b
    Examples:
      cargo_ctl job list
      cargo_ctl job pause --all
      cargo_ctl job plan nightly
    """


def _one_or_all(function: Callable[..., None]) -> Callable[..., None]:
    function = click.option("--all", "every", is_flag=True, help="All jobs.")(function)
    return click.argument("name", required=False, type=JOB)(function)


def _args(name: str | None, every: bool) -> dict[str, str]:
    if bool(name) == every:
        raise click.UsageError("give the NAME of a job, or --all")
    return {} if name is None else {"job": name}


@job.command("list")
@reaching
def list_(reach: Reach) -> None:
    """List all jobs with state, progress and errors.

    \b
    Example:
      cargo_ctl job list
    """
    result = reach.call("job.list")
    reach.show(result, jobs.job_list(result, time.time()))


@job.command()
@click.argument("name", type=JOB)
@click.option("--file", "as_file", is_flag=True, help="Show its file, without its secrets.")
@reaching
def show(reach: Reach, name: str, as_file: bool) -> None:
    """Show one job: settings, next run, what fails and why.

    \b
    Examples:
      cargo_ctl job show nightly
      cargo_ctl job show nightly --file
    """
    if as_file:
        result = reach.call("job.read", {"job": name})
        reach.show(result, job_files.shown(result))
        return
    result = reach.call("job.show", {"job": name})
    reach.show(result, jobs.job_show(result, time.time()))


@job.command()
@_one_or_all
@reaching
def start(reach: Reach, name: str | None, every: bool) -> None:
    """End a pause. Transfers go on where they stopped.

    \b
    Examples:
      cargo_ctl job start nightly
      cargo_ctl job start --all
    """
    result = reach.call("job.start", _args(name, every))
    reach.show(result, jobs.states(result))


@job.command()
@_one_or_all
@reaching
def pause(reach: Reach, name: str | None, every: bool) -> None:
    """Pause a job until `job start`. It stops within a second, also in the middle of a file.

    A restart of the daemon does not end the pause.

    \b
    Examples:
      cargo_ctl job pause nightly
      cargo_ctl job pause --all
    """
    result = reach.call("job.pause", _args(name, every))
    reach.show(result, jobs.states(result))


@job.command()
@_one_or_all
@reaching
def reload(reach: Reach, name: str | None, every: bool) -> None:
    """Read a job's file again. If the file has errors, the job keeps its old settings.

    \b
    Examples:
      cargo_ctl job reload nightly
      cargo_ctl job reload --all
    """
    result = reach.call("job.reload", _args(name, every))
    reach.show(result, jobs.states(result))


@job.command()
@click.argument("name", type=JOB)
@reaching
def sync(reach: Reach, name: str) -> None:
    """Look for changes now, without waiting for the next scheduled run.

    \b
    Example:
      cargo_ctl job sync nightly
    """
    result = reach.call("job.sync", {"job": name})
    reach.show(result, jobs.started(name, result))


@job.command()
@click.argument("name", type=JOB)
@click.argument("held", required=False)
@reaching
def approve(reach: Reach, name: str, held: str | None) -> None:
    """Let exactly what a job holds pass: these deletions and overwrites, in these versions.

    `job show` gives the id HELD of what is held. Without HELD it is what the job holds now. More
    than that is held anew. Source files that a power cut has damaged are sent as they are, too. A
    job that met a restored server compares both sides afresh, and deletes nothing.

    \b
    Examples:
      cargo_ctl job approve nightly
      cargo_ctl job approve nightly 5f0c2a91
    """
    result = reach.call("job.approve", _held(name, held))
    reach.show(result, jobs.started(name, result))


@job.command()
@click.argument("name", type=JOB)
@click.argument("held", required=False)
@reaching
def reject(reach: Reach, name: str, held: str | None) -> None:
    """Keep the destination as it is, instead of what a job holds.

    What was to be deleted stays there, and the job forgets it; a two-way job brings it back to the
    other side. What was to be overwritten stays until its source changes again; `job sync` plans it
    again.

    \b
    Examples:
      cargo_ctl job reject nightly
      cargo_ctl job reject nightly 5f0c2a91
    """
    result = reach.call("job.reject", _held(name, held))
    reach.show(result, jobs.started(name, result))


def _held(name: str, held: str | None) -> dict[str, str]:
    return {"job": name} if held is None else {"job": name, "held": held}


@job.command()
@click.argument("name", type=JOB)
@click.argument("speed", metavar="SPEED|none|reset")
@reaching
def speed(reach: Reach, name: str, speed: str) -> None:
    """Change the speed of a job at once, for running transfers too.

    The new speed stays, also after a restart, until the speed in the job's file changes. none means
    no limit, reset goes back to the speed in the file.

    \b
    Examples:
      cargo_ctl job speed nightly 10mbps
      cargo_ctl job speed nightly none
      cargo_ctl job speed nightly reset
    """
    result = reach.call("job.speed", {"job": name, "speed": None if speed == "reset" else speed})
    reach.show(result, jobs.speed_set(result))


@job.command("plan")
@click.argument("name", type=JOB)
@limit_option(help="List at most this many actions.")
@reaching
def plan_(reach: Reach, name: str, limit: int | None) -> None:
    """Show what the next run would do, without doing it.

    \b
    Examples:
      cargo_ctl job plan nightly
      cargo_ctl job plan nightly --limit 20 --json
    """
    run = answers.text(reach.call("job.plan", {"job": name}), "run")
    page = _page(reach, name, run, 0, limit)
    while not page.ready:
        time.sleep(_POLL)
        page = _page(reach, name, run, 0, limit)
    totals, shown = page.totals, 0
    listed: list[JsonObject] = []
    if page.actions and not reach.as_json:
        click.echo(plan.heading(two_way="direction" in page.actions[0]))
    while page.actions:
        shown += len(page.actions)
        if reach.as_json:
            listed += page.actions
        else:
            click.echo(plan.actions(page.actions))
        if page.next is None or (limit is not None and shown >= limit):
            break
        page = _page(reach, name, run, page.next, limit and limit - shown)
    if reach.as_json:
        click.echo(as_line({"run": run, "totals": totals, "actions": listed}))
    else:
        click.echo(plan.totals(name, totals, shown, page.next is not None))


def _page(reach: Reach, name: str, run: str, after: int, limit: int | None) -> PlanPage:
    size = _PAGE if limit is None else min(limit, _PAGE)
    args = {"job": name, "run": run, "after": after, "limit": size}
    return answers.plan_page(reach.call("job.plan", args))


for _command in (add, edit, set_, remove, history, test, verify):
    job.add_command(_command)
