"""`cargo_ctl trash …`: what was replaced and deleted, and the way back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

import click

from cargo_ctl import answers
from cargo_ctl.folder_versions import InFolder, newest_above
from cargo_ctl.names import JOB_OR_WORKSPACE, USER
from cargo_ctl.options import ago_option, limit_option, yes_option
from cargo_ctl.reach import FAILED, Reach, as_line, common_options, reaching
from cargo_ctl.render import trash as render
from cargo_sync.api.messages import LONGEST_LIST, JsonObject
from cargo_sync.choice import OneOf

_PAGE: Final = 1000
_SIDES: Final[Mapping[str, str]] = {"local": "near", "server": "far"}

Where = dict[str, object]
"""The arguments that say which trash is meant."""


@click.group()
@common_options
def trash(**_options: Any) -> None:
    """List what was replaced and deleted, bring it back, or remove it for good.

    What a job replaces or deletes goes to the trash of the folder that it writes to: of an upload
    that is the server's, of a download the local one. With --server it is the trash of a workspace.

    \b
    Examples:
      cargo_ctl trash list nightly
      cargo_ctl trash restore nightly docs/plan.odt
      cargo_ctl trash empty nightly --older 7d
    """


def _of_one(function: Callable[..., None]) -> Callable[..., None]:
    """The arguments that say which trash: of a job, or of a workspace or user of a server."""
    side = click.option(
        "--side",
        type=OneOf(list(_SIDES)),
        help="The local folder of a job, or its folder on the server. Default: where it writes to.",
    )
    user = click.option(
        "--user", type=USER, metavar="USER", help="With --server: the own folder of a user."
    )
    return side(user(function))


@trash.command("list")
@click.argument("name", required=False, metavar="JOB|WORKSPACE", type=JOB_OR_WORKSPACE)
@click.argument("pattern", required=False, default="")
@click.option("--run", metavar="RUN", default="", help="Only what this run displaced.")
@ago_option("--since", help="Only what was displaced after that time: 2d, 12h, 2026-11-28.")
@click.option("--all", "every", is_flag=True, help="Also what was restored or freed.")
@limit_option(default=100, help="How many versions to show.")
@_of_one
@reaching
def list_(
    reach: Reach,
    name: str | None,
    pattern: str,
    run: str,
    since: float | None,
    every: bool,
    limit: int,
    side: str | None,
    user: str | None,
) -> None:
    """List versions, the newest first.

    PATTERN is a path, for it and everything below it. With *, ? or [...] it is compared with the
    whole path or, if it has no /, with the name.

    \b
    Examples:
      cargo_ctl trash list nightly
      cargo_ctl trash list nightly '*.odt' --since 2d
      cargo_ctl trash list nightly --run 20261129T081500Z-5f0c7a12 --json
      cargo_ctl trash list --server music
      cargo_ctl trash list --server --user ana docs
    """
    if user is not None and name is not None:
        pattern, name = name, None  # --user takes the place of the name
    where = _where(reach, name, side, user)
    wanted: Where = {"pattern": pattern, "run": run, "all": every, **_since(since)}
    for answer, rows in _sides(reach, where, wanted, limit):
        result = {**answer, "versions": rows}
        reach.show(result, render.versions(result))


@trash.command()
@click.argument("name", required=False, metavar="JOB|WORKSPACE", type=JOB_OR_WORKSPACE)
@click.argument("what", nargs=-1, metavar="[PATH|ID]...")
@click.option("--run", metavar="RUN", default="", help="All that this run displaced.")
@click.option("--to", metavar="FOLDER", default="", help="Below this folder of the same root.")
@click.option(
    "--path", metavar="PATH", default="", help="Only this, of the folders with these ids."
)
@_of_one
@reaching
def restore(
    reach: Reach,
    name: str | None,
    what: tuple[str, ...],
    run: str,
    to: str,
    path: str,
    side: str | None,
    user: str | None,
) -> None:
    """Bring back versions: of a path the newest one, by its id exactly this one.

    A path of a folder brings back all that was displaced in it, a pattern all that matches. A file
    that went to the trash with its folder is taken out of that. Nothing is overwritten: what stands
    there goes to the trash in turn, and can be brought back. On other people's servers (SFTP, S3)
    what stands there stays, and the version is refused: move it away, or give --to. With --run,
    everything is as it was before that run. If a file is called like an id, write ./12.

    \b
    Examples:
      cargo_ctl trash restore nightly docs/plan.odt
      cargo_ctl trash restore nightly 12 s7
      cargo_ctl trash restore nightly --run 20261129T081500Z-5f0c7a12
      cargo_ctl trash restore nightly docs --to found
      cargo_ctl trash restore nightly 12 --path letters/may.odt
      cargo_ctl trash restore --server music 12
    """
    if user is not None and name is not None:
        what, name = (name, *what), None
    where = _where(reach, name, side, user)
    if bool(what) == bool(run):
        raise click.UsageError("give paths or ids, or --run RUN")
    if path and not (what and all(map(_is_id, what))):
        raise click.UsageError("--path goes with the ids of folders")
    if run or path:
        chosen = [InFolder(id, path) for id in (_of_run(reach, where, run) if run else what)]
    else:
        chosen = _chosen(reach, where, what)
    results: list[JsonObject] = []
    for inside, some in _parts(chosen):
        sent = {name: value for name, value in where.items() if name != "side"}
        one = {"inside": inside} if inside else {}
        result = reach.call("trash.restore", {**sent, "ids": some, "to": to, **one})
        found = answers.rows(result, "results")
        results += found
        if not reach.as_json:
            for line in map(render.restored, found):
                click.echo(line)
    failed = [one for one in results if one.get("code") != "done"]
    click.echo(as_line({"results": results}) if reach.as_json else render.summary(results))
    if failed or not results:
        click.get_current_context().exit(FAILED)


@trash.command()
@click.argument("name", required=False, metavar="JOB|WORKSPACE", type=JOB_OR_WORKSPACE)
@ago_option("--older", help="Only what has been there for so long: 7d, 12h.", span=True)
@yes_option
@_of_one
@reaching
def empty(
    reach: Reach,
    name: str | None,
    older: float | None,
    yes: bool,
    side: str | None,
    user: str | None,
) -> None:
    """Remove versions for good. It asks first; without a terminal it needs --yes.

    \b
    Examples:
      cargo_ctl trash empty nightly
      cargo_ctl trash empty nightly --older 7d --yes
      cargo_ctl trash empty --server music
    """
    where = _where(reach, name, side, user)
    seconds = int(older or 0)
    totals = reach.call("trash.list", {**where, "limit": 1})
    reach.confirm(render.emptying(totals, seconds), yes)
    files = size = 0
    more = True
    while more:
        result = reach.call("trash.empty", {**where, "older": seconds})
        files += answers.number(result, "files")
        size += answers.number(result, "bytes")
        more = answers.flag(result, "more")
    result = {"files": files, "bytes": size}
    reach.show(result, render.emptied(result))


def _where(reach: Reach, name: str | None, side: str | None, user: str | None) -> Where:
    if reach.server:
        if side is not None:
            raise click.UsageError("--side is for jobs, without --server")
        if (name is None) == (user is None):
            raise click.UsageError("give the name of a workspace, or --user USER for their own")
        return {"user": user} if name is None else {"workspace": name}
    if user is not None:
        raise click.UsageError("--user needs --server")
    if name is None:
        raise click.UsageError("give the name of a job")
    return {"job": name, **({"side": _SIDES[side]} if side else {})}


def _since(since: float | None) -> Where:
    return {"since": max(0, int(since))} if since is not None else {}


def _sides(
    reach: Reach, where: Where, wanted: Where, limit: int | None
) -> Iterator[tuple[JsonObject, list[JsonObject]]]:
    """The answer and the rows of each side that is meant: a two-way job has both."""
    answer, rows = _rows(reach, where, wanted, limit)
    yield answer, rows
    if other := answer.get("other"):
        yield _rows(reach, {**where, "side": other}, wanted, limit)


def _rows(
    reach: Reach, where: Where, wanted: Where, limit: int | None
) -> tuple[JsonObject, list[JsonObject]]:
    listed: list[JsonObject] = []
    before: int | None = None
    while True:
        size = _PAGE if limit is None else min(_PAGE, limit - len(listed))
        args = {**where, **wanted, "limit": size, **({"before": before} if before else {})}
        answer = reach.call("trash.list", args)
        found, before = answers.page(answer, "versions")
        listed += found
        if before is None or (limit is not None and len(listed) >= limit):
            return answer, listed


def _of_run(reach: Reach, where: Where, run: str) -> list[str]:
    """The ids of what a run displaced: of each path the oldest, which was there before the run."""
    oldest: dict[tuple[int, str], str] = {}
    for number, (_, rows) in enumerate(_sides(reach, where, {"run": run}, None)):
        for row in rows:
            oldest[number, answers.text(row, "path")] = answers.text(row, "id")
    if not oldest:
        reach.fail(FAILED, "unknown_run", f"nothing of the run {run} is in the trash")
    return list(oldest.values())


def _chosen(reach: Reach, where: Where, what: Sequence[str]) -> list[InFolder]:
    """The ids that were given, and of each path the newest version."""
    chosen: list[InFolder] = []
    for word in what:
        if _is_id(word):
            chosen.append(InFolder(word, ""))
            continue
        path = word.removeprefix("./")
        newest = _newest([rows for _, rows in _sides(reach, where, {"pattern": path}, None)])
        above = None if newest else newest_above(path.strip("/"), partial(_matching, reach, where))
        if not newest and above is None:
            hint = "`cargo_ctl trash list` shows what there is"
            reach.fail(FAILED, "vanished", f"nothing called {word!r} is in the trash", hint)
        chosen += [InFolder(id, "") for id in newest] if above is None else [above]
    return chosen


def _matching(reach: Reach, where: Where, pattern: str) -> Iterator[JsonObject]:
    for _, rows in _sides(reach, where, {"pattern": pattern}, None):
        yield from rows


def _newest(sides: Sequence[Sequence[JsonObject]]) -> list[str]:
    """The ids of the newest version of each path; the rows of a side have the newest first.

    Of a two-way job both sides may have versions of a path. The newest of all is restored; if the
    other side has the same content, it is restored there too, so that nothing must be sent.
    Different ones would be a conflict.
    """
    ids: dict[str, list[str]] = {}
    best: dict[str, JsonObject] = {}
    for rows in sides:
        first: dict[str, JsonObject] = {}
        for row in rows:
            first.setdefault(answers.text(row, "path"), row)
        for path, row in first.items():
            there = best.get(path)
            if there and row.get("hash") and row["hash"] == there.get("hash"):
                ids[path].append(answers.text(row, "id"))
            elif there is None or answers.moment(row, "time") > answers.moment(there, "time"):
                best[path] = row
                ids[path] = [answers.text(row, "id")]
    return list(chain.from_iterable(ids.values()))


def _is_id(word: str) -> bool:
    digits = word.removeprefix("s")
    return digits.isascii() and digits.isdecimal()


def _parts(chosen: Sequence[InFolder]) -> Iterator[tuple[str, list[str]]]:
    """Ids of one side, with the same path inside, as many as a command takes."""
    together: dict[tuple[bool, str], list[str]] = {}
    for id, inside in dict.fromkeys(chosen):
        together.setdefault((id.startswith("s"), inside), []).append(id)
    for (_, inside), some in sorted(together.items()):
        for start in range(0, len(some), LONGEST_LIST):
            yield inside, some[start : start + LONGEST_LIST]
