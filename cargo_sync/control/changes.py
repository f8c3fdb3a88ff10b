"""Publishes a value only if it differs from the topic's last value."""

from collections.abc import Callable
from typing import Protocol

from cargo_sync.api.messages import JsonObject


class Publish(Protocol):
    """The part of a publisher that feeds need: see `control.publisher.Publisher`."""

    def publish(
        self, topic: str, type: str, fields: JsonObject, *, cursor: int | None = None
    ) -> None: ...

    def forget(self, prefix: str) -> None: ...

    def has_subscribers(self, prefix: str) -> bool: ...


class Changes:
    """The last value per topic."""

    def __init__(self, publisher: Publish) -> None:
        self._publisher = publisher
        self._last: dict[str, object] = {}

    def publish(
        self, topic: str, type: str, value: object, fields: Callable[[], JsonObject]
    ) -> bool:
        """Publishes `fields()` if `value` differs from the topic's last value.

        Returns:
            Whether it was published.
        """
        if self._last.get(topic) == value:
            return False
        self._last[topic] = value
        self._publisher.publish(topic, type, fields())
        return True

    def has(self, topic: str) -> bool:
        """Whether anything was published on this topic."""
        return topic in self._last

    def drop(self, topic: str) -> None:
        """Forgets the topic's last value, which would be out of date for a new subscriber."""
        if self._last.pop(topic, None) is not None:
            self._publisher.forget(topic)
