"""`cargoclient --mode=backup`: the menu, at a terminal or with its answers from a pipe."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import click

from cargo_ctl import answers
from cargo_ctl.client import menu
from cargo_ctl.client.backup_door import SessionOpener, is_locked
from cargo_ctl.client.backup_settings import (
    OLD_PORT,
    MenuSettings,
    address,
    is_nickname,
    read_settings,
    write_settings,
)
from cargo_ctl.reach import FAILED
from cargo_ctl.render.words import escaped, size
from cargo_ctl.session.daemon import PRIVATE, held_daemon
from cargo_ctl.session.opening import WRONG, Person, Prompter, SessionRefused, Wanted
from cargo_ctl.session.session import OpenSession
from cargo_ctl.session.transfers import CANCELLED, DONE, SessionTransfers, TransferRow
from cargo_ctl.shell.client import guarded
from cargo_ctl.shell.interrupts import ending_in_order, held
from cargo_ctl.shell.output import Output, PlainOutput, TerminalOutput
from cargo_sync.api.addresses import Addresses
from cargo_sync.api.client import Client, CommandError
from cargo_sync.api.messages import JsonObject
from cargo_sync.api.own_files import config_file

_TICK = 0.1
_END = 10.0
"""Seconds that a cancelled transfer may take to end."""
_OCCUPIED = "occupied"


def run_backup(
    wanted: Wanted,
    lang: str | None,
    connect: str | None,
    env: Mapping[str, str],
    command: Sequence[str] = PRIVATE,
) -> int:
    """Show the menu until its last entry is chosen or the input ends.

    Returns the exit code: 0, or 1 if a command failed and there is no terminal.
    """
    words = menu.language(lang, env)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    output: Output = TerminalOutput() if terminal else PlainOutput()

    def run() -> int:
        with (
            held_daemon(connect, env, command) as addresses,
            Client(addresses.commands, key=addresses.key) as client,
        ):
            backup = BackupMenu(client, addresses, wanted, words, output, env, terminal)
            try:
                backup.run()
            finally:
                backup.leave()
        return FAILED if backup.failed and not terminal else 0

    with ending_in_order():
        return guarded(output, run)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Order:
    """One file to send or to fetch; `remote` is its id, "" of one that is sent."""

    verb: str
    local: str
    remote: str = ""
    overwrite: bool = False

    def args(self) -> JsonObject:
        remote = {"remote": self.remote} if self.remote else {}
        return {"local": self.local, **remote, "overwrite": self.overwrite}


class BackupMenu:
    """The menu's loop.

    The first command that needs a session opens one; after a change of settings, the next does.
    """

    def __init__(
        self,
        client: Client,
        addresses: Addresses,
        wanted: Wanted,
        words: menu.Words,
        output: Output,
        env: Mapping[str, str],
        terminal: bool,
    ) -> None:
        self.failed = 0
        self._addresses = addresses
        self._words = words
        self._output = output
        self._person: Person | None = Prompter(output.note) if terminal else None
        self._file = config_file(env, "backup.json")
        self._settings = read_settings(self._file)
        self._door = SessionOpener(client, wanted, self._person, env, words.trust)
        self._session: OpenSession | None = None
        self._transfers: SessionTransfers | None = None

    def run(self) -> None:
        commands: dict[str, Callable[[], None]] = {
            "1": self._send,
            "2": self._list,
            "3": self._fetch,
        }
        while True:
            click.echo(menu.menu(self._words))
            choice = self._read(self._words.choose)
            if choice is None or choice == "5":
                return
            if choice == "4":
                self._configure()
            elif choice not in commands:
                self._fail(self._words.no_such_choice.format(escaped(choice)))
            elif not self._settings.complete:
                self._fail(self._words.configure_first)
            else:
                self._carry_out(commands[choice])

    def leave(self) -> None:
        """Close the session, if there is one."""
        if self._transfers is not None:
            self._transfers.close()
            self._transfers = None
        if self._session is not None:
            self._session.leave()
            self._session = None

    # -- commands ----------------------------------------------------------------------------------

    def _carry_out(self, command: Callable[[], None]) -> None:
        try:
            command()
        except CommandError as error:
            code = error.code
            if is_locked(error):
                code = WRONG
                self._door.forget()
                self.leave()
            self._fail(menu.problem(self._words, code, error.message, error.hint))
        except SessionRefused as error:
            self._fail(error.message + (f" ({error.hint})" if error.hint else ""))
        except (KeyboardInterrupt, EOFError):
            click.echo()

    def _send(self) -> None:
        typed = self._read(self._words.which_file)
        if not typed:
            self._fail(self._words.nothing_read)
            return
        path = os.path.abspath(os.path.expanduser(typed))
        if not os.path.isfile(path):
            self._fail(self._words.no_file.format(escaped(path)))
            return
        row = self._unlocking(lambda: self._transfer(_Order("put", path)))
        if row is not None:
            id = escaped(str(row.fields.get("id") or row.remote))
            self._output.show(
                row.fields, self._words.sent.format(escaped(os.path.basename(path)), id)
            )

    def _list(self) -> None:
        entries = self._unlocking(lambda: list(self._opened().entries("")))
        if not entries and self._unlocked():  # without its password, a nickname looks empty
            entries = list(self._opened().entries(""))
        shown = {"entries": [{"id": each.id, "name": each.name} for each in entries]}
        self._output.show(shown, menu.listing(self._words, self._settings.nickname, entries))

    def _fetch(self) -> None:
        id = self._read(self._words.which_id)
        if not id:
            self._fail(self._words.nothing_read)
            return
        folder = self._settings.download_dir
        if not os.path.isdir(folder):
            self._fail(self._words.no_folder.format(escaped(folder)))
            return
        row = self._unlocking(lambda: self._transfer(_Order("get", folder, id)))
        if row is not None:
            said = self._words.same if row.fields.get("skipped") else self._words.received
            self._output.show(row.fields, said.format(escaped(_local_file(row, folder))))

    def _transfer(self, order: _Order) -> TransferRow | None:
        """Carry out one transfer; its last row, or None if it did not happen and the user knows."""
        try:
            row = self._followed(order)
        except CommandError as error:
            if error.code != _OCCUPIED or order.overwrite:
                raise
            return self._replaced(order, "")
        if row.state == DONE:
            return row
        if row.state == CANCELLED:
            shares = size(row.bytes_done), size(row.bytes_total)
            self._output.note(self._words.cancelled.format(*shares))
            return None
        if row.code == _OCCUPIED and not order.overwrite:
            return self._replaced(order, row.path)
        hint = row.problem.hint if row.problem is not None else ""
        message = row.problem.message if row.problem is not None else ""
        raise CommandError(row.code, message or order.verb, hint)

    def _replaced(self, order: _Order, path: str) -> TransferRow | None:
        name = escaped(path or self._name_of(order.remote))
        if self._person is None:
            self._fail(self._words.left.format(name))
            return None
        answer = self._read(self._words.replace.format(name))
        if (answer or "").lower()[:1] == self._words.yes:
            return self._transfer(replace(order, overwrite=True))
        self._output.note(self._words.left.format(name))
        return None

    def _name_of(self, id: str) -> str:
        return next((each.name for each in self._opened().entries("") if each.id == id), id)

    def _followed(self, order: _Order) -> TransferRow:
        session = self._opened()
        assert self._transfers is not None
        transfers = self._transfers
        with held():
            id = answers.text(session.call(order.verb, order.args()), "transfer")
            transfers.expect(id, order.verb, order.remote, order.local)
        deadline: float | None = None
        with self._output.bars() as draw:
            while transfers.runs(id) and (deadline is None or time.monotonic() < deadline):
                try:
                    transfers.listen(_TICK)
                    draw(transfers.running, 0)
                except KeyboardInterrupt:
                    session.cancel(id)
                    deadline = time.monotonic() + _END
        return transfers.rows[id]

    # -- the session -------------------------------------------------------------------------------

    def _opened(self) -> OpenSession:
        if self._session is None:
            self._session = self._door.open(self._settings)
            self._transfers = SessionTransfers.of(self._session, self._addresses)
        return self._session

    def _unlocking(self, work: Callable[[], T]) -> T:
        """What `work` returns; if it needed a password and one was typed, it is done again."""
        try:
            return work()
        except CommandError as error:
            if not is_locked(error):
                raise
            if self._person is None:
                raise SessionRefused(self._words.no_password) from error
            if not self._unlocked():
                raise
            return work()

    def _unlocked(self) -> bool:
        """Whether a password was typed; the next session uses it."""
        typed = self._door.ask(self._words.password)
        if typed:
            self.leave()
        return typed

    # -- settings ----------------------------------------------------------------------------------

    def _configure(self) -> None:
        while True:
            now = self._settings
            click.echo(
                menu.settings_menu(self._words, now.nickname, now.download_dir, now.coordinator)
            )
            match self._read(self._words.choose):
                case "1":
                    self._set_nickname()
                case "2":
                    self._set_download_dir()
                case "3":
                    self._set_coordinator()
                case None | "4":
                    return
                case other:
                    self._fail(self._words.no_such_choice.format(escaped(other)))

    def _set_nickname(self) -> None:
        typed = self._read(self._words.nickname)
        if typed is None or not is_nickname(typed):
            self._fail(self._words.bad_nickname)
            return
        self._keep(replace(self._settings, nickname=typed))

    def _set_download_dir(self) -> None:
        typed = self._read(self._words.download_dir)
        folder = os.path.abspath(os.path.expanduser(typed or ""))
        if not typed or not os.path.isdir(folder):
            self._fail(self._words.no_folder.format(escaped(typed or "")))
            return
        self._keep(replace(self._settings, download_dir=folder))

    def _set_coordinator(self) -> None:
        typed = address(self._read(self._words.coordinator) or "")
        if typed is None:
            self._fail(self._words.bad_coordinator)
            return
        if typed.endswith(f":{OLD_PORT}"):
            self._output.note(self._words.old_port)
        self._keep(replace(self._settings, coordinator=typed))

    def _keep(self, settings: MenuSettings) -> None:
        if settings != self._settings:
            self._door.forget()
            self.leave()
        self._settings = settings
        try:
            write_settings(self._file, settings)
        except OSError as error:
            self._fail(self._words.not_saved.format(error.strerror))
            return
        click.echo(self._words.saved)

    # -- the terminal ------------------------------------------------------------------------------

    def _read(self, question: str) -> str | None:
        """A line without the spaces around it; None at the end of the input or after Ctrl-C."""
        try:
            if self._person is not None:
                return self._person.ask(question).strip()
            line = sys.stdin.readline()
        except (EOFError, KeyboardInterrupt):
            click.echo()
            return None
        click.echo(question)
        return line.strip() if line else None

    def _fail(self, text: str) -> None:
        self.failed += 1
        self._output.fail(text)


def _local_file(row: TransferRow, folder: str) -> str:
    """The path of a downloaded file."""
    local = row.local or folder
    name = os.path.basename(row.path)
    return (
        os.path.join(folder, name)
        if name and os.path.normpath(local) == os.path.normpath(folder)
        else local
    )
