"""Finds by each topic's seq which messages are known, which are new and how many were lost."""

from dataclasses import replace
from typing import NamedTuple

from cargo_sync.api.messages import FeedMessage

_MOST_TOPICS = 65_536


class _Seen(NamedTuple):
    """What is known of a topic.

    seq, time  of its newest message
    fed        the seq of its newest message that was not a replay
    """

    seq: int
    time: float
    fed: int


class Sequence:
    """The last message of each topic within one epoch."""

    def __init__(self) -> None:
        self._epoch = ""
        self._seen: dict[str, _Seen] = {}

    def take(self, message: FeedMessage) -> FeedMessage | None:
        """Returns `message` with `missed` set, or None if it is known or older than a known one.

        The answer of `feed.last` may overtake messages of the feed, so an older one may come after
        a newer one. An older state is of no use, but each event counts: it is returned, late. If
        the seq of a topic starts again at a later time, the publisher had dropped the topic:
        nothing is missed then.
        """
        if message.epoch != self._epoch:
            self._epoch = message.epoch
            self._seen.clear()
        last = self._seen.get(message.topic)
        if last is not None and message.seq <= last.seq and message.time <= last.time:
            is_event = message.cursor is not None and not message.replay
            if not is_event or message.seq == last.seq or message.seq <= last.fed:
                return None
            self._seen[message.topic] = last._replace(fed=message.seq)
            return message
        if last is None and len(self._seen) >= _MOST_TOPICS:
            self._seen.pop(next(iter(self._seen)))
        if last is not None and message.seq <= last.seq:
            last = None
        fed = message.seq if not message.replay else last.fed if last else 0
        self._seen[message.topic] = _Seen(message.seq, message.time, fed)
        return message if last is None else replace(message, missed=message.seq - last.seq - 1)
