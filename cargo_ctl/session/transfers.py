"""The transfers of a session, from the feed; if it is silent, the daemon is asked."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from cargo_ctl.session.session import OpenSession
from cargo_sync.api.addresses import Addresses
from cargo_sync.api.client import Subscription, subscribe
from cargo_sync.api.messages import JsonObject

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
_SILENT = 1.5
"""Seconds without a message before the daemon is asked: the feed may lose messages."""
_UNHEARD = 0.3
"""The same before the first message of a transfer: a subscription needs a moment to be active."""
_KEPT = 200


class TransferProblem(NamedTuple):
    """Why a transfer failed."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One transfer, as in `session.show` and in the feed.

    fields   all fields as they came, for the renderers
    path     the current file, or the last one
    problem  why it failed
    failed   the number of failed files that it lists
    """

    id: str
    state: str
    fields: JsonObject
    remote: str = ""
    local: str = ""
    path: str = ""
    bytes_done: int = 0
    bytes_total: int = 0
    problem: TransferProblem | None = None
    failed: int = 0

    @classmethod
    def of(cls, fields: JsonObject) -> "TransferRow | None":
        """The row with these fields; None if they are not about a transfer."""
        id, failed = fields.get("transfer"), fields.get("failed")
        if not isinstance(id, str):
            return None
        return cls(
            id,
            str(fields.get("state") or ""),
            fields,
            str(fields.get("remote") or ""),
            str(fields.get("local") or ""),
            str(fields.get("path") or ""),
            _number(fields.get("bytes_done")),
            _number(fields.get("bytes_total")),
            _problem(fields.get("problem")),
            len(failed) if isinstance(failed, list) else 0,
        )

    @property
    def code(self) -> str:
        """The problem's code, or ""."""
        return self.problem.code if self.problem is not None else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _problem(value: object) -> TransferProblem | None:
    if not isinstance(value, dict):
        return None
    return TransferProblem(*(str(value.get(name) or "") for name in ("code", "message", "hint")))


def topic(session: str) -> str:
    """The feed's topic of one session."""
    return f"session/{session}/"


class SessionTransfers:
    """The rows of one session, oldest first. `heard`: those that the daemon has reported."""

    def __init__(
        self,
        session: OpenSession,
        subscription: Subscription,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rows: dict[str, TransferRow] = {}
        self.heard: set[str] = set()
        self._session = session
        self._subscription = subscription
        self._clock = clock
        self._heard = clock()

    @classmethod
    def of(cls, session: OpenSession, addresses: Addresses) -> "SessionTransfers":
        """Subscribed to the feed from now on. Raises NotRunning."""
        return cls(session, subscribe(addresses, [topic(session.id)]))

    def expect(self, transfer: str, verb: str, remote: str, local: str) -> None:
        """Add a transfer that was just started; the feed may not have reported it yet."""
        fields = {
            "transfer": transfer,
            "verb": verb,
            "remote": remote,
            "local": local,
            "state": RUNNING,
        }
        self.rows.setdefault(transfer, TransferRow(transfer, RUNNING, fields, remote, local))
        for old in [id for id in self.rows if not self.runs(id)][: max(0, len(self.rows) - _KEPT)]:
            self.rows.pop(old)
            self.heard.discard(old)
        self._heard = self._clock()

    def runs(self, transfer: str) -> bool:
        return self.rows[transfer].state == RUNNING

    @property
    def running(self) -> list[TransferRow]:
        return [row for id, row in self.rows.items() if self.runs(id)]

    def listen(self, timeout: float) -> bool:
        """Take all messages that are there, waiting up to `timeout` seconds; whether any came.

        Raises NotRunning if the daemon stopped.
        """
        message, came = self._subscription.receive(timeout), False
        while message is not None:
            self._take(message.fields)
            came = True
            message = self._subscription.receive(0)
        if came:
            self._heard = self._clock()
        elif self.running and self._clock() - self._heard >= self._patience:
            self.ask()
            return True
        return came

    def ask(self) -> None:
        """Ask the daemon for all rows: they may be newer than the feed. Raises CommandError."""
        self._heard = self._clock()
        for row in self._session.transfers():
            self._take(row)

    def close(self) -> None:
        self._subscription.close()

    @property
    def _patience(self) -> float:
        unheard = any(row.id not in self.heard for row in self.running)
        return _UNHEARD if unheard else _SILENT

    def _take(self, fields: JsonObject) -> None:
        row = TransferRow.of(fields)
        if row is None or fields.get("session", self._session.id) != self._session.id:
            return
        known = self.rows.get(row.id)
        if known is not None and known.state != RUNNING:
            return  # it has ended; this is a replay or a late answer
        before = known.bytes_done if known is not None else 0
        if row.state == CANCELLED and before > row.bytes_done:
            # The last row counts only complete files.
            row = replace(row, bytes_done=before, fields={**fields, "bytes_done": before})
        self.heard.add(row.id)
        self.rows[row.id] = row
