"""Notices without gaps: what a subscriber lost is read again by cursor.

A notice tells of the rows (cursor - count, cursor] of one job. A jump of its topic's seq, or
another epoch, says that some were lost before it; `history` has them as long as they are kept.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from cargo_sync.api import topics
from cargo_sync.api.client import Client
from cargo_sync.api.messages import FeedMessage

_PAGE = 1000

GaplessRow = dict[str, Any]
"""One row of `history`: {cursor, job, kind, time, path, bytes, message, details}."""


class _Heard(NamedTuple):
    epoch: str
    cursor: int


class Gapless:
    """Follows the notices of one subscription, to all jobs or some.

    client  asks the same daemon
    since   nothing after this cursor is left out; without it, nothing that happens from now on

    lost    rows that were lost and are not kept any more, at most so many
    """

    def __init__(self, client: Client, since: int | None = None) -> None:
        self._client = client
        self._since = client.call("history", {"limit": 1})["next"] if since is None else since
        self._heard: dict[str, _Heard] = {}
        self.lost = 0

    def take(self, message: FeedMessage) -> Iterator[GaplessRow | FeedMessage]:
        """The rows that were lost before `message`, then itself; nothing when it tells of what is
        known.

        Raises what `Client.call` does.
        """
        if message.cursor is None or not message.topic.startswith(topics.NOTICES):
            return
        heard = self._heard.get(message.topic, _Heard("", self._since))
        first = message.cursor - int(message.fields.get("count", 1)) + 1
        if message.cursor <= heard.cursor:
            return
        if message.missed or message.epoch != heard.epoch or first <= heard.cursor:
            job = topics.name_of(message.topic)
            # With a notice that is known in part all of its rows are read: none comes twice.
            end = message.cursor if first <= heard.cursor else first - 1
            yield from (row for row in self._rows(heard.cursor, job) if row["cursor"] <= end)
        self._heard[message.topic] = _Heard(message.epoch, message.cursor)
        if first > heard.cursor:
            yield message

    def catch_up(self) -> Iterator[GaplessRow]:
        """All rows of all jobs that were not told of yet: for whoever was away and hears nothing.

        It reads from where the last call ended, or from the beginning, whatever notices told
        meanwhile.
        """
        known = {topics.name_of(topic): heard.cursor for topic, heard in self._heard.items()}
        newest = self._since
        for row in self._rows(self._since, None):
            newest = row["cursor"]
            if newest > known.get(row["job"], self._since):
                yield row
        self._since = newest
        self._heard = {
            topic: _Heard(heard.epoch, max(heard.cursor, newest))
            for topic, heard in self._heard.items()
        }

    def _rows(self, since: int, job: str | None) -> Iterator[GaplessRow]:
        more = True
        while more:
            asked = {"since": since, "limit": _PAGE} | ({} if job is None else {"job": job})
            page = self._client.call("history", asked)
            self.lost += max(0, page["oldest"] - since - 1)
            yield from page["rows"]
            since, more = page["next"], page["more"]
