"""The feed: sends messages by topic to all subscribers, and never waits for any of them.

The socket is an XPUB, because it sees subscriptions. A new subscriber gets the last message of each
topic again, so that a front end knows the current state at once.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

import zmq
import zmq.asyncio

from cargo_sync.api.messages import FeedMessage, JsonObject, encode_feed
from cargo_sync.control.binding import SocketSetup, bound, no_setup

_UNSENT_MESSAGES = 1_000
"""Per subscriber, so that one that does not read costs no more than some megabytes."""
_REPLAY_PAUSE = 0.01
_REPLAY_PAUSES = 50
"""How often in a row a replay waits for room in a queue: a subscriber that does not read delays
others no longer."""
_MOST_TOPICS = 5_000
_LARGEST_SUBSCRIPTION = 16 * 1024
_HEARTBEAT_MS = 5_000
_SUBSCRIBE, _UNSUBSCRIBE = 1, 0


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
    socket.setsockopt(zmq.MAXMSGSIZE, _LARGEST_SUBSCRIPTION)
    socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * _HEARTBEAT_MS)
    return bound(socket, address, prepare)


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
        # Sequence number and message per topic; the topic that was silent longest comes first.
        self._last: dict[str, tuple[int, bytes]] = {}
        self._subscriptions: dict[zmq.asyncio.Socket, set[bytes]] = {}

    def attach(self, socket: zmq.asyncio.Socket) -> None:
        """Begins to publish on `socket`, an XPUB."""
        self._subscriptions[socket] = set()

    def detach(self, socket: zmq.asyncio.Socket) -> None:
        """Stops publishing on `socket`."""
        self._subscriptions.pop(socket, None)

    @property
    def sockets(self) -> tuple[zmq.asyncio.Socket, ...]:
        """All attached sockets."""
        return tuple(self._subscriptions)

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
        seq = self._last[topic][0] + 1 if topic in self._last else 1
        message = FeedMessage(topic, type, self._epoch, seq, self._now(), dict(fields), cursor)
        raw = encode_feed(message)
        self._last.pop(topic, None)
        self._last[topic] = (seq, raw)
        if len(self._last) > self._most_topics:
            del self._last[next(iter(self._last))]
        for socket in self._subscriptions:
            _send(socket, topic, raw)

    def forget(self, prefix: str) -> None:
        """Drops the last messages of all topics with this prefix, such as those of an old job."""
        for topic in [topic for topic in self._last if topic.startswith(prefix)]:
            del self._last[topic]

    def has_subscribers(self, prefix: str) -> bool:
        """Whether somebody subscribed to a topic that begins with `prefix`."""
        wanted = prefix.encode()
        return any(
            each.startswith(wanted) or wanted.startswith(each)
            for subscribed in self._subscriptions.values()
            for each in subscribed
        )

    async def serve(self, socket: zmq.asyncio.Socket) -> None:
        """Replays the last messages to new subscribers of an attached socket, until cancelled."""
        while True:
            topics, pauses = self.subscribed(await socket.recv(), socket), 0
            while topics:
                # Only as many as fit into the queues, so that none of them is dropped.
                sent = self.replay(topics, socket, dropping=False)
                if pauses == _REPLAY_PAUSES:
                    # Now it drops one message for the subscribers that do not read, and continues.
                    sent = sent or self.replay(topics[:1], socket)
                topics, pauses = topics[sent:], 0 if sent else pauses + 1
                if topics:
                    await _pause(_REPLAY_PAUSE)

    def subscribed(self, raw: bytes, socket: zmq.asyncio.Socket) -> list[str]:
        """Handles one subscription message: a byte 1 or 0, then the prefix (RFC 29/PUBSUB).

        With XPUB_VERBOSE libzmq delivers all subscriptions, but an unsubscription only if it was
        the last one of its prefix.

        Returns:
            The topics to replay.
        """
        mine = self._subscriptions.get(socket)
        if not raw or mine is None:
            return []
        prefix = raw[1:]
        if raw[0] == _SUBSCRIBE:
            mine.add(prefix)
            return [topic for topic in self._last if topic.encode().startswith(prefix)]
        if raw[0] == _UNSUBSCRIBE:
            mine.discard(prefix)
        return []

    def replay(
        self, topics: Iterable[str], socket: zmq.asyncio.Socket, *, dropping: bool = True
    ) -> int:
        """Sends the last messages of these topics again.

        Args:
            topics: in this order.
            socket: to its subscribers.
            dropping: drop messages for subscribers with a full queue; else stop at the first one.

        Returns:
            How many topics were sent.
        """
        done = 0
        socket.setsockopt(zmq.XPUB_NODROP, not dropping)
        for topic in topics:
            if topic in self._last:
                raw = b'{"replay":true,' + self._last[topic][1][1:]
                if not _send(socket, topic, raw):
                    break
            done += 1
        socket.setsockopt(zmq.XPUB_NODROP, 0)
        return done


async def _pause(seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


def _send(socket: zmq.asyncio.Socket, topic: str, raw: bytes) -> bool:
    # The future is done at once, because an XPUB drops instead of waiting. Reading the exception
    # marks it as handled.
    sent = socket.send_multipart([topic.encode(), raw], zmq.DONTWAIT)
    return sent.exception() is None  # type: ignore[attr-defined]
