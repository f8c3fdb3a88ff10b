"""Telling what a subscriber has already, what is new and what was lost, by each topic's seq."""

from dataclasses import replace

from cargo_sync.api.messages import FeedMessage

_MOST_TOPICS = 65_536


class Sequence:
    """The last seq seen of each topic, within one epoch."""

    def __init__(self) -> None:
        self._epoch = ""
        self._seen: dict[str, int] = {}

    def take(self, message: FeedMessage) -> FeedMessage | None:
        """`message` with `missed` filled in, or None when it is a replay of what was seen.

        A seq that starts again without a new epoch is a topic that was dropped and came back:
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
