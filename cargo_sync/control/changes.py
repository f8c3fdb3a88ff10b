"""What a feed has said last, by topic: a value is published when it differs from that one."""

from collections.abc import Callable
from typing import Protocol

from cargo_sync.api.messages import JsonObject


class Publish(Protocol):
    """A publisher, as far as feeds need one: see `control.publisher.Publisher`."""

    def publish(
        self, topic: str, type: str, fields: JsonObject, *, cursor: int | None = None
    ) -> None: ...

    def forget(self, prefix: str) -> None: ...

    def has_subscribers(self, prefix: str) -> bool: ...


class Changes:
    """Publishes what has changed, and nothing twice."""

    def __init__(self, publisher: Publish) -> None:
        self._publisher = publisher
        self._said: dict[str, object] = {}

    def say(self, topic: str, type: str, value: object, fields: Callable[[], JsonObject]) -> bool:
        """Publishes `fields()` when `value` is another than the last one of this topic.

        Returns:
            Whether it was.
        """
        if self._said.get(topic) == value:
            return False
        self._said[topic] = value
        self._publisher.publish(topic, type, fields())
        return True

    def has(self, topic: str) -> bool:
        """Whether anything was said of this topic."""
        return topic in self._said

    def drop(self, topic: str) -> None:
        """Nobody listens to this topic: its last value is out of date, also for who comes next."""
        if self._said.pop(topic, None) is not None:
            self._publisher.forget(topic)
