"""`cargo_ctl job add` and `cargo_ctl job remove`."""

import os
import sys

import click

from cargo_ctl.names import JOB
from cargo_ctl.options import yes_option
from cargo_ctl.reach import BAD_INPUT, Reach, reaching
from cargo_ctl.render import jobs

_LARGEST = 512 * 1024
"""Bytes: the most that a request may have; real job files are much smaller."""


@click.command()
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--paused", is_flag=True, help="Add it paused; `job start` starts it.")
@reaching
def add(reach: Reach, file: str, paused: bool) -> None:
    """Add a job from FILE; `-` reads standard input.

    The daemon checks the file and keeps a copy in its job folder. Local folders must be absolute
    paths, or begin with `~/`.

    \b
    Examples:
      cargo_ctl job add photos.json
      cargo_ctl job add photos.json --paused
      cargo_ctl job add - < photos.json
    """
    text = _read(reach, file)
    name = "standard input" if file == "-" else file
    result = reach.call(
        "job.add", {"text": text, "name": name} | ({"paused": True} if paused else {})
    )
    reach.show(result, jobs.added(result))


@click.command()
@click.argument("name", type=JOB)
@yes_option
@reaching
def remove(reach: Reach, name: str, yes: bool) -> None:
    """End a job and put its file aside. Files on both sides stay.

    It asks for confirmation; without a terminal it needs --yes.

    \b
    Examples:
      cargo_ctl job remove nightly
      cargo_ctl job remove nightly --yes
    """
    reach.confirm(jobs.removal(name), yes)
    result = reach.call("job.remove", {"job": name})
    reach.show(result, jobs.removed(result))


def _read(reach: Reach, file: str) -> str:
    """The text of a job file; if it cannot be read, the program ends."""
    try:
        with sys.stdin.buffer if file == "-" else open(file, "rb") as opened:
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        reach.fail(BAD_INPUT, "bad_config", f"{file} cannot be read: {error.strerror or error}")
    name = "standard input" if file == "-" else os.path.basename(file)
    if len(content) > _LARGEST:
        reach.fail(
            BAD_INPUT,
            "bad_config",
            f"{name} is larger than {_LARGEST:,} bytes: this is not a job file",
        )
    if not content:
        reach.fail(BAD_INPUT, "bad_config", f"{name} is empty")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        reach.fail(BAD_INPUT, "bad_config", f"{name} is not a text file in UTF-8")
