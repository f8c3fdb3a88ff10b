"""What is on its way in a session: the feed's last word on each, or the daemon's when the feed is
silent."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from cargo_ctl.session.session import OpenSession
from cargo_sync.api.addresses import Addresses
from cargo_sync.api.client import Subscription, subscribe

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
_SILENT = 1.5
"""Seconds without a word of what runs, after which the daemon is asked: the feed may lose
messages."""
_UNHEARD = 0.3
"""The same of a transfer that nothing was heard of yet: a subscription needs a moment to arrive."""
_KEPT = 200

TransferRow = Mapping[str, Any]
"""One transfer as `session.show` and the feed tell it."""


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
        self.rows.setdefault(transfer, told)
        for old in [id for id in self.rows if not self.runs(id)][: max(0, len(self.rows) - _KEPT)]:
            self.rows.pop(old)
            self.heard.discard(old)
        self._heard = self._clock()

    def runs(self, transfer: str) -> bool:
        return self.rows[transfer].get("state") == RUNNING

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
        unheard = any(row["transfer"] not in self.heard for row in self.running)
        return _UNHEARD if unheard else _SILENT

    def _take(self, row: TransferRow) -> None:
        id = row.get("transfer")
        if not isinstance(id, str) or row.get("session", self._session.id) != self._session.id:
            return
        known = self.rows.get(id)
        if known is not None and known.get("state") != RUNNING:
            return  # its end was heard; a replay or a slower answer tells of before
        before = (known or {}).get("bytes_done") or 0
        if row.get("state") == CANCELLED and before > (row.get("bytes_done") or 0):
            row = {**row, "bytes_done": before}  # its end counts whole files only
        self.heard.add(id)
        self.rows[id] = row
