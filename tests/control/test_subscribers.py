"""The turns of a feed's socket, without an event loop that waits: time is an argument."""

import math
from collections.abc import AsyncIterator

import pytest
import zmq
import zmq.asyncio

from cargo_sync.control.publisher import bind_feed
from cargo_sync.control.subscribers import (
    MESSAGES_A_TURN,
    TOPICS_A_TURN,
    LastMessage,
    Prefixes,
    Subscribers,
)

ROOM = 1_000
"""Messages that fit into a feed's queue for one subscriber."""


class Feed:
    """An XPUB and its subscribers in one process, so that messages need no time."""

    def __init__(self, context: zmq.asyncio.Context, topics: int = 0) -> None:
        self._context = context
        self.socket = bind_feed(context, "inproc://feed")
        last = {f"job/{number:04d}/": LastMessage(7, b'{"v":1}') for number in range(topics)}
        self.subscribers = Subscribers(self.socket, last)
        self._clients: list[zmq.Socket[bytes]] = []

    def client(self, *prefixes: str, room: int = ROOM) -> zmq.Socket[bytes]:
        client: zmq.Socket[bytes] = zmq.Context(self._context).socket(zmq.SUB)
        client.linger = 0
        client.rcvhwm = room
        client.connect("inproc://feed")
        self._clients.append(client)
        for prefix in prefixes:
            client.subscribe(prefix)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.socket.close()


@pytest.fixture
async def context() -> AsyncIterator[zmq.asyncio.Context]:
    with zmq.asyncio.Context() as context:
        yield context


def heard(client: zmq.Socket[bytes]) -> list[str]:
    """The topics that have arrived."""
    topics = []
    while client.poll(0):
        topic, raw = client.recv_multipart()
        assert raw == b'{"replay":true,"v":1}'
        topics.append(topic.decode())
    return topics


async def test_a_turn_reads_a_hundred_messages_at_most(context: zmq.asyncio.Context) -> None:
    feed = Feed(context)
    many = 2 * MESSAGES_A_TURN + 50
    feed.client(*(f"x{number:03d}" for number in range(many)))
    for turn in range(1, 3):
        assert feed.subscribers.turn(0.0) == 0.0, "there is more to do"
        read = [number for number in range(many) if feed.subscribers.has(b"x%03d" % number)]
        assert max(read) == turn * MESSAGES_A_TURN - 1
    assert feed.subscribers.turn(0.0) > 0
    assert feed.subscribers.has(b"x%03d" % (many - 1))
    feed.close()


async def test_a_turn_replays_250_topics_at_most(context: zmq.asyncio.Context) -> None:
    feed = Feed(context, topics=2 * TOPICS_A_TURN + 1)
    client = feed.client("job/")
    counts: list[int] = []
    while feed.subscribers.turn(0.0) == 0.0 or not counts:
        counts.append(len(heard(client)))
    counts.append(len(heard(client)))
    assert counts == [TOPICS_A_TURN, TOPICS_A_TURN, 1]
    feed.close()


async def test_who_subscribes_in_a_loop_gets_one_replay_a_second(
    context: zmq.asyncio.Context,
) -> None:
    feed = Feed(context, topics=3)
    client, other = feed.client("job/"), feed.client("job/0001/")
    assert feed.subscribers.turn(0.0) == math.inf
    assert heard(client) == ["job/0000/", "job/0001/", "job/0002/"]
    assert heard(other) == ["job/0001/"]
    for hundredth in range(1, 100):
        client.unsubscribe("job/")
        client.subscribe("job/")
        rest = feed.subscribers.turn(hundredth / 100)
        assert rest == pytest.approx(1 - hundredth / 100)
        assert heard(client) == heard(other) == []
    assert feed.subscribers.turn(1.0) == math.inf
    assert heard(client) == ["job/0000/", "job/0001/", "job/0002/"]
    feed.close()


async def test_a_replay_waits_for_who_reads_slowly(context: zmq.asyncio.Context) -> None:
    topics = 3 * ROOM
    feed = Feed(context, topics)
    slow = feed.client("job/", room=1)
    now, read = 0.0, 0
    while read < topics:
        rest = feed.subscribers.turn(now)
        now += min(rest, 0.25)  # never longer than its patience
        read += len(heard(slow))
        assert now < 60
    assert read == topics
    feed.close()


async def test_who_does_not_read_delays_a_replay_by_half_a_second(
    context: zmq.asyncio.Context,
) -> None:
    topics = 2 * ROOM
    feed = Feed(context, topics)
    feed.client("job/", room=1)  # it reads nothing
    reader = feed.client("job/", room=1)
    now = rest = 0.0
    read = 0
    while read < topics:
        now += rest
        rest = feed.subscribers.turn(now)
        read += len(heard(reader))
    assert 0.5 <= now < 0.6
    feed.close()


@pytest.mark.parametrize("raw", [b"", b"\x02x", b"hello", b"\x00never"])
async def test_odd_messages_are_ignored(context: zmq.asyncio.Context, raw: bytes) -> None:
    feed = Feed(context)
    feed.subscribers.take(raw)
    assert not feed.subscribers.has(b"")
    assert feed.subscribers.turn(0.0) == math.inf
    feed.close()


def test_prefixes_match_what_is_below_and_above_them() -> None:
    prefixes = Prefixes()
    prefixes.add(b"job/a/")
    assert [prefixes.match(each) for each in (b"job/", b"job/a/progress", b"job/b/", b"")] == [
        True,
        True,
        False,
        True,
    ]
    prefixes.discard(b"job/a/")
    assert not prefixes.match(b"job/")


def test_too_many_prefixes_match_everything_until_all_are_gone() -> None:
    prefixes = Prefixes(most=2)
    for each in (b"a", b"b", b"b"):
        prefixes.add(each)
    assert not prefixes.match(b"c")
    prefixes.add(b"d")
    assert prefixes.match(b"c")
    prefixes.discard(b"a")
    assert prefixes.match(b"c")
    prefixes.discard(b"b")
    assert not prefixes.match(b"c")
