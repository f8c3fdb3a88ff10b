"""How a command reaches its daemon or server, prints its result, and ends."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from cargo_sync.api.addresses import AddressError, Addresses, find
from cargo_sync.api.escaping import json_escaped
from cargo_sync.api.messages import JsonObject, ReplyCode, encode

if TYPE_CHECKING:
    from cargo_sync.api.client import Client, CommandError, Subscription
    from cargo_sync.api.commands import Command

FAILED, BAD_INPUT, NOT_RUNNING = 1, 2, 3
HOW_TO_START = (
    "start one with: cargo_sync daemon; one of another user: --connect its folder or a key"
)
HOW_TO_SERVE = (
    "start one with: cargo_sync server; one of another user: --connect its folder or a key"
)
LATE = "it is busy, and may still do this: look before you try again"

_INPUT_CODES = frozenset(
    {
        ReplyCode.BAD_MESSAGE,
        ReplyCode.UNKNOWN_COMMAND,
        ReplyCode.BAD_ARGUMENT,
        ReplyCode.UNKNOWN_JOB,
        ReplyCode.UNKNOWN_TRANSFER,
        ReplyCode.UNKNOWN_TEST,
        ReplyCode.UNKNOWN_SESSION,
        ReplyCode.UNKNOWN_RUN,
        ReplyCode.UNKNOWN_KEY,
        ReplyCode.KEY_EXISTS,
        ReplyCode.UNKNOWN_CALLBACK,
        ReplyCode.UNKNOWN_CONFLICT,
        ReplyCode.BAD_CONFIG,
        ReplyCode.UNKNOWN_USER,
        ReplyCode.UNKNOWN_WORKSPACE,
        ReplyCode.UNKNOWN_INVITATION,
        ReplyCode.UNKNOWN_DEVICE,
        ReplyCode.UNKNOWN_NODE,
        ReplyCode.UNKNOWN_SERVER,
        ReplyCode.USER_EXISTS,
        ReplyCode.WORKSPACE_EXISTS,
    }
)
_WRONG_KIND = frozenset({ReplyCode.UNKNOWN_COMMAND, ReplyCode.BAD_ARGUMENT})
"""Codes that a daemon answers to a command for servers, and the other way round."""
_LISTS = frozenset({ReplyCode.BAD_CONFIG.value, "bad_address"})
"""Codes of errors that have several lines; in all other errors a line break is part of a name."""
_TOLD = "cargo_ctl.foreign"
"""Where the context of the program keeps whose daemons were named."""
_Command = TypeVar("_Command", bound=Callable[..., Any])


def common_options(command: _Command) -> _Command:
    """Add --json, --connect, --key and --server, which may be before or after a subcommand."""
    json = click.option(
        "--json", "as_json", is_flag=True, help="Print JSON, one document per line."
    )
    connect = click.option(
        "--connect",
        metavar="NAME",
        help="The daemon or server to connect to: its name, folder or address, or a key file.",
    )
    key = click.option("--key", metavar="FILE", help="The key for a TCP port. Default: $CARGO_KEY.")
    server = click.option(
        "--server", is_flag=True, help="Connect to the running server instead of the daemon."
    )
    return server(key(connect(json(command))))


@dataclass(frozen=True, slots=True)
class Reach:
    """The values of the common options, wherever they were on the command line."""

    as_json: bool
    connect: str | None
    server: bool = False
    key: str | None = None

    @classmethod
    def of(cls, ctx: click.Context) -> "Reach":
        as_json, connect, server, key = False, None, False, None
        each: click.Context | None = ctx
        while each is not None:
            as_json = as_json or bool(each.params.get("as_json"))
            connect = connect or each.params.get("connect")
            server = server or bool(each.params.get("server"))
            key = key or each.params.get("key")
            each = each.parent
        return cls(as_json, connect, server, key)

    def call(self, cmd: str, args: JsonObject | None = None) -> JsonObject:
        """The result of a command; if it fails, the program ends with a line and an exit code."""
        from cargo_sync.api.client import Client

        addresses = self.addresses()
        with self.ending(), Client(addresses.commands, key=addresses.key) as client:
            return called(client, cmd, args)

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """End the program with a line and an exit code if the daemon refuses or is gone."""
        from cargo_sync.api.client import CommandError, NotAdmitted, NotRunning

        try:
            yield
        except CommandError as error:
            code = BAD_INPUT if error.code in _INPUT_CODES else FAILED
            self.fail(code, error.code, error.message, error.hint)
        except NotAdmitted as error:
            self.fail(FAILED, "not_admitted", error.message, error.hint)
        except NotRunning as error:
            message = error.of(self._kind)
            if error.late:
                self.fail(NOT_RUNNING, "not_running", message, LATE)
            self.not_running(message)

    def kind(self) -> str:
        """What answers, "daemon" or "server"; if nothing does, the program ends."""
        from cargo_sync.api.client import Client

        addresses = self.addresses()
        with self.ending(), Client(addresses.commands, key=addresses.key) as client:
            return _kind(client) or self._kind

    def feed(self, topics: Iterable[str]) -> "Subscription":
        """A subscription; if there is no daemon, the program ends."""
        from cargo_sync.api.client import subscribe

        addresses = self.addresses()
        with self.ending():
            return subscribe(addresses, topics)

    def show(self, result: JsonObject, text: str) -> None:
        """Print the result as JSON if it was asked for, else `text`."""
        click.echo(as_line(result) if self.as_json else text)

    def confirm(self, question: str, yes: bool) -> None:
        """Ask on the terminal before something is removed, unless `--yes` was given.

        Where nobody can be asked, the program ends: a script says `--yes`.
        """
        if yes:
            return
        if self.as_json or not sys.stdin.isatty():
            self.fail(BAD_INPUT, "not_confirmed", f"{question} Nothing was done", "add --yes")
        click.confirm(question, abort=True, err=True)

    def not_running(self, message: str) -> NoReturn:
        self.fail(
            NOT_RUNNING, "not_running", message, HOW_TO_SERVE if self.server else HOW_TO_START
        )

    def fail(self, exit_code: int, code: str, message: str, hint: str = "") -> NoReturn:
        """End the program with one line on stderr, or with --json with a document on stdout."""
        from cargo_ctl.render.hints import typed
        from cargo_ctl.render.words import escaped

        if self.as_json:
            click.echo(as_line({"error": {"code": code, "message": message, "hint": hint}}))
        else:
            message, hint = (typed(text, server=self.server) for text in (message, hint))
            text = f"cargo_ctl: {message} ({hint})" if hint else f"cargo_ctl: {message}"
            lines = text.split("\n") if code in _LISTS else [text]
            click.echo("\n".join(escaped(line) for line in lines), err=True)
        click.get_current_context().exit(exit_code)

    def addresses(self) -> Addresses:
        """The addresses to connect to; if none or several are possible, the program ends."""
        try:
            found = find(self.connect, os.environ, server=self.server, key=self.key)
        except AddressError as error:
            self.fail(BAD_INPUT, "bad_address", str(error))
        if found is None:
            named = os.environ.get("CARGO_RUNTIME_DIR")
            where = f" in {named}, which CARGO_RUNTIME_DIR names" if named else ""
            self.not_running(f"no {self._kind} is running{where}")
        if found.foreign is not None:
            self._tell_of(found.foreign)
        return found

    def _tell_of(self, uid: int) -> None:
        """Say once per program whose daemon it is: some commands connect several times."""
        told = click.get_current_context().meta.setdefault(_TOLD, set())
        if uid not in told:
            told.add(uid)
            click.echo(f"cargo_ctl: this is a {self._kind} of {_user(uid)}", err=True)

    @property
    def _kind(self) -> str:
        return "server" if self.server else "daemon"


def _user(uid: int) -> str:
    """A user of this system, for people."""
    from pwd import getpwuid

    from cargo_ctl.render.words import escaped

    try:
        return f"the user {escaped(getpwuid(uid).pw_name)}"
    except KeyError:
        return f"another user (uid {uid})"


def called(client: "Client", cmd: str, args: JsonObject | None) -> JsonObject:
    """The result of a command.

    Raises:
        CommandError: it was refused. The error says so if the command is for the other kind of
            process.
    """
    from cargo_sync.api.client import CommandError

    try:
        return client.call(cmd, args)
    except CommandError as error:
        if error.code in _WRONG_KIND and (
            other := _for_the_other(error.code, cmd, args or {}, _kind(client))
        ):
            raise other from error
        raise


def _kind(client: "Client") -> str:
    """What answers, as its `hello` says; "" if it does not say."""
    from cargo_sync.api.client import CommandError

    try:
        return str(client.call("hello").get("kind", ""))
    except CommandError:
        return ""


def _for_the_other(code: str, cmd: str, args: JsonObject, kind: str) -> "CommandError | None":
    """The error for a command or argument that only the other kind of process knows."""
    from cargo_sync.api import daemon_commands, server_commands
    from cargo_sync.api.client import CommandError

    daemons, servers = daemon_commands.COMMANDS, server_commands.COMMANDS
    match kind:
        case "server" if words := _only_in(daemons, cmd, args, servers):
            hint = "leave out --server, or choose a daemon with --connect"
            return CommandError(code, f"this is a server, but {words} is for a daemon", hint)
        case "daemon" if words := _only_in(servers, cmd, args, daemons):
            hint = "add --server, or choose a server with --connect"
            return CommandError(code, f"this is a daemon, but {words} is for a server", hint)
    return None


def _only_in(
    others: "Mapping[str, Command[Any]]",
    cmd: str,
    args: JsonObject,
    known: "Mapping[str, Command[Any]]",
) -> str:
    """The command, or its option, that only `others` have, as it was typed; "" for none."""
    words = cmd.replace(".", " ")
    if cmd not in others:
        return ""
    if cmd not in known:
        return words
    unknown = [name for name in args if name not in known[cmd].args and name in others[cmd].args]
    return f"{words} --{unknown[0]}" if unknown else ""


def as_line(value: object) -> str:
    """JSON on one line, with every control character escaped."""
    return json_escaped(encode(value).decode())


def reaching(function: Callable[..., None], *, server: bool = False) -> Callable[..., None]:
    """Give a command the common options, and a `Reach` as its first argument.

    With `server`, it always reaches a server.
    """

    @common_options
    @click.pass_context
    @functools.wraps(function)
    def run(ctx: click.Context, /, **params: Any) -> None:
        reach = Reach.of(ctx)
        reach = replace(reach, server=reach.server or server)
        del params["as_json"], params["connect"], params["server"], params["key"]
        function(reach, **params)

    return run


def serving(function: Callable[..., None]) -> Callable[..., None]:
    """As `reaching`, for a command that only servers know: it needs no --server."""
    return reaching(function, server=True)
