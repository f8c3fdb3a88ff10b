"""`cargo_ctl callback …`: HTTP callbacks."""

import time
from typing import Any

import click

from cargo_ctl import answers
from cargo_ctl.names import CALLBACK, JOB
from cargo_ctl.options import limit_option
from cargo_ctl.reach import FAILED, Reach, as_line, common_options, reaching
from cargo_ctl.render import callbacks
from cargo_sync.api.messages import JsonObject
from cargo_sync.choice import OneOf

_PAGE = 1000


@click.group()
@common_options
def callback(**_options: Any) -> None:
    """List, retry and test HTTP callbacks.

    \b
    Examples:
      cargo_ctl callback list --state dead
      cargo_ctl callback retry --job nightly
      cargo_ctl callback test nightly onFinish
      cargo_ctl callback list --server
    """


@callback.command("list")
@click.argument("name", required=False, type=JOB)
@click.option(
    "--state",
    type=OneOf(["pending", "dead"]),
    help="Only callbacks that wait (pending), or that were given up (dead).",
)
@limit_option(default=100, help="How many callbacks to show.")
@reaching
def list_(reach: Reach, name: str | None, state: str | None, limit: int) -> None:
    """List callbacks that wait or were given up, of one job or of all jobs, or of a server.

    \b
    Examples:
      cargo_ctl callback list
      cargo_ctl callback list nightly --state dead --json
      cargo_ctl callback list --server
    """
    args: dict[str, object] = {"job": name} if name else {}
    args |= {"state": state} if state else {}
    listed: list[JsonObject] = []
    after: int | None = 0
    while True:
        args |= {"after": after, "limit": min(_PAGE, limit - len(listed))}
        answer = reach.call("callback.list", args)
        found, after = answers.page(answer, "callbacks")
        listed += found
        if after is None or len(listed) >= limit:
            break
    result = {"callbacks": listed, "totals": answers.part(answer, "totals")}
    reach.show(result, callbacks.callback_list(result, time.time()))


@callback.command()
@click.argument("id", required=False, type=CALLBACK)
@click.option("--job", "name", type=JOB, metavar="NAME", help="All of a job.")
@click.option("--all", "every", is_flag=True, help="All of all jobs.")
@reaching
def retry(reach: Reach, id: str | None, name: str | None, every: bool) -> None:
    """Send waiting callbacks now, and retry those that were given up.

    \b
    Examples:
      cargo_ctl callback retry msg_5f0c7a
      cargo_ctl callback retry --job nightly
      cargo_ctl callback retry --all
      cargo_ctl callback retry --all --server
    """
    if (id is not None) + (name is not None) + every != 1:
        raise click.UsageError("give the ID of a callback, --job NAME, or --all")
    result = reach.call("callback.retry", {"id": id} if id else {"job": name} if name else {})
    reach.show(result, callbacks.retried(result))


@callback.command()
@click.argument("name", required=False, type=JOB)
@click.argument("event", required=False)
@reaching
def test(reach: Reach, name: str | None, event: str | None) -> None:
    """Send one callback of a job now, with example values; or one of a server.

    It sends the callback for EVENT, or for the first event in the file. The exit code is 1 if the
    receiver did not accept it. With --server, there is no NAME.

    \b
    Examples:
      cargo_ctl callback test nightly
      cargo_ctl callback test nightly onError --json
      cargo_ctl callback test --server onUploaded
    """
    if reach.server:
        if event is not None:
            raise click.UsageError("with --server give only the event")
        args = {"event": name} if name else {}
    elif name is None:
        raise click.UsageError("give the name of a job")
    else:
        args = {"job": name} | ({"event": event} if event else {})
    result = reach.call("callback.test", args)
    click.echo(as_line(result) if reach.as_json else callbacks.tested(result))
    if not answers.flag(result, "delivered"):
        click.get_current_context().exit(FAILED)
