"""The feed: what happens, by topic, to whoever subscribed, without ever waiting for anybody.

An XPUB, because it sees subscriptions: the last value of each topic is sent again when somebody
subscribes, so that a front end knows where things stand at once.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

import zmq
import zmq.asyncio

from cargo_sync.api.messages import FeedMessage, JsonObject, encode_feed
from cargo_sync.control.binding import SocketSetup, as_it_is, bound

_UNSENT_MESSAGES = 1_000
"""For each subscriber: one that stands still may cost some megabytes, not more."""
_REPLAY_PAUSE = 0.01
_REPLAY_PAUSES = 50
"""How often in a row a replay waits for room: who stands still does not hold up others for longer."""
_MOST_TOPICS = 5_000
_LARGEST_SUBSCRIPTION = 16 * 1024
_HEARTBEAT_MS = 5_000
_SUBSCRIBE, _UNSUBSCRIBE = 1, 0


def bind_feed(
    context: zmq.asyncio.Context,
    address: str,
    prepare: SocketSetup = as_it_is,
) -> zmq.asyncio.Socket:
    """An XPUB bound to `address`; `prepare` may set more options before. Raises zmq.ZMQError."""
    socket = context.socket(zmq.XPUB)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    socket.setsockopt(zmq.SNDHWM, _UNSENT_MESSAGES)
    socket.setsockopt(zmq.MAXMSGSIZE, _LARGEST_SUBSCRIPTION)
    socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * _HEARTBEAT_MS)
    return bound(socket, address, prepare)


class Publisher:
    """Publishes on every socket that is attached.

    epoch  one life of the daemon
    now    the time of messages, unix seconds
    most_topics  last values kept; past it the topic that was silent longest is dropped
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
        self._last: dict[str, tuple[int, bytes]] = {}  # seq and message, the longest silent first
        self._subscriptions: dict[zmq.asyncio.Socket, set[bytes]] = {}

    def attach(self, socket: zmq.asyncio.Socket) -> None:
        """Publish on `socket`, an XPUB, too."""
        self._subscriptions[socket] = set()

    def detach(self, socket: zmq.asyncio.Socket) -> None:
        """Publish on it no more."""
        self._subscriptions.pop(socket, None)

    @property
    def sockets(self) -> tuple[zmq.asyncio.Socket, ...]:
        """Those that are attached."""
        return tuple(self._subscriptions)

    def publish(
        self, topic: str, type: str, fields: JsonObject, *, cursor: int | None = None
    ) -> None:
        """Send to whoever listens, and keep as the topic's last value. Never waits.

        A subscriber whose queue is full loses the message, and sees it by the gap in `seq`.
        `cursor` is of the event row that this tells of. Raises ValueError and TypeError for fields
        that cannot be sent.
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
        """Drop what is kept of the topics that begin so: of a job that is gone, a transfer that is
        over."""
        for topic in [topic for topic in self._last if topic.startswith(prefix)]:
            del self._last[topic]

    def has_subscribers(self, prefix: str) -> bool:
        """Whether anybody listens to some topic that begins with `prefix`."""
        wanted = prefix.encode()
        return any(
            each.startswith(wanted) or wanted.startswith(each)
            for subscribed in self._subscriptions.values()
            for each in subscribed
        )

    async def serve(self, socket: zmq.asyncio.Socket) -> None:
        """Answer subscriptions to an attached socket with the last values, until cancelled."""
        while True:
            topics, pauses = self.subscribed(await socket.recv(), socket), 0
            while topics:
                # As many as fit into a queue: what is replayed must not be what is dropped.
                sent = self.replay(topics, socket, dropping=False)
                if pauses == _REPLAY_PAUSES:
                    # Who loses a message has no say any more until there is room again.
                    sent = sent or self.replay(topics[:1], socket)
                topics, pauses = topics[sent:], 0 if sent else pauses + 1
                if topics:
                    await _pause(_REPLAY_PAUSE)

    def subscribed(self, raw: bytes, socket: zmq.asyncio.Socket) -> list[str]:
        """Take note of one subscription message: a byte 1 or 0, then the prefix (RFC 29/PUBSUB).

        XPUB_VERBOSE passes every subscription on, but an end only when it was the last of its
        prefix. Returns the topics to replay.
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
        """Send the last values of these topics again; of how many.

        dropping  to whoever has room; else it ends where a subscriber has none
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
    # Done when it returns: an XPUB drops rather than wait. Asking for the exception marks it as
    # seen.
    sent = socket.send_multipart([topic.encode(), raw], zmq.DONTWAIT)
    return sent.exception() is None  # type: ignore[attr-defined]
