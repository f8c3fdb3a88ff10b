"""The file of a server: where the files of its users are, and where it listens."""

import json
import os
import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import click

from cargo_sync.api.own_files import write_private
from cargo_sync.config import places
from cargo_sync.config.environment import literal
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.fields import served_folder
from cargo_sync.config.server import load_server
from cargo_sync.init.questions import InitError, Questions


@dataclass(frozen=True, slots=True)
class ServerAnswers:
    """What the options say. None: it is asked for, or the default holds.

    path  of the file
    """

    path: str | None = None
    users_dir: str | None = None
    listen: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenServer:
    """The file, and whether the person wants the server to run now."""

    path: str
    start: bool


def init_server(
    answers: ServerAnswers, questions: Questions, env: Mapping[str, str]
) -> WrittenServer:
    """Asks for a server's settings, and writes them.

    Raises:
        InitError: nothing was written.
        click.Abort: the person gave up.
    """
    default = places.server_file(env)
    path = os.path.abspath(answers.path or default)
    if os.path.lexists(path) and not questions.agree(
        f"{path} exists already. Replace it?", default=False
    ):
        raise InitError(f"{path} exists already; nothing was written")
    folder = questions.ask(
        "--users-dir",
        "Folder for the files of its users",
        lambda text: served_folder(places.local_path(text.strip(), os.getcwd(), env)),
        given=answers.users_dir,
        default=os.path.join(places.home(env), "cargo-files"),
    )
    listen = _listen(answers.listen, questions)
    start = questions.agree(
        "Start the server now, in this terminal? (no: only write the file)", default=True
    )
    settings = {"listen": listen, "initial_port": _data_port(listen), "users_dir": folder}
    try:
        write_private(path, json.dumps(literal(settings), indent=4, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InitError(f"{path}: cannot be written: {error.strerror or error}") from None
    try:
        load_server(path, env)
    except ConfigError as error:
        raise InitError(str(error)) from None
    start = start and not questions.quiet
    click.echo(f"Wrote {path}.{_next(path, default, start)}")
    return WrittenServer(path, start)


def _next(path: str, default: str, start: bool) -> str:
    """What to do next, in words."""
    config = "" if path == default else f" --config {shlex.quote(path)}"
    run = "" if start else f"\n\n    cargo_sync server{config}\n\nand then"
    host = socket.gethostname()
    return (
        f" Next{run or ','} in another terminal:\n\n"
        f"    cargo_ctl user invite NAME --address {host}\n\n"
        f"NAME is the first user. Instead of {host}, give the address by which they reach this\n"
        "machine; for this machine alone, localhost.\n"
    )


def _listen(given: str | None, questions: Questions) -> str:
    """Where to listen. It is asked only if the usual port is taken."""
    usual = f"0.0.0.0:{places.DEFAULT_PORT}"
    if given is None and not _is_free(places.DEFAULT_PORT):
        given = None if not questions.quiet else usual
        taken = f"Port {places.DEFAULT_PORT} is in use. Listen on"
        other = f"0.0.0.0:{places.DEFAULT_PORT + 10}"
        return questions.ask("--listen", taken, _address, given=given, default=other)
    return questions.ask("--listen", "", _address, given=given or usual)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _address(text: str) -> str:
    host, port = places.listen_address(text)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _data_port(listen: str) -> int:
    """The port after the API's, so that a second server does not conflict with the first."""
    _, port = places.listen_address(listen)
    return port + 1 if 0 < port < 65535 else places.DEFAULT_PORT + 1
