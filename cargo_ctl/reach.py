"""How a command reaches its daemon, what it prints, and how it ends."""

import contextlib
import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from cargo_sync.api.addresses import AddressError, Addresses, find
from cargo_sync.api.messages import ReplyCode, encode

if TYPE_CHECKING:
    from cargo_sync.api.client import Client, CommandError, Subscription
    from cargo_sync.api.commands import Command

FAILED, BAD_INPUT, NOT_RUNNING = 1, 2, 3
HOW_TO_START = "start one with: cargo_sync daemon"
HOW_TO_SERVE = "start one with: cargo_sync server --config FILE"

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
        ReplyCode.BAD_CONFIG,
        ReplyCode.UNKNOWN_USER,
        ReplyCode.UNKNOWN_WORKSPACE,
        ReplyCode.USER_EXISTS,
        ReplyCode.WORKSPACE_EXISTS,
    }
)
_STRANGE = frozenset({ReplyCode.UNKNOWN_COMMAND, ReplyCode.BAD_ARGUMENT})
"""Codes that may mean that it is for the other kind of process."""
_LISTS = frozenset({ReplyCode.BAD_CONFIG.value, "bad_address"})
"""Codes of errors that list something, a line each; in others a line break is part of a name."""
# What JSON lets stand although a terminal would act on it. They only occur within strings.
_CONTROLS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_Command = TypeVar("_Command", bound=Callable[..., Any])


def common_options(command: _Command) -> _Command:
    """--json, --connect, --key and --server, which may stand before or after a subcommand's
    name."""
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
    """What the common options say, wherever on the command line they stood."""

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

    def call(self, cmd: str, args: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of a command; ends the program with a line and an exit code if there is
        none."""
        from cargo_sync.api.client import Client

        addresses = self.addresses()
        with self.ending(), Client(addresses.commands, key=addresses.key) as client:
            return _called(client, cmd, args)

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """What ends a conversation ends the program, with a line and an exit code."""
        from cargo_sync.api.client import CommandError, NotAdmitted, NotRunning

        try:
            yield
        except CommandError as error:
            code = BAD_INPUT if error.code in _INPUT_CODES else FAILED
            self.fail(code, error.code, error.message, error.hint)
        except NotAdmitted as error:
            self.fail(FAILED, "not_admitted", error.message, error.hint)
        except NotRunning as error:
            self.not_running("the server went away" if error.lost and self.server else str(error))

    def kind(self) -> str:
        """Who answers, "daemon" or "server"; ends the program if nobody does."""
        from cargo_sync.api.client import Client

        addresses = self.addresses()
        with self.ending(), Client(addresses.commands, key=addresses.key) as client:
            return _kind(client) or ("server" if self.server else "daemon")

    def feed(self, topics: Iterable[str]) -> "Subscription":
        """A subscription; ends the program if there is no daemon."""
        from cargo_sync.api.client import subscribe

        addresses = self.addresses()
        with self.ending():
            return subscribe(addresses.feed, topics, key=addresses.key)

    def show(self, result: dict[str, Any], text: str) -> None:
        """Print the result as it is, or as text."""
        click.echo(as_line(result) if self.as_json else text)

    def not_running(self, message: str) -> NoReturn:
        self.fail(
            NOT_RUNNING, "not_running", message, HOW_TO_SERVE if self.server else HOW_TO_START
        )

    def fail(self, exit_code: int, code: str, message: str, hint: str = "") -> NoReturn:
        """End with one line on stderr, or with JSON on stdout where the result would have been."""
        from cargo_ctl.render.hints import typed
        from cargo_ctl.render.words import escaped

        if self.as_json:
            click.echo(as_line({"error": {"code": code, "message": message, "hint": hint}}))
        else:
            hint = typed(hint, server=self.server)
            text = f"cargo_ctl: {message} ({hint})" if hint else f"cargo_ctl: {message}"
            lines = text.split("\n") if code in _LISTS else [text]
            click.echo("\n".join(escaped(line) for line in lines), err=True)
        click.get_current_context().exit(exit_code)

    def addresses(self) -> Addresses:
        """Whom to speak to; ends the program when there is none, or no way to choose."""
        try:
            found = find(self.connect, os.environ, server=self.server, key=self.key)
        except AddressError as error:
            self.fail(BAD_INPUT, "bad_address", str(error))
        if found is None:
            self.not_running(f"no {'server' if self.server else 'daemon'} is running")
        return found


def _called(client: "Client", cmd: str, args: dict[str, Any] | None) -> dict[str, Any]:
    """The result; what only the other kind of process knows is refused in words that say so."""
    from cargo_sync.api.client import CommandError

    try:
        return client.call(cmd, args)
    except CommandError as error:
        if error.code in _STRANGE and (
            other := _for_the_other(error.code, cmd, args or {}, _kind(client))
        ):
            raise other from error
        raise


def _kind(client: "Client") -> str:
    """Who answers, in the words of `hello`; "" when it does not say."""
    from cargo_sync.api.client import CommandError

    try:
        return str(client.call("hello").get("kind", ""))
    except CommandError:
        return ""


def _for_the_other(
    code: str, cmd: str, args: Mapping[str, Any], kind: str
) -> "CommandError | None":
    """What to say of a command, or of arguments, that only the other kind of process knows."""
    from cargo_sync.api import daemon_commands, server_commands
    from cargo_sync.api.client import CommandError

    daemons, servers = daemon_commands.COMMANDS, server_commands.COMMANDS
    match kind:
        case "server" if words := _strange(cmd, args, servers, daemons):
            hint = "leave out --server, or name a daemon by --connect"
            return CommandError(code, f"a server answers here; {words} is for a daemon", hint)
        case "daemon" if words := _strange(cmd, args, daemons, servers):
            hint = "add --server, or name a server by --connect"
            return CommandError(code, f"a daemon answers here; {words} is for a server", hint)
    return None


def _strange(
    cmd: str,
    args: Mapping[str, Any],
    known: "Mapping[str, Command[Any]]",
    others: "Mapping[str, Command[Any]]",
) -> str:
    """What of it the others know alone, as it was typed; "" when nothing is."""
    words = cmd.replace(".", " ")
    if cmd not in others:
        return ""
    if cmd not in known:
        return words
    strange = [name for name in args if name not in known[cmd].args and name in others[cmd].args]
    return f"{words} --{strange[0]}" if strange else ""


def as_line(value: object) -> str:
    """JSON on one line, with every control character escaped."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", encode(value).decode())


def reaching(function: Callable[..., None], *, server: bool = False) -> Callable[..., None]:
    """Gives a command the common options, and a `Reach` as its first argument: of a server with
    `server`."""

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
    """As `reaching`, for a command that only servers know: it need not be told to speak to one."""
    return reaching(function, server=True)
