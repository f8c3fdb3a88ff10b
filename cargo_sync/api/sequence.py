"""Finds by each topic's seq which messages are known, which are new and how many were lost."""

from dataclasses import replace
from typing import NamedTuple

from cargo_sync.api.messages import FeedMessage

_MOST_TOPICS = 65_536


class _Seen(NamedTuple):
    seq: int
    time: float


class Sequence:
    """The last message of each topic within one epoch."""

    def __init__(self) -> None:
        self._epoch = ""
        self._seen: dict[str, _Seen] = {}

    def take(self, message: FeedMessage) -> FeedMessage | None:
        """Returns `message` with `missed` set, or None if it is known or older than a known one.

        The answer of `feed.last` may overtake messages of the feed, so an older one may come after
        a newer one. But if the seq of a topic starts again at a later time, the publisher had
        dropped the topic: nothing is missed then.
        """
        if message.epoch != self._epoch:
            self._epoch = message.epoch
            self._seen.clear()
        last = self._seen.get(message.topic)
        if last is not None and message.seq <= last.seq and message.time <= last.time:
            return None
        if len(self._seen) >= _MOST_TOPICS and last is None:
            self._seen.pop(next(iter(self._seen)))
        self._seen[message.topic] = _Seen(message.seq, message.time)
        if last is None or message.seq <= last.seq:
            return message
        return replace(message, missed=message.seq - last.seq - 1)
