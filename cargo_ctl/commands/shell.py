"""`cargo_ctl shell URL`: the interactive client."""

import os
from typing import Any

import click

from cargo_ctl.reach import BAD_INPUT, Reach, reaching
from cargo_ctl.session.options import login_options, wanted


@click.command()
@click.argument("url", required=False)
@login_options
@reaching
def shell(reach: Reach, url: str | None, keep_going: bool, **login: Any) -> None:
    """List, download and upload files of a server by hand.

    It asks for username and password, then for commands; `help` lists them. Without a URL, the
    command `open` names the server. Without a terminal it reads the commands from standard input,
    one per line. The first command that fails ends it with an exit code other than 0.

    It uses your running daemon; if there is none, it starts its own.

    \b
    Examples:
      cargo_ctl shell https://files.example.org
      cargo_ctl shell files.example.org --user ana
      cargo_ctl shell sftp://nas.example.org/films --key-file ~/.ssh/id_ed25519
      cargo_ctl shell s3+https://store.example.org/films --user ACCESSKEY
      echo 'get -r photos' | cargo_ctl shell files.example.org --user ana --password-file secret
    """
    if reach.server:
        reach.fail(BAD_INPUT, "bad_argument", "shell uses a daemon and a URL: leave out --server")
    from cargo_ctl.shell.client import Choices, run_client

    if url is None and any(login.values()):
        raise click.UsageError("options of a login need a URL")
    opened = None if url is None else wanted(url, **login)
    choices = Choices(opened, reach.connect, keep_going, reach.as_json, reach.key)
    click.get_current_context().exit(run_client(choices, os.environ))
