"""`cargo_ctl conflict …`: paths that both sides of a two-way job changed."""

from typing import Any

import click

from cargo_ctl import answers
from cargo_ctl.names import CONFLICT, JOB
from cargo_ctl.options import limit_option
from cargo_ctl.reach import Reach, common_options, reaching
from cargo_ctl.render import conflicts
from cargo_sync.api.messages import JsonObject
from cargo_sync.choice import OneOf

_PAGE = 1000


@click.group()
@common_options
def conflict(**_options: Any) -> None:
    """List, show and resolve conflicts of two-way jobs.

    A conflict is a path that both sides have changed since they last agreed, each in its own way.

    \b
    Examples:
      cargo_ctl conflict list
      cargo_ctl conflict show 7
      cargo_ctl conflict resolve 7 keep-both
    """


@conflict.command("list")
@click.argument("name", required=False, type=JOB)
@click.option("--all", "every", is_flag=True, help="Also those that are resolved.")
@limit_option(default=100, help="How many conflicts to show.")
@reaching
def list_(reach: Reach, name: str | None, every: bool, limit: int) -> None:
    """List open conflicts, of one job or of all jobs.

    \b
    Examples:
      cargo_ctl conflict list
      cargo_ctl conflict list docs --all --json
    """
    args: dict[str, object] = {"job": name} if name else {}
    args |= {"state": "all"} if every else {}
    listed: list[JsonObject] = []
    after: int | None = 0
    while True:
        args |= {"after": after, "limit": min(_PAGE, limit - len(listed))}
        answer = reach.call("conflict.list", args)
        found, after = answers.page(answer, "conflicts")
        listed += found
        if after is None or len(listed) >= limit:
            break
    result = {"conflicts": listed, "totals": answers.part(answer, "totals")}
    reach.show(result, conflicts.conflict_list(result))


@conflict.command()
@click.argument("id", type=CONFLICT)
@reaching
def show(reach: Reach, id: str) -> None:
    """Show what both sides have, and what they last agreed on.

    \b
    Examples:
      cargo_ctl conflict show 7
      cargo_ctl conflict show 7 --json
    """
    result = reach.call("conflict.show", {"id": _number(id)})
    reach.show(result, conflicts.conflict_show(result))


@conflict.command()
@click.argument("id", type=CONFLICT)
@click.argument("choice", type=OneOf(["keep-both", "local", "remote"]))
@reaching
def resolve(reach: Reach, id: str, choice: str) -> None:
    """Decide an open conflict.

    keep-both: the server's version keeps the name, and the local one gets a new name; both sides
    have both. local or remote: this version wins; the other one goes to the trash of its side. If
    one of them has changed since the job saw the conflict, nothing is done, and you are told.

    \b
    Examples:
      cargo_ctl conflict resolve 7 keep-both
      cargo_ctl conflict resolve 7 local
    """
    args = {"id": _number(id), "choice": choice.replace("-", "_")}
    result = reach.call("conflict.resolve", args)
    reach.show(result, conflicts.resolved(result))


def _number(id: str) -> int:
    if not (id.isascii() and id.isdecimal()):
        raise click.UsageError(f"a conflict has a number, not {id!r}: cargo_ctl conflict list")
    return int(id)
