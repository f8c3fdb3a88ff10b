"""The feed: sends messages by topic to all subscribers, and never waits for any of them.

The last message of each topic is kept, so that a front end knows the current state at once: it asks
for them, or waits until they are replayed. The sockets are XPUBs, because those see subscriptions.
"""

import heapq
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import zmq
import zmq.asyncio

from cargo_sync.api.messages import FeedMessage, JsonObject, encode_feed
from cargo_sync.control.binding import SocketSetup, bound, no_setup
from cargo_sync.control.subscribers import LastMessage, Subscribers

PAGE: Final = 250
"""Topics in one answer about last messages at most."""

_UNSENT_MESSAGES = 1_000
"""Per subscriber, so that one that does not read costs no more than some megabytes."""
_UNREAD_SUBSCRIPTIONS = 10
"""Per client. What libzmq lets in goes into a queue of its own without a limit, so this bounds the
memory; a client that subscribes faster has to wait."""
_MOST_TOPICS = 5_000
_LARGEST_SUBSCRIPTION = 16 * 1024


def bind_feed(
    context: zmq.asyncio.Context,
    address: str,
    prepare: SocketSetup = no_setup,
) -> zmq.asyncio.Socket:
    """An XPUB bound to `address`; `prepare` may set more options before. Raises ZMQError."""
    socket = context.socket(zmq.XPUB)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    socket.setsockopt(zmq.SNDHWM, _UNSENT_MESSAGES)
    socket.setsockopt(zmq.RCVHWM, _UNREAD_SUBSCRIPTIONS)
    socket.setsockopt(zmq.MAXMSGSIZE, _LARGEST_SUBSCRIPTION)
    return bound(socket, address, prepare)


class LastOf(NamedTuple):
    """The last message of a topic, as it is replayed."""

    topic: str
    raw: bytes


class Publisher:
    """Publishes on all attached sockets.

    epoch        differs for each start of the process
    now          gives the time of messages, unix seconds
    most_topics  topics whose last message is kept; beyond it the topic that was silent longest goes
    """

    def __init__(
        self,
        epoch: str,
        now: Callable[[], float],
        *,
        most_topics: int = _MOST_TOPICS,
    ) -> None:
        self._epoch = epoch
        self._now = now
        self._most_topics = most_topics
        # By topic; the topic that was silent longest comes first.
        self._last: dict[str, LastMessage] = {}
        self._subscribers: dict[zmq.asyncio.Socket, Subscribers] = {}

    def attach(self, socket: zmq.asyncio.Socket) -> None:
        """Begins to publish on `socket`, an XPUB."""
        self._subscribers[socket] = Subscribers(socket, self._last)

    def detach(self, socket: zmq.asyncio.Socket) -> None:
        """Stops publishing on `socket`."""
        self._subscribers.pop(socket, None)

    @property
    def sockets(self) -> tuple[zmq.asyncio.Socket, ...]:
        """All attached sockets."""
        return tuple(self._subscribers)

    def publish(
        self, topic: str, type: str, fields: JsonObject, *, cursor: int | None = None
    ) -> None:
        """Sends a message to all subscribers, and keeps it as the topic's last one. Never waits.

        A subscriber with a full queue loses the message, and notices the gap in `seq`.

        Args:
            topic: to which it belongs.
            type: of the message.
            fields: its content.
            cursor: of the event row that it reports.

        Raises:
            ValueError, TypeError: the fields cannot be encoded.
        """
        seq = self._last[topic].seq + 1 if topic in self._last else 1
        message = FeedMessage(topic, type, self._epoch, seq, self._now(), dict(fields), cursor)
        raw = encode_feed(message)
        self._last.pop(topic, None)
        self._last[topic] = LastMessage(seq, raw)
        if len(self._last) > self._most_topics:
            del self._last[next(iter(self._last))]
        for socket in self._subscribers:
            _send(socket, topic, raw)

    def forget(self, prefix: str) -> None:
        """Drops the last messages of all topics with this prefix, such as those of an old job."""
        for topic in [topic for topic in self._last if topic.startswith(prefix)]:
            del self._last[topic]

    def has_subscribers(self, prefix: str) -> bool:
        """Whether somebody subscribed to a topic that begins with `prefix`."""
        wanted = prefix.encode()
        return any(each.has(wanted) for each in self._subscribers.values())

    def last(self, prefixes: Sequence[str], after: str) -> tuple[Sequence[LastOf], str | None]:
        """A page of the last messages of the topics with one of these prefixes, by topic.

        Args:
            prefixes: as in a subscription; "" is everything.
            after: topics after this one.

        Returns:
            The page, and the `after` of the next one; None if this is the last.
        """
        begins = tuple(prefixes)
        topics = (topic for topic in self._last if topic > after and topic.startswith(begins))
        page = heapq.nsmallest(PAGE + 1, topics)
        rows = [LastOf(topic, self._last[topic].replayed) for topic in page[:PAGE]]
        return rows, page[PAGE - 1] if len(page) > PAGE else None

    async def serve(self, socket: zmq.asyncio.Socket) -> None:
        """Handles the subscriptions at an attached socket, until cancelled."""
        await self._subscribers[socket].serve()


def _send(socket: zmq.asyncio.Socket, topic: str, raw: bytes) -> bool:
    # The future is done at once, because an XPUB drops instead of waiting. Reading the exception
    # marks it as handled.
    sent = socket.send_multipart([topic.encode(), raw], zmq.DONTWAIT)
    return sent.exception() is None  # type: ignore[attr-defined]
