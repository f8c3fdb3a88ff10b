"""A server comes back on a new machine, from what its storage nodes keep of it."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import click

from cargo_sync.api.addresses import SERVER, keys_dir
from cargo_sync.api.recovery_key import RecoveryKey
from cargo_sync.config import places
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.node import PORT
from cargo_sync.config.relaxed import read
from cargo_sync.config.secret import read_first_line
from cargo_sync.config.server import missing_folders, server_from
from cargo_sync.init.questions import InitError, Questions
from cargo_sync.model.problems import ProblemError
from cargo_sync.stores.snapshots.asking import HttpsNode
from cargo_sync.stores.snapshots.restoring import NewMachine, RestoredServer, Restoring

_TRIES: Final = 3
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class RecoveryAnswers:
    """What the options say. None, or nothing: it is asked for, or the default holds.

    path      of the server's file
    key_file  a file whose first line is the recovery key
    nodes     addresses of nodes, HOST or HOST:PORT
    """

    path: str | None = None
    key_file: str | None = None
    nodes: tuple[str, ...] = ()


def recover_server(answers: RecoveryAnswers, env: Mapping[str, str]) -> str:
    """Asks for the recovery key and a node, and brings the server back.

    Returns:
        The path of the server's file.

    Raises:
        InitError: it could not be brought back; to try again is safe.
        click.Abort: the person gave up.
    """
    quiet = answers.key_file is not None and bool(answers.nodes)
    questions = Questions(quiet)
    path = os.path.abspath(answers.path or places.server_file(env))
    key = _key(answers.key_file)
    addresses = _addresses(answers.nodes, questions)
    here = NewMachine(path, places.state_folder(env, SERVER), keys_dir(env, SERVER))

    def dial(host: str, port: int, pin: str) -> HttpsNode:
        return HttpsNode(host, port, key, pin)

    restoring = Restoring(key, here, dial)
    try:
        found = restoring([dial(host, port, "") for host, port in addresses])
    except ProblemError as error:
        raise InitError(str(error.problem)) from error
    click.echo("\n".join([*_told(found), *_to_mend(path, env)]))
    config = "" if answers.path is None else f" --config {shlex.quote(path)}"
    click.echo(f"Next:\n\n    cargo_sync server{config}\n")
    return path


def _key(file: str | None) -> RecoveryKey:
    if file is None:
        for _ in range(_TRIES):
            text = click.prompt("Recovery key", hide_input=True)
            try:
                return RecoveryKey.parse(text)
            except ValueError as error:
                click.echo(f"Error: this {error}", err=True)
        raise InitError("no recovery key was given; nothing was written")
    try:
        line = sys.stdin.readline(_LONGEST) if file == "-" else _line(file)
        return RecoveryKey.parse(line)
    except ValueError as error:
        raise click.UsageError(f"--key-file: {file} {error}") from None


def _line(file: str) -> str:
    try:
        return read_first_line(file).reveal()
    except ValueError as error:
        raise click.UsageError(f"--key-file: {error}") from None


def _addresses(given: Sequence[str], questions: Questions) -> list[tuple[str, int]]:
    if not given:
        question = "Address of a storage node (HOST or HOST:PORT)"
        given = [questions.ask("--node", question, _checked)]
    try:
        return [_address(one) for one in given]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--node") from None


def _checked(text: str) -> str:
    _address(text)
    return text


def _address(text: str) -> tuple[str, int]:
    """A node's address; its port may be missing. Raises ValueError."""
    text = text.strip()
    host, colon, port = text.rpartition(":")
    if text.startswith("[") and text.endswith("]"):
        host, colon, port = text, "", ""
    elif not colon or (":" in host and not host.startswith("[")):
        host, port = text, ""
    number = port or f"{PORT}"
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= 65535):
        raise ValueError(f"{text!r} has no port, 1 to 65535")
    return places.host_name(host.removeprefix("[").removesuffix("]")), int(number)


def _told(found: RestoredServer) -> list[str]:
    """What a person must know now."""
    lines = [f"The state is in {found.state_dir}."]
    if found.snapshot is not None:
        made = datetime.fromtimestamp(found.snapshot.made).astimezone()
        lines = [
            f"The server is back as it was on {made:%Y-%m-%d at %H:%M:%S}. "
            f"The state is in {found.state_dir}.",
            "Changes after that are not there: jobs that have seen some are held until a person "
            "approves them, and then bring what they have. Never start the lost machine again.",
        ]
    if found.without:
        lines.append("These could not say whether they have a newer snapshot:")
        lines += [f"  {why}" for why in found.without]
    return lines


def _to_mend(path: str, env: Mapping[str, str]) -> list[str]:
    """What of the server's file does not fit this machine."""
    try:
        document = read(path)
        missing = missing_folders(document, server_from(document, env))
        problems = [str(one) for one in missing]
    except ConfigError as error:
        problems = [str(one) for one in error.problems]
    title = ["On this machine something is missing:"] if problems else []
    return title + [f"  {one}" for one in problems]
