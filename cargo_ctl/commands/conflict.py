"""`cargo_ctl conflict …`: paths that both sides of a two-way job changed."""

from collections.abc import Sequence
from typing import Any

import click

from cargo_ctl import answers
from cargo_ctl.names import CONFLICT, JOB
from cargo_ctl.options import limit_option, yes_option
from cargo_ctl.reach import FAILED, Reach, called, common_options, reaching
from cargo_ctl.render import conflicts
from cargo_ctl.render.words import escaped
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
@click.argument("ids", metavar="[ID]...", nargs=-1, type=CONFLICT)
@click.argument("choice", type=OneOf(["keep-both", "local", "remote"]))
@click.option("--all", "every", is_flag=True, help="All open conflicts, instead of ids.")
@click.option("--job", type=JOB, metavar="NAME", help="With --all: only those of this job.")
@yes_option
@reaching
def resolve(
    reach: Reach, ids: tuple[str, ...], choice: str, every: bool, job: str | None, yes: bool
) -> None:
    """Decide open conflicts: these, or all.

    keep-both: the server's version keeps the name, and the local one gets a new name; both sides
    have both. local or remote: this version wins; the other one goes to the trash of its side. If
    one of them has changed since the job saw the conflict, nothing is done about it, and you are
    told; the others are decided. --all asks first; without a terminal it needs --yes.

    \b
    Examples:
      cargo_ctl conflict resolve 7 keep-both
      cargo_ctl conflict resolve 7 8 12 local
      cargo_ctl conflict resolve --all --job docs keep-both
    """
    if every is bool(ids) or (job is not None and not every):
        raise click.UsageError("give the ids of conflicts, or --all; --job needs --all")
    numbers = [_number(id) for id in ids]
    if every:
        numbers = [answers.number(row, "id") for row in _open(reach, job)]
        reach.confirm(conflicts.deciding(len(numbers), choice), yes or not numbers)
    if len(numbers) == 1:
        args: JsonObject = {"id": numbers[0], "choice": choice.replace("-", "_")}
        result = reach.call("conflict.resolve", args)
        reach.show(result, conflicts.resolved(result))
    else:
        _decide(reach, numbers, choice)


def _decide(reach: Reach, numbers: Sequence[int], choice: str) -> None:
    """Decide one conflict after the other; what is refused does not keep the others waiting."""
    from cargo_sync.api.client import Client, CommandError

    addresses, refused = reach.addresses(), 0
    with reach.ending(), Client(addresses.commands, key=addresses.key) as client:
        for number in numbers:
            args: JsonObject = {"id": number, "choice": choice.replace("-", "_")}
            try:
                result = called(client, "conflict.resolve", args)
            except CommandError as error:
                refused += 1
                problem = {"code": error.code, "message": error.message, "hint": error.hint}
                reach.show({"id": number, "error": problem}, escaped(f"{number}: {error.message}"))
            else:
                reach.show(result, conflicts.resolved(result))
    if not reach.as_json:
        click.echo(conflicts.decided(len(numbers) - refused, refused))
    if refused:
        click.get_current_context().exit(FAILED)


def _open(reach: Reach, job: str | None) -> list[JsonObject]:
    """All open conflicts, of a job or of all."""
    listed: list[JsonObject] = []
    after: int | None = 0
    while after is not None:
        args: JsonObject = {"after": after, "limit": _PAGE, **({"job": job} if job else {})}
        found, after = answers.page(reach.call("conflict.list", args), "conflicts")
        listed += found
    return listed


def _number(id: str) -> int:
    if not (id.isascii() and id.isdecimal()):
        raise click.UsageError(f"a conflict has a number, not {id!r}: cargo_ctl conflict list")
    return int(id)
