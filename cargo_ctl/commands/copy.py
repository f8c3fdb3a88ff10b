"""`cargo_ctl copy SOURCE TARGET`: from one server to another."""

import os
from collections.abc import Mapping
from typing import Any

import click

from cargo_ctl.reach import BAD_INPUT, Reach, reaching
from cargo_ctl.session.options import side_options, wanted


@click.command()
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option(
    "-f", "--overwrite", is_flag=True, help="Replace files that differ; they go to the trash."
)
@click.option("--speed", metavar="SPEED", help="At most so fast, such as 10mbps.")
@side_options("from-")
@side_options("to-")
@reaching
def copy(
    reach: Reach,
    source: str,
    target: str,
    paths: tuple[str, ...],
    overwrite: bool,
    speed: str | None,
    **login: Any,
) -> None:
    """Copy files from one server to another.

    SOURCE and TARGET are addresses of folders, as for `cargo_ctl shell`; the folder of TARGET is
    made if it is not there. All that is in SOURCE is copied, or only these PATHs below it. The
    content passes through the daemon, and nothing of it is kept on its disk. Equal files are
    skipped. A copy that was cut goes on when the command is repeated: a file of 8 MiB or more where
    it was, as far as the server of TARGET can do that.

    The options that begin with --from- are those of the login at SOURCE, --to- at TARGET.

    \b
    Examples:
      cargo_ctl copy sftp://nas.example.org/films s3+https://store.example.org/archive/films
      cargo_ctl copy sftp://nas.example.org/films webdav+https://cloud.example.org '*.mov'
      cargo_ctl copy ftps://ftp.example.org/out s3://films --from-user ana --to-region eu-west-1
    """
    if reach.server:
        reach.fail(BAD_INPUT, "bad_argument", "copy uses a daemon and URLs: leave out --server")
    from cargo_ctl.shell.copy import CopyWish, run_copy

    sides = [
        wanted(url, side, **_of_side(login, side.replace("-", "_")))
        for url, side in ((source, "from-"), (target, "to-"))
    ]
    wish = CopyWish(sides[0], sides[1], paths, overwrite, speed)
    code = run_copy(wish, reach.connect, reach.key, os.environ, as_json=reach.as_json)
    click.get_current_context().exit(code)


def _of_side(login: Mapping[str, object], side: str) -> dict[str, object]:
    return {
        name.removeprefix(side): value for name, value in login.items() if name.startswith(side)
    }
