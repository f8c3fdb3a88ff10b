"""The file of a storage node: where it keeps contents, and the server that it has joined.

The invitation is used up last, when everything else was answered.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import shlex
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from cargo_sync.api.invitation import Invitation
from cargo_sync.api.own_files import write_private
from cargo_sync.config import places, units
from cargo_sync.config.environment import literal
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.fields import served_folder
from cargo_sync.config.node import LANE_PORT, PORT, load_node
from cargo_sync.init.far import FarSide
from cargo_sync.init.questions import InitError, Questions, first_line
from cargo_sync.model.problems import ProblemError
from cargo_sync.node.node import certificate
from cargo_sync.trees.cargo.replies import JoinedReply

ANYWHERE: Final = "0.0.0.0"  # a node is there to be reached


@dataclass(frozen=True, slots=True)
class NodeAnswers:
    """What the options say. None: it is asked for, or the default holds.

    path  of the file
    """

    path: str | None = None
    invite_file: str | None = None
    folder: str | None = None
    address: str | None = None
    port: str | None = None
    lane_port: str | None = None
    capacity: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenNode:
    """The file, and whether the person wants the node to run now."""

    path: str
    start: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node will be, and what its server reaches it by."""

    folder: str
    address: str
    port: int
    lane_port: int
    capacity: str | None


def init_node(answers: NodeAnswers, questions: Questions, env: Mapping[str, str]) -> WrittenNode:
    """Asks for a node's settings, joins its server, and writes the file.

    Raises:
        InitError: nothing was written.
        click.Abort: the person gave up.
    """
    default = places.node_file(env)
    path = os.path.abspath(answers.path or default)
    if os.path.lexists(path) and not questions.agree(
        f"{path} exists already. Replace it?", default=False
    ):
        raise InitError(f"{path} exists already; nothing was written")
    with asyncio.Runner() as runner:
        far = FarSide(env, runner)
        invitation = _invitation(answers, questions)
        server = far.invited(far.reached(invitation.url, any_port=False), invitation, questions)
        place = _place(answers, questions, env)
        start = questions.agree(
            "Start the node now, in this terminal? (no: only write the file)", default=True
        )
        with _fingerprint(places.state_folder(env, "node"), place.address) as fingerprint:
            joined = far.join(
                server, invitation, place.address, (place.port, place.lane_port), fingerprint
            )
    text = _text(invitation.user, place, joined)
    try:
        write_private(path, text)
        load_node(path, env)
    except OSError as error:
        raise InitError(f"{path}: cannot be written: {error.strerror or error}") from None
    except ConfigError as error:
        raise InitError(str(error)) from None
    start = start and not questions.quiet
    config = "" if path == default else f" --config {shlex.quote(path)}"
    click.echo(f"Joined {invitation.url} as {invitation.user}. Wrote {path}.")
    if not start:
        click.echo(f"Next:\n\n    cargo_sync node{config}\n")
    return WrittenNode(path, start)


def _invitation(answers: NodeAnswers, questions: Questions) -> Invitation:
    given = None if answers.invite_file is None else first_line(answers.invite_file)

    def check(text: str) -> str:
        Invitation.parse_node(text)
        return text

    text = questions.ask("--invite-file", "Invitation for a storage node", check, given=given)
    return Invitation.parse_node(text)


def _place(answers: NodeAnswers, questions: Questions, env: Mapping[str, str]) -> _Place:
    def folder(text: str) -> str:
        return served_folder(places.local_path(text.strip(), os.getcwd(), env))

    def size(text: str) -> str:
        units.parse_size(text)
        return text.strip()

    kept = questions.ask(
        "--folder",
        "Folder for the contents",
        folder,
        given=answers.folder,
        default=os.path.join(places.home(env), "cargo-node"),
    )
    address = questions.ask(
        "--address",
        "Name or IP address by which the server reaches this machine",
        places.host_name,
        given=answers.address,
        default=socket.gethostname(),
    )
    port, lane_port = answers.port or f"{PORT}", answers.lane_port or f"{LANE_PORT}"
    return _Place(
        kept,
        address,
        int(questions.ask("--port", "", _port, given=port)),
        int(questions.ask("--lane-port", "", _port, given=lane_port)),
        answers.capacity and questions.ask("--capacity", "", size, given=answers.capacity),
    )


def _port(text: str) -> str:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ValueError(f"{text!r} is not a port, 1 to 65535")
    return text


@contextlib.contextmanager
def _fingerprint(state: str, address: str) -> Iterator[str]:
    """The fingerprint of the node's certificate; a new one goes again if the block fails.

    Raises:
        InitError: it cannot be made.
    """
    was_there = os.path.isdir(state)
    try:
        os.makedirs(state, mode=0o700, exist_ok=True)
        made = certificate(state, address)
    except OSError as error:
        raise InitError(f"{state} cannot be made: {error.strerror or error}") from error
    except ProblemError as error:
        raise InitError(str(error.problem)) from error
    try:
        yield made.fingerprint.removeprefix("sha256:")
    except BaseException:
        if not was_there:
            with contextlib.suppress(OSError):
                os.unlink(made.cert)
                os.unlink(made.key)
                os.rmdir(state)
        raise


def _text(name: str, place: _Place, joined: JoinedReply) -> str:
    """The file, with comments."""
    capacity = (
        '// "capacity": "2TB",'
        if place.capacity is None
        else f'"capacity": {_json(place.capacity)},'
    )
    bearer = hashlib.sha256(joined.bearer.encode()).hexdigest()
    listen = ANYWHERE
    if places.is_loopback(place.address):  # nobody else is to reach it
        listen = f"[{place.address}]" if ":" in place.address else "127.0.0.1"
    return f"""\
// A storage node. All fields: docs/configuration.md
{{
    "name": {_json(name)},
    // What it may fail together with, such as a building: copies lie in different zones.
    "zone": {_json(joined.zone)},

    // Where the contents are kept. Nothing else belongs into this folder.
    "directory": {_json(place.folder)},
    // The most that they may use. Without this field: all of the disk, except for a small reserve.
    {capacity}

    // The API, and the port for file content. The server must reach both.
    "listen": "{listen}:{place.port}",
    "lane_port": {place.lane_port},
    // "bandwidth": "1gbps",

    // Everything is read once in such a time, to find what has become damaged.
    "scrub": {{"rate": "80mbps", "period": "30d"}},

    // "log": {{"file": "/var/log/cargo/node.log", "max_size": "10MB", "keep": 5}},
    // "metrics": {{"listen": "127.0.0.1:9468"}},

    // The server that this node belongs to, from `cargo_sync init node`. Do not change it.
    "coordinator": {{
        "node": {joined.id},
        "bearer_sha256": "{bearer}",
    }},
}}
"""


def _json(value: Any) -> str:
    return json.dumps(literal(value), ensure_ascii=False)
