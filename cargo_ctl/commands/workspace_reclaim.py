"""`cargo_ctl workspace reclaim`: deletes what the server does not know in a bucket."""

import re
import sys
from typing import Final, NamedTuple

import click

from cargo_ctl import answers
from cargo_ctl.names import WORKSPACE
from cargo_ctl.options import yes_option
from cargo_ctl.reach import Reach, serving
from cargo_ctl.render import orphans as render
from cargo_sync.api.messages import JsonObject

_LOOK: Final = "workspace.orphans"
_DELETE: Final = "workspace.reclaim"
_KEY: Final = re.compile("[0-9a-f]{32}")


@click.command()
@click.argument("name", type=WORKSPACE)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@yes_option
@serving
def reclaim(reach: Reach, name: str, dry_run: bool, yes: bool) -> None:
    """Delete what lies in the bucket of a workspace and the server does not know.

    That is what a newer state has stored, if the server's state was restored from a backup: you
    cannot go back to that one afterwards. It is of all workspaces in the same folder of the bucket.
    What is younger than a day stays.

    It says what it found and asks for confirmation; without a terminal it needs --yes.

    \b
    Examples:
      cargo_ctl workspace reclaim archive --dry-run
      cargo_ctl workspace reclaim archive
      cargo_ctl workspace reclaim archive --yes --json
    """
    found = _all(reach, _LOOK, name)
    if dry_run or not found["objects"]:
        reach.show(found, render.orphans(found))
        return
    reach.confirm(render.reclaiming(found), yes)
    done = _all(reach, _DELETE, name)
    reach.show(done, render.reclaimed(done))


class _Found(NamedTuple):
    """What the parts of a bucket come to that were looked at: the fields of an answer."""

    workspace: str
    deleted: bool
    bucket: str = ""
    objects: int = 0
    bytes: int = 0
    oldest_s: int | None = None
    newest_s: int | None = None
    young: int = 0

    def with_part(self, answer: JsonObject) -> "_Found":
        """The next part, too. Raises StrangeAnswer."""
        oldest, newest = answers.cursor(answer, "oldest_s"), answers.cursor(answer, "newest_s")
        return self._replace(
            bucket=answers.text(answer, "bucket"),
            objects=self.objects + answers.number(answer, "objects"),
            bytes=self.bytes + answers.number(answer, "bytes"),
            oldest_s=max(_known(self.oldest_s, oldest), default=None),
            newest_s=min(_known(self.newest_s, newest), default=None),
            young=self.young + answers.number(answer, "young"),
        )


def _known(*ages: int | None) -> list[int]:
    return [age for age in ages if age is not None]


def _all(reach: Reach, command: str, name: str) -> JsonObject:
    """What all of a bucket comes to: a command looks at one part at a time."""
    shows = sys.stderr.isatty() and not reach.as_json
    found, after = _Found(name, command == _DELETE), ""
    while True:
        answer = reach.call(command, {"workspace": name, "after": after})
        found, following = found.with_part(answer), _next(answer)
        if following is None:
            break
        if following <= after:
            raise answers.StrangeAnswer("after")
        after = following
        if shows:
            click.echo(f"\r{render.progress(after, found.objects)}\033[K", nl=False, err=True)
    if shows:
        click.echo("\r\033[K", nl=False, err=True)
    return found._asdict()


def _next(answer: JsonObject) -> str | None:
    if answer.get("after") is None:
        return None
    if not _KEY.fullmatch(after := answers.text(answer, "after")):
        raise answers.StrangeAnswer("after")
    return after
