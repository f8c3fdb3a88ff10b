"""Finds by each topic's seq which messages are known, which are new and how many were lost."""

from dataclasses import replace

from cargo_sync.api.messages import FeedMessage

_MOST_TOPICS = 65_536


class Sequence:
    """The last seq of each topic within one epoch."""

    def __init__(self) -> None:
        self._epoch = ""
        self._seen: dict[str, int] = {}

    def take(self, message: FeedMessage) -> FeedMessage | None:
        """Returns `message` with `missed` set, or None if it is a replay of a known message.

        If the seq of a topic starts again without a new epoch, the publisher had dropped the topic:
        nothing is missed then.
        """
        if message.epoch != self._epoch:
            self._epoch = message.epoch
            self._seen.clear()
        last = self._seen.get(message.topic)
        if message.replay and last is not None and message.seq <= last:
            return None
        if len(self._seen) >= _MOST_TOPICS and last is None:
            self._seen.pop(next(iter(self._seen)))
        self._seen[message.topic] = message.seq
        if last is None or message.seq <= last:
            return message
        return replace(message, missed=message.seq - last - 1)
