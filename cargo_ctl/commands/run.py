"""`cargo_ctl run …`: what a job's runs did, and where what they displaced is now."""

from typing import Any

import click

from cargo_ctl import answers
from cargo_ctl.names import JOB
from cargo_ctl.options import limit_option
from cargo_ctl.reach import Reach, common_options, reaching
from cargo_ctl.render import runs
from cargo_sync.api.messages import JsonObject

_PAGE = 1000


@click.group()
@common_options
def run(**_options: Any) -> None:
    """List a job's runs; show what one did, and where what it displaced is now.

    \b
    Examples:
      cargo_ctl run list nightly
      cargo_ctl run show 20261129T081500Z-5f0c7a12
    """


@run.command("list")
@click.argument("name", type=JOB)
@limit_option(default=20, help="How many runs to show.")
@reaching
def list_(reach: Reach, name: str, limit: int) -> None:
    """List the runs that did something or failed, the newest first.

    \b
    Examples:
      cargo_ctl run list nightly
      cargo_ctl run list nightly --limit 3 --json
    """
    listed: list[JsonObject] = []
    before: int | None = None
    while True:
        args = {"job": name, "limit": min(_PAGE, limit - len(listed))}
        answer = reach.call("run.list", args | ({"before": before} if before else {}))
        found, before = answers.page(answer, "runs")
        listed += found
        if before is None or len(listed) >= limit:
            break
    result: JsonObject = {"runs": listed}
    reach.show(result, runs.run_list(result))


@run.command()
@click.argument("which", metavar="RUN")
@limit_option(default=100, help="How many displaced versions to show of each side.")
@reaching
def show(reach: Reach, which: str, limit: int) -> None:
    """Show one run, and each version that it displaced: kept, restored to where, or freed.

    \b
    Examples:
      cargo_ctl run show 20261129T081500Z-5f0c7a12
      cargo_ctl run show 20261129T081500Z-5f0c7a12 --json
    """
    found = reach.call("run.show", {"run": which})
    args = {"job": answers.text(found, "job"), "run": which, "all": True}
    args["limit"] = min(_PAGE, limit)
    near = reach.call("trash.list", {**args, "side": "near"})
    far = reach.call("trash.list", {**args, "side": "far"})
    versions = [*answers.rows(near, "versions"), *answers.rows(far, "versions")]
    more = near.get("next") is not None or far.get("next") is not None
    result = {"run": found, "versions": versions, "more": more}
    reach.show(result, runs.run_show(result))
