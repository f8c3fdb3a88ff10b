"""The subscribers of one socket of the feed: what they subscribe to, and what is replayed to them.

A client may subscribe as fast as it can write. So the work goes in turns of the event loop, and
each turn has a limit: whatever clients do, commands are answered and transfers go on in between.
"""

import asyncio
import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import zmq
import zmq.asyncio

from cargo_sync.machines.replays import Replays
from cargo_sync.process.wakeup import next_turn

MESSAGES_A_TURN: Final = 100
TOPICS_A_TURN: Final = 250
_PAUSE = 0.01
"""Seconds until a replay tries again when a queue was full."""
_PATIENCE = 0.5
"""Seconds that a round waits for full queues; then subscribers that do not read lose messages."""
_MOST_PREFIXES = 10_000
_SUBSCRIBE, _UNSUBSCRIBE = 1, 0


class LastMessage(NamedTuple):
    """The last message of a topic: its number, and its JSON as it was sent."""

    seq: int
    raw: bytes

    @property
    def replayed(self) -> bytes:
        """Its JSON as it is sent again."""
        return b'{"replay":true,' + self.raw[1:]


class Prefixes:
    """What clients subscribed to. Beyond 10,000 prefixes it counts as everything."""

    def __init__(self, most: int = _MOST_PREFIXES) -> None:
        self._most = most
        self._known: set[bytes] = set()
        self._too_many = False

    def add(self, prefix: bytes) -> None:
        if len(self._known) < self._most:
            self._known.add(prefix)
        else:
            self._too_many = prefix not in self._known or self._too_many

    def discard(self, prefix: bytes) -> None:
        self._known.discard(prefix)
        self._too_many = self._too_many and bool(self._known)

    def match(self, wanted: bytes) -> bool:
        """Whether somebody subscribed to a topic that begins with `wanted`."""
        return self._too_many or any(
            each.startswith(wanted) or wanted.startswith(each) for each in self._known
        )


class Subscribers:
    """Handles the subscriptions that arrive at one XPUB.

    socket  with XPUB_VERBOSE: libzmq delivers all subscriptions, but an unsubscription only if it
            was the last one of its prefix
    last    the last message of each topic; the publisher changes it
    """

    def __init__(self, socket: zmq.asyncio.Socket, last: Mapping[str, LastMessage]) -> None:
        self._socket = socket
        self._direct: zmq.Socket[bytes] = zmq.Socket.shadow(socket)
        self._last = last
        self._prefixes = Prefixes()
        self._replays = Replays()
        self._round: list[str] = []
        """The topics that are still to be replayed, the next one last."""
        self._full_since: float | None = None
        self._resume = -math.inf

    def has(self, wanted: bytes) -> bool:
        """Whether somebody subscribed to a topic that begins with `wanted`."""
        return self._prefixes.match(wanted)

    async def serve(self) -> None:
        """Takes turns until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            rest = self.turn(clock())
            if rest == 0:
                await next_turn()
            else:
                await self._socket.poll(None if rest == math.inf else rest * 1000)

    def turn(self, now: float) -> float:
        """Reads a few subscription messages and replays a few topics.

        Returns:
            The seconds until there is more to do, if no message comes earlier.
        """
        read = self._read()
        if not self._round and self._replays.due_in(now) == 0:
            self._begin(self._replays.begin(now))
        if self._round and now >= self._resume:
            self._replay(now)
        if read == MESSAGES_A_TURN:
            return 0.0
        return max(0.0, self._resume - now) if self._round else self._replays.due_in(now)

    def take(self, raw: bytes) -> None:
        """Handles one subscription message: a byte 1 or 0, then the prefix (RFC 29/PUBSUB)."""
        if not raw:
            return
        prefix = raw[1:]
        if raw[0] == _SUBSCRIBE:
            self._prefixes.add(prefix)
            self._replays.ask(prefix)
        elif raw[0] == _UNSUBSCRIBE:
            self._prefixes.discard(prefix)

    def _read(self) -> int:
        """Reads at most `MESSAGES_A_TURN` messages; how many."""
        for number in range(MESSAGES_A_TURN):
            try:
                self.take(self._direct.recv(zmq.NOBLOCK))
            except zmq.Again:
                return number
        return MESSAGES_A_TURN

    def _begin(self, prefixes: tuple[bytes, ...]) -> None:
        self._round = [topic for topic in self._last if topic.encode().startswith(prefixes)]
        self._round.reverse()
        self._full_since, self._resume = None, -math.inf

    def _replay(self, now: float) -> None:
        """Sends a few topics again.

        It waits for room in full queues, so that nothing is dropped; but not for long, because a
        subscriber that does not read must not delay others.
        """
        dropping = self._full_since is not None and now - self._full_since >= _PATIENCE
        sent = 0
        self._direct.setsockopt(zmq.XPUB_NODROP, not dropping)
        while self._round and sent < TOPICS_A_TURN:
            topic = self._round[-1]
            if topic in self._last and not self._send(topic, self._last[topic].replayed):
                break
            self._round.pop()
            sent += 1
        self._direct.setsockopt(zmq.XPUB_NODROP, 0)
        if dropping:
            self._resume = now + _PAUSE
        elif sent == TOPICS_A_TURN or not self._round:
            self._full_since = None
        else:
            self._full_since = now if sent or self._full_since is None else self._full_since
            self._resume = now + _PAUSE

    def _send(self, topic: str, raw: bytes) -> bool:
        try:
            self._direct.send_multipart([topic.encode(), raw], zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True
