"""Runs gets, puts and copies: several at once, with bars, questions, and Ctrl-C."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cargo_ctl.render import session as words
from cargo_ctl.session.session import OpenSession
from cargo_ctl.session.transfers import CANCELLED, DONE, TransferRow
from cargo_ctl.shell.interrupts import held
from cargo_ctl.shell.location import name_of
from cargo_ctl.shell.output import Draw, Output
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_sync.api.client import CommandError

AT_ONCE = 4
MOST_BESIDE = 24
"""The most in the background; with those of the running command, fewer than a session may have."""
OCCUPIED = "occupied"
_TICK = 0.1
_END = 10.0
"""Seconds that cancelled transfers may take to end."""
_YES, _NO, _ALL, _QUIT = "ynaq"


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """One get, put or copy.

    remote  as `a/b`
    local   absolute; of a copy, a path as `a/b` at its source
    source  of a copy: the session whose server has the files
    """

    verb: str
    remote: str
    local: str
    recursive: bool = False
    overwrite: bool = False
    source: OpenSession | None = None

    @property
    def name(self) -> str:
        """The name at the target."""
        return name_of(self.local if self.verb == "get" else self.remote) or "/"


def begin(shell: Shell, order: TransferOrder) -> str:
    """Start the transfer; its id. Raises CommandError."""
    with held():
        transfer = _begun(shell.session, order)
        shell.transfers.expect(transfer, order.verb, order.remote, order.local)
        shell.number(transfer)
        shell.changes += 1
    return transfer


def _begun(session: OpenSession, order: TransferOrder) -> str:
    how = {"recursive": order.recursive, "overwrite": order.overwrite}
    if order.source is not None:
        return session.copy(order.source, order.local, order.remote, **how)
    if order.verb == "get":
        return session.get(order.remote, order.local, **how)
    return session.put(order.local, order.remote, **how)


def begin_beside(shell: Shell, orders: list[TransferOrder]) -> None:
    """Start all transfers in the background. Raises CommandFailed for too many."""
    if len(orders) + len(shell.beside) > MOST_BESIDE:
        raise CommandFailed(
            f"at most {MOST_BESIDE} transfers can run in the background",
            "leave out the &",
            "busy",
        )
    for order in orders:
        transfer = begin(shell, order)
        shell.beside[transfer] = time.monotonic()
        name = words.name(shell.transfers.rows[transfer].fields)
        shell.output.note(f"[{shell.number(transfer)}] {order.verb} {name}")


def tell_ended(shell: Shell) -> int:
    """Show the background transfers that ended since the last call; how many of them failed."""
    failed = 0
    for transfer, began in list(shell.beside.items()):
        if not shell.transfers.runs(transfer):
            del shell.beside[transfer]
            failed += not _tell(shell, shell.transfers.rows[transfer], time.monotonic() - began)
    return failed


def carry_out(shell: Shell, orders: list[TransferOrder], refused: int = 0) -> None:
    """Carry out all transfers, a few at a time; at the end, ask about files that already exist.

    `refused` others could not be tried. Raises CommandFailed, after all of them, if one failed;
    KeyboardInterrupt if Ctrl-C cancelled them.
    """
    run = _Run(shell)
    run.failed = refused
    run.all(orders)
    while run.occupied:
        run.all(_allowed(shell.output, run))
    if run.failed:
        total = len(orders) + refused
        raise CommandFailed(f"{run.failed:,} of {total:,} failed" if total > 1 else "")


class _Run:
    def __init__(self, shell: Shell) -> None:
        self.failed = 0
        self.occupied: list[tuple[TransferOrder, str]] = []
        self._shell = shell
        self._running: dict[str, tuple[TransferOrder, float]] = {}
        self._resumed: set[str] = set()

    def all(self, orders: Iterable[TransferOrder]) -> None:
        waiting = deque(orders)
        with self._shell.output.bars() as draw:
            try:
                while waiting or self._running:
                    while waiting and len(self._running) < AT_ONCE:
                        self._begin(waiting.popleft())
                    self._listen(draw, len(waiting))
            except KeyboardInterrupt:
                self._cancel(draw)
                raise

    def _begin(self, order: TransferOrder) -> None:
        try:
            transfer = begin(self._shell, order)
        except CommandError as error:
            self._refused(order, error.code, error.message, error.hint)
            return
        self._running[transfer] = (order, time.monotonic())

    def _listen(self, draw: Draw, waiting: int) -> None:
        transfers = self._shell.transfers
        transfers.listen(_TICK)
        for transfer in self._running.keys() - self._resumed:
            if text := words.resumes(transfers.rows[transfer].fields):
                self._resumed.add(transfer)
                self._shell.output.note(text)
        for transfer in [id for id in self._running if not transfers.runs(id)]:
            order, began = self._running.pop(transfer)
            self._ended(order, transfers.rows[transfer], time.monotonic() - began)
        draw([transfers.rows[id] for id in self._running], waiting)

    def _ended(self, order: TransferOrder, row: TransferRow, seconds: float) -> None:
        problem = row.problem
        if row.state not in (DONE, CANCELLED) and problem is not None and problem.code == OCCUPIED:
            if row.failed > 1:
                self._shell.output.note(words.ended(row.fields, seconds))
            self._refused(order, OCCUPIED, problem.message, problem.hint)
        elif not _tell(self._shell, row, seconds):
            self.failed += 1

    def _refused(self, order: TransferOrder, code: str, message: str, hint: str) -> None:
        if code == OCCUPIED and not order.overwrite:
            self.occupied.append((order, message))
            return
        self.failed += 1
        self._shell.output.fail(f"{order.name}: {message}", hint, code)

    def _cancel(self, draw: Draw) -> None:
        """Stop the running transfers and wait for their end; a second Ctrl-C ends the waiting."""
        for transfer in list(self._running):
            try:
                self._shell.session.cancel(transfer)
            except CommandError:
                continue  # it has ended just now
        deadline = time.monotonic() + _END
        while self._running and time.monotonic() < deadline:
            self._listen(draw, 0)


def _allowed(output: Output, run: _Run) -> list[TransferOrder]:
    """The transfers that may replace an existing file, as the user decides."""
    occupied, run.occupied = run.occupied, []
    allowed: list[TransferOrder] = []
    answer: str | None = None
    for order, message in occupied:
        if answer not in (_ALL, _QUIT):
            question = f"{_exists(order)}: replace it? [y]es, [n]o, [a]ll, [q]uit: "
            answer = output.choose(question, _YES + _NO + _ALL + _QUIT)
        if answer in (_YES, _ALL):
            allowed.append(replace(order, overwrite=True))
        elif answer is None:
            run.failed += 1
            output.fail(
                f"{order.name}: {message or 'it already exists'}", "-f replaces it", OCCUPIED
            )
        else:
            output.note(f"{_exists(order)}: not replaced")
    return allowed


def _exists(order: TransferOrder) -> str:
    from cargo_ctl.render.words import escaped

    where = "here" if order.verb == "get" else "on the server"
    return f"{escaped(order.name)} already exists {where} and is different"


def _tell(shell: Shell, row: TransferRow, seconds: float) -> bool:
    text = words.ended(row.fields, seconds)
    done = row.state == DONE and not row.failed
    if row.state == CANCELLED:
        shell.output.note(text)
    elif done:
        shell.output.show(row.fields, text)
    else:
        shell.output.fail(text, "", row.code or "failed")
    return done
