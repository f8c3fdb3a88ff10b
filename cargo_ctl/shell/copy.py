"""A copy from one server to another, through the daemon, from start to end."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from cargo_ctl.reach import FAILED
from cargo_ctl.session.daemon import PRIVATE, held_daemon
from cargo_ctl.session.opening import (
    Person,
    Prompter,
    SessionRefused,
    Wanted,
    open_session,
)
from cargo_ctl.session.session import OpenSession
from cargo_ctl.session.transfers import SessionTransfers
from cargo_ctl.shell.client import guarded
from cargo_ctl.shell.interrupts import ending_in_order
from cargo_ctl.shell.location import Location
from cargo_ctl.shell.moving import TransferOrder, carry_out
from cargo_ctl.shell.output import Output, PlainOutput, TerminalOutput
from cargo_ctl.shell.parser import MAGIC, Word
from cargo_ctl.shell.sides import Meant, remote_meant
from cargo_ctl.shell.state import CommandFailed, ServerOpening, Shell
from cargo_sync.api.client import Client, NotRunning

FROM, TO = "from-", "to-"


@dataclass(frozen=True, slots=True)
class CopyWish:
    """What is copied.

    paths      files and folders below the address of the source; none: all that is there
    overwrite  what is at the target and differs may be replaced
    speed      such as 10mbps, or None
    """

    source: Wanted
    target: Wanted
    paths: Sequence[str] = ()
    overwrite: bool = False
    speed: str | None = None


def run_copy(
    wish: CopyWish,
    connect: str | None,
    key: str | None,
    env: Mapping[str, str],
    *,
    as_json: bool,
    command: Sequence[str] = PRIVATE,
) -> int:
    """Copies, and returns when it is done; the exit code."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    output: Output = TerminalOutput() if terminal else PlainOutput(as_json)
    person = Prompter(output.note) if terminal else None

    def run() -> int:
        with (
            held_daemon(connect, env, command, key) as addresses,
            Client(addresses.commands, key=addresses.key) as client,
        ):
            logins = _Logins(client, person, env, output)
            opening = ServerOpening(logins.open, lambda one: SessionTransfers.of(one, addresses))
            try:
                return _between(wish, logins, opening, output)
            except NotRunning:
                output.note("give the same command again: it goes on where it was")
                raise

    with ending_in_order():
        return guarded(output, run)


@dataclass(frozen=True, slots=True)
class _Logins:
    client: Client
    person: Person | None
    env: Mapping[str, str]
    output: Output

    def open(self, wanted: Wanted, side: str = "") -> OpenSession:
        """Logs in at one side. Raises SessionRefused and CommandError."""
        if self.person is not None and not (wanted.user and (wanted.password or wanted.has_key)):
            self.output.note(f"{'from' if side == FROM else 'to'} {wanted.url}")
        try:
            return open_session(self.client, wanted, self.person, self.env)
        except SessionRefused as error:
            hint = error.hint.replace("--", f"--{side}")
            raise SessionRefused(error.message, hint, usage=error.usage) from error


def _between(wish: CopyWish, logins: _Logins, opening: ServerOpening, output: Output) -> int:
    source = logins.open(wish.source, FROM)
    try:
        target = logins.open(replace(wish.target, make=True), TO)
        try:
            if wish.speed is not None:
                target.call("speed", {"speed": wish.speed})
            return _copied(wish, source, target, opening, output)
        finally:
            target.leave()
    finally:
        source.leave()


def _copied(
    wish: CopyWish, source: OpenSession, target: OpenSession, opening: ServerOpening, output: Output
) -> int:
    here = Location(os.sep)
    with closing(opening.follow(target)) as transfers, closing(opening.follow(source)) as unused:
        shell = Shell(target, transfers, output, here, opening)
        try:
            meant = _meant(Shell(source, unused, output, here, opening), wish.paths)
            orders = [
                TransferOrder("copy", one.path, one.path, one.folder, wish.overwrite, source)
                for one in meant
                if not one.refused
            ]
            refused = [one for one in meant if one.refused]
            for one in refused:
                output.fail(one.refused, "rename it", "bad_path")
            carry_out(shell, orders, len(refused))
        except CommandFailed as error:
            if error.message:
                output.fail(error.message, error.hint, error.code)
            return FAILED
    return 0


def _meant(shell: Shell, paths: Sequence[str]) -> list[Meant]:
    """What the paths mean at the source. Raises CommandFailed: there is nothing like it."""
    if not paths:
        return [Meant("", True)]
    words = [Word(path, path if MAGIC & set(path) else "") for path in paths]
    return remote_meant(shell, words)
