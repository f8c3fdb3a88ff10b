"""What is on its way in a session: the feed's last word on each, or the daemon's when the feed is
silent."""

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
"""Seconds without a word of what runs, after which the daemon is asked: the feed may lose
messages."""
_UNHEARD = 0.3
"""The same of a transfer that nothing was heard of yet: a subscription needs a moment to arrive."""
_KEPT = 200


class TransferProblem(NamedTuple):
    """Why a transfer failed."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One transfer as `session.show` and the feed tell it.

    told     all that is told of it, for who shows it
    path     of the file under way, or the last one
    problem  why it failed
    failed   how many files of it are named that failed
    """

    id: str
    state: str
    told: JsonObject
    remote: str = ""
    local: str = ""
    path: str = ""
    bytes_done: int = 0
    bytes_total: int = 0
    problem: TransferProblem | None = None
    failed: int = 0

    @classmethod
    def of(cls, told: JsonObject) -> "TransferRow | None":
        """None when it is about no transfer."""
        id, failed = told.get("transfer"), told.get("failed")
        if not isinstance(id, str):
            return None
        return cls(
            id,
            str(told.get("state") or ""),
            told,
            str(told.get("remote") or ""),
            str(told.get("local") or ""),
            str(told.get("path") or ""),
            _number(told.get("bytes_done")),
            _number(told.get("bytes_total")),
            _problem(told.get("problem")),
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
    return f"session/{session}/"


class SessionTransfers:
    """The rows of one session, oldest first. `heard` are those of which the daemon has told
    anything."""

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
        """Listening from now on. Raises NotRunning."""
        return cls(session, subscribe(addresses.feed, [topic(session.id)], key=addresses.key))

    def expect(self, transfer: str, verb: str, remote: str, local: str) -> None:
        """A transfer that was ordered, of which the feed may not have told yet."""
        told = {
            "transfer": transfer,
            "verb": verb,
            "remote": remote,
            "local": local,
            "state": RUNNING,
        }
        self.rows.setdefault(transfer, TransferRow(transfer, RUNNING, told, remote, local))
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
        """Take what comes within `timeout` seconds, and all that is there already; whether anything
        came.

        Raises NotRunning when the daemon went away.
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
        """Take the daemon's word on each: it may be ahead of the feed. Raises CommandError."""
        self._heard = self._clock()
        for row in self._session.transfers():
            self._take(row)

    def close(self) -> None:
        self._subscription.close()

    @property
    def _patience(self) -> float:
        unheard = any(row.id not in self.heard for row in self.running)
        return _UNHEARD if unheard else _SILENT

    def _take(self, told: JsonObject) -> None:
        row = TransferRow.of(told)
        if row is None or told.get("session", self._session.id) != self._session.id:
            return
        known = self.rows.get(row.id)
        if known is not None and known.state != RUNNING:
            return  # its end was heard; a replay or a slower answer tells of before
        before = known.bytes_done if known is not None else 0
        if row.state == CANCELLED and before > row.bytes_done:
            # Its end counts whole files only.
            row = replace(row, bytes_done=before, told={**told, "bytes_done": before})
        self.heard.add(row.id)
        self.rows[row.id] = row
