"""How a command reaches its daemon, what it prints, and how it ends."""

import functools
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from cargo_sync.api.addresses import AddressError, Addresses, find
from cargo_sync.api.messages import Code, encode

if TYPE_CHECKING:
    from cargo_sync.api.client import Subscription

FAILED, BAD_INPUT, NOT_RUNNING = 1, 2, 3
HOW_TO_START = "start one with: cargo_sync daemon"
HOW_TO_SERVE = "start one with: cargo_sync server --config FILE"

_INPUT_CODES = frozenset(
    {
        Code.BAD_MESSAGE,
        Code.UNKNOWN_COMMAND,
        Code.BAD_ARGUMENT,
        Code.UNKNOWN_JOB,
        Code.UNKNOWN_TRANSFER,
        Code.UNKNOWN_TEST,
        Code.UNKNOWN_RUN,
        Code.BAD_CONFIG,
    }
)
_LISTS = frozenset({Code.BAD_CONFIG.value, "bad_address"})
"""Codes of errors that list something, a line each; in others a line break is part of a name."""
# What JSON lets stand although a terminal would act on it. They only occur within strings.
_CONTROLS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_Command = TypeVar("_Command", bound=Callable[..., Any])


def common_options(command: _Command) -> _Command:
    """--json, --connect and --server, which may stand before or after a subcommand's name."""
    json = click.option("--json", "as_json", is_flag=True, help="Print JSON, one document a line.")
    connect = click.option(
        "--connect", metavar="NAME", help="Whom to speak to: an instance, its folder or its address."
    )
    server = click.option("--server", is_flag=True, help="Speak to the server that is running, not a daemon.")
    return server(connect(json(command)))


@dataclass(frozen=True, slots=True)
class Reach:
    """What the common options say, wherever on the command line they stood."""

    as_json: bool
    connect: str | None
    server: bool = False

    @classmethod
    def of(cls, ctx: click.Context) -> "Reach":
        as_json, connect, server = False, None, False
        each: click.Context | None = ctx
        while each is not None:
            as_json = as_json or bool(each.params.get("as_json"))
            connect = connect or each.params.get("connect")
            server = server or bool(each.params.get("server"))
            each = each.parent
        return cls(as_json, connect, server)

    def call(self, cmd: str, args: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of a command; ends the program with a line and an exit code if there is none."""
        from cargo_sync.api.client import Client, CommandError, NotRunning

        try:
            with Client(self._addresses().commands) as client:
                return client.call(cmd, args)
        except CommandError as error:
            code = BAD_INPUT if error.code in _INPUT_CODES else FAILED
            self.fail(code, error.code, error.message, error.hint)
        except NotRunning as error:
            self.not_running(str(error))

    def feed(self, topics: Iterable[str]) -> "Subscription":
        """A subscription; ends the program if there is no daemon."""
        from cargo_sync.api.client import NotRunning, subscribe

        try:
            return subscribe(self._addresses().feed, topics)
        except NotRunning as error:
            self.not_running(str(error))

    def show(self, result: dict[str, Any], text: str) -> None:
        """Print the result as it is, or as text."""
        click.echo(as_line(result) if self.as_json else text)

    def not_running(self, message: str) -> NoReturn:
        self.fail(NOT_RUNNING, "not_running", message, HOW_TO_SERVE if self.server else HOW_TO_START)

    def fail(self, exit_code: int, code: str, message: str, hint: str = "") -> NoReturn:
        """End with one line on stderr, or with JSON on stdout where the result would have been."""
        from cargo_ctl.render.words import escaped

        if self.as_json:
            click.echo(as_line({"error": {"code": code, "message": message, "hint": hint}}))
        else:
            text = f"cargo_ctl: {message} ({hint})" if hint else f"cargo_ctl: {message}"
            lines = text.split("\n") if code in _LISTS else [text]
            click.echo("\n".join(escaped(line) for line in lines), err=True)
        click.get_current_context().exit(exit_code)

    def _addresses(self) -> Addresses:
        try:
            found = find(self.connect, os.environ, server=self.server)
        except AddressError as error:
            self.fail(BAD_INPUT, "bad_address", str(error))
        if found is None:
            self.not_running(f"no {'server' if self.server else 'daemon'} is running")
        return found


def as_line(value: object) -> str:
    """JSON on one line, with every control character escaped."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", encode(value).decode())


def reaching(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the common options, and a `Reach` as its first argument."""

    @common_options
    @click.pass_context
    @functools.wraps(function)
    def run(ctx: click.Context, /, **params: Any) -> None:
        reach = Reach.of(ctx)
        del params["as_json"], params["connect"], params["server"]
        function(reach, **params)

    return run
