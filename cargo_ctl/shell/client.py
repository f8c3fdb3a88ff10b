"""The interactive client from start to end: a daemon, a session, a prompt or a script."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import click

from cargo_ctl.reach import BAD_INPUT, FAILED, NOT_RUNNING
from cargo_ctl.session.daemon import PRIVATE, NoDaemon, held_daemon
from cargo_ctl.session.opening import Person, Prompter, SessionRefused, Wanted, open_session
from cargo_ctl.session.session import OpenSession
from cargo_ctl.session.transfers import SessionTransfers
from cargo_ctl.shell.interrupts import ending_in_order
from cargo_ctl.shell.location import Location
from cargo_ctl.shell.output import Output, PlainOutput, TerminalOutput
from cargo_ctl.shell.state import ServerOpening, Shell
from cargo_sync.api.addresses import AddressError
from cargo_sync.api.client import Client, CommandError, NotAdmitted, NotRunning
from cargo_sync.api.own_files import state_file

BANNER = "Cargo Client Interactive"
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line says about the client.

    wanted      the server to open, or None
    connect     the daemon that must be used, or None
    keep_going  whether a script continues after a failure
    key         the key file for the daemon's TCP port, or None
    """

    wanted: Wanted | None
    connect: str | None = None
    keep_going: bool = False
    as_json: bool = False
    key: str | None = None


def run_client(choices: Choices, env: Mapping[str, str], command: Sequence[str] = PRIVATE) -> int:
    """Run the client until its end; the exit code."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and not choices.as_json
    output: Output = TerminalOutput() if terminal else PlainOutput(choices.as_json)
    person = Prompter(output.note) if terminal else None
    if terminal:
        click.secho(BANNER, bold=True)
    with ending_in_order():
        return guarded(output, lambda: _in_daemon(choices, env, command, output, person))


def guarded(output: Output, run: Callable[[], int]) -> int:
    """The exit code of `run`; if there is no session, the error is shown and gives the code."""
    try:
        return run()
    except SessionRefused as error:
        output.fail(error.message, error.hint, "refused")
        return BAD_INPUT if error.usage else FAILED
    except AddressError as error:
        output.fail(str(error), code="bad_address")
        return BAD_INPUT
    except CommandError as error:
        output.fail(error.message, error.hint, error.code)
        return FAILED
    except NotAdmitted as error:
        output.fail(error.message, error.hint, "not_admitted")
        return FAILED
    except (NoDaemon, NotRunning) as error:
        output.fail(str(error), code="not_running")
        return NOT_RUNNING
    except (KeyboardInterrupt, EOFError):
        click.echo(err=True)
        return _INTERRUPTED


def _in_daemon(
    choices: Choices,
    env: Mapping[str, str],
    command: Sequence[str],
    output: Output,
    person: Person | None,
) -> int:
    with (
        held_daemon(choices.connect, env, command, choices.key) as addresses,
        Client(addresses.commands, key=addresses.key) as client,
    ):
        opening = ServerOpening(
            lambda wanted: open_session(client, wanted, person, env),
            lambda session: SessionTransfers.of(session, addresses),
        )
        wanted = choices.wanted
        session = OpenSession.closed(client) if wanted is None else opening.open(wanted)
        return _in_session(session, opening, choices, env, output, person is not None)


def _in_session(
    session: OpenSession,
    opening: ServerOpening,
    choices: Choices,
    env: Mapping[str, str],
    output: Output,
    terminal: bool,
) -> int:
    home = env.get("HOME") or os.path.expanduser("~")
    transfers = opening.follow(session)
    try:
        here = Location(_current(), workspace=session.workspace, home=home)
        shell = Shell(session, transfers, output, here, opening)
    except BaseException:
        transfers.close()
        session.leave()
        raise
    try:
        if not terminal:
            from cargo_ctl.shell.script import run_script

            return run_script(shell, _lines(), choices.keep_going)
        from cargo_ctl.shell.prompt import run_prompt

        what = (
            f"{session.username} at {session.url}" if session.id else "no server is open: open URL"
        )
        output.note(f"{what}; help lists the commands")
        return run_prompt(shell, state_file(env, "history"))
    finally:
        shell.transfers.close()
        shell.session.leave()


def _current() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        raise SessionRefused(
            f"the current folder cannot be used: {error.strerror}", "change to another folder"
        ) from error


def _lines() -> Iterable[str]:
    """The lines of standard input, as they come."""
    return iter(sys.stdin.readline, "")
