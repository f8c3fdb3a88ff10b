"""Notices without gaps: rows that a subscriber lost are read from the history by cursor.

A notice stands for the rows (cursor - count, cursor] of one job. If the seq of its topic jumps, or
the epoch differs, some were lost before it; `history` has them as long as they are kept.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from cargo_sync.api import topics
from cargo_sync.api.client import Client
from cargo_sync.api.messages import FeedMessage

_PAGE = 1000

GaplessRow = dict[str, Any]
"""One row of `history`: {cursor, job, kind, time, path, bytes, message, details}."""


class _Received(NamedTuple):
    epoch: str
    cursor: int


class Gapless:
    """Follows the notices of one subscription, for all jobs or some.

    client  connected to the same daemon
    since   it gives all rows after this cursor; without it, all rows from now on

    begun   the cursor after which it gives rows
    lost    at most this many rows were lost and are not kept any more
    """

    def __init__(self, client: Client, since: int | None = None) -> None:
        self._client = client
        self._since = client.call("history", {"limit": 1})["next"] if since is None else since
        self.begun: int = self._since
        self._received: dict[str, _Received] = {}
        self.lost = 0

    def take(self, message: FeedMessage) -> Iterator[GaplessRow | FeedMessage]:
        """Gives the rows that were lost before `message`, then `message` itself if it is new.

        Raises:
            CommandError, NotRunning, NotAdmitted: as `Client.call`.
        """
        if message.cursor is None or not message.topic.startswith(topics.NOTICES):
            return
        received = self._received.get(message.topic, _Received("", self._since))
        first = message.cursor - int(message.fields.get("count", 1)) + 1
        if message.cursor <= received.cursor:
            return
        if message.missed or message.epoch != received.epoch or first <= received.cursor:
            job = topics.name_of(message.topic)
            # If some rows of a notice are known, its rows are read instead, so that none comes
            # twice.
            end = message.cursor if first <= received.cursor else first - 1
            yield from (row for row in self._rows(received.cursor, job) if row["cursor"] <= end)
        self._received[message.topic] = _Received(message.epoch, message.cursor)
        if first > received.cursor:
            yield message

    def catch_up(self) -> Iterator[GaplessRow]:
        """Gives all rows of all jobs that were not given yet, also if no notice comes.

        It reads from where the last call ended, or from `since`.
        """
        known = {
            topics.name_of(topic): received.cursor for topic, received in self._received.items()
        }
        newest = self._since
        for row in self._rows(self._since, None):
            newest = row["cursor"]
            if newest > known.get(row["job"], self._since):
                yield row
        self._since = newest
        self._received = {
            topic: _Received(received.epoch, max(received.cursor, newest))
            for topic, received in self._received.items()
        }

    def _rows(self, since: int, job: str | None) -> Iterator[GaplessRow]:
        more = True
        while more:
            asked = {"since": since, "limit": _PAGE} | ({} if job is None else {"job": job})
            page = self._client.call("history", asked)
            self.lost += max(0, page["oldest"] - since - 1)
            yield from page["rows"]
            since, more = page["next"], page["more"]
