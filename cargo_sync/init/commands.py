"""The command lines of `cargo_sync init`."""

import os
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple, TypeVar

import click

from cargo_sync.init.job import init_job
from cargo_sync.init.new_job import JobAnswers
from cargo_sync.init.node import NodeAnswers, init_node
from cargo_sync.init.questions import InitError, Questions
from cargo_sync.init.server import ServerAnswers, init_server

_Command = TypeVar("_Command", bound=Callable[..., Any])


class NextProgram(NamedTuple):
    """What shall run now that a file was written.

    path  of the file
    job   the name of the new job; "" for a server
    """

    program: Literal["server", "daemon", "node"]
    path: str
    job: str = ""


def _yes(command: _Command) -> _Command:
    text = "Ask nothing: the defaults hold, and the rest must be given as options."
    return click.option("--yes", is_flag=True, help=text)(command)


@click.command()
@click.argument("path", required=False, type=click.Path())
@click.option(
    "--users-dir",
    metavar="FOLDER",
    help="Each user who is invited or added gets a folder in it. Default: ~/cargo-files.",
)
@click.option("--listen", metavar="ADDRESS:PORT", help="Where to listen. Default: 0.0.0.0:8443.")
@_yes
def server(
    path: str | None, users_dir: str | None, listen: str | None, yes: bool
) -> NextProgram | None:
    """Write the file of a server, and start it.

    It asks for the folder of the users' files. Users come with `cargo_ctl user invite`. Default of
    PATH: ~/.config/cargo_sync/server.json.

    \b
    Examples:
      cargo_sync init server
      cargo_sync init server /srv/cargo/server.json --users-dir /srv/cargo/files --yes
    """
    try:
        written = init_server(ServerAnswers(path, users_dir, listen), Questions(yes), os.environ)
    except InitError as error:
        raise click.ClickException(str(error)) from error
    return NextProgram("server", written.path) if written.start else None


@click.command()
@click.argument("path", required=False, type=click.Path())
@click.option(
    "--invite-file",
    metavar="FILE",
    help='Read an invitation from the first line of FILE; "-" is standard input.',
)
@click.option("--server", metavar="URL", help="The address of the server, without an invitation.")
@click.option("--user", metavar="NAME", help="The user, without an invitation.")
@click.option(
    "--password-file", metavar="FILE", help="A file whose first line is the password of the user."
)
@click.option(
    "--tls-fingerprint",
    "fingerprint",
    metavar="HEX",
    help="SHA-256 of the server's certificate, as the server prints it.",
)
@click.option(
    "--ca-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="A PEM file with the authorities that signed the server's certificate.",
)
@click.option("--key-file", metavar="FILE", help="SSH: the private key to log in with.")
@click.option(
    "--key-passphrase-file", metavar="FILE", help="SSH: a file with the passphrase of the key."
)
@click.option("--agent", is_flag=True, help="SSH: log in with the keys of the SSH agent.")
@click.option("--host-key", metavar="SHA256:…", help="SSH: the server's host key.")
@click.option("--known-hosts", metavar="FILE", help="SSH: a file with host keys.")
@click.option("--region", metavar="NAME", help="S3: the region of the bucket.")
@click.option(
    "--options-file", metavar="FILE", help="Other clouds: a JSON file with the field options."
)
@click.option("--allow-plain", is_flag=True, help="Allow a connection without encryption.")
@click.option("--folder", metavar="FOLDER", help="The folder on this machine.")
@click.option("--mode", metavar="up|down|both", help="The direction: to the server, from it, both.")
@click.option("--workspace", metavar="NAME", help="The workspace on the server.")
@click.option("--remote-dir", metavar="FOLDER", help="The folder in the workspace. Default: /.")
@click.option("--name", metavar="NAME", help="The name of the job. Default: that of the folder.")
@click.option("--speed", metavar="SPEED", help="The highest speed, such as 10mbps.")
@_yes
def job(yes: bool, **given: Any) -> NextProgram | None:
    """Set up a job: ask, log in to the server, write the file, and start it.

    It asks for an invitation (`cargo_ctl user invite` prints one), or for the address of a server
    with a user and a password. The address may be that of somebody else's server, such as sftp://,
    s3+https:// or webdav+https://: each kind has its own questions. It shows what is on both sides,
    and what a first run would do.
    Ctrl-C at any question leaves nothing behind. If a daemon runs, it gets the job; else the file
    is written where the next daemon finds it. With PATH, the file is only written there.

    \b
    Examples:
      cargo_sync init job
      cargo_sync init job --invite-file - --folder ~/photos --mode up --yes
      cargo_sync init job photos.json --server files.example.org --user ana
      cargo_sync init job --server sftp://nas.example.org/films --key-file ~/.ssh/id_ed25519
    """
    try:
        written = init_job(JobAnswers(**given), Questions(yes), os.environ)
    except InitError as error:
        raise click.ClickException(str(error)) from error
    return NextProgram("daemon", written.path, written.name) if written.start else None


@click.command()
@click.argument("path", required=False, type=click.Path())
@click.option(
    "--invite-file",
    metavar="FILE",
    help='Read the invitation from the first line of FILE; "-" is standard input.',
)
@click.option("--folder", metavar="FOLDER", help="Where the contents are kept.")
@click.option(
    "--address", metavar="HOST", help="The name or IP address by which the server reaches this."
)
@click.option("--port", metavar="PORT", help="The port of its API. Default: 8445.")
@click.option("--lane-port", metavar="PORT", help="The port for file content. Default: 8446.")
@click.option("--capacity", metavar="SIZE", help="The most bytes to keep. Default: no limit.")
@_yes
def node(yes: bool, **given: str | None) -> NextProgram | None:
    """Set up a storage node: ask, join the server, write the file, and start it.

    It asks for an invitation, which `cargo_ctl node invite` prints on the server, for the folder
    and for the address by which the server reaches this machine. Default of PATH:
    ~/.config/cargo_sync/node.json.

    \b
    Examples:
      cargo_sync init node
      cargo_sync init node --invite-file - --folder /data/cargo --address node1.lan --yes
    """
    try:
        written = init_node(NodeAnswers(**given), Questions(yes), os.environ)
    except InitError as error:
        raise click.ClickException(str(error)) from error
    return NextProgram("node", written.path) if written.start else None


COMMANDS: Final = {command.name: command for command in (server, job, node)}
