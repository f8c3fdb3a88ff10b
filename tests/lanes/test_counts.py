"""What an end says is done: only what the receiver has, by the receiver's word."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from cargo_sync.lanes.end import IDLE_SECONDS, PING_SECONDS
from cargo_sync.lanes.figures import Moving
from cargo_sync.lanes.receiver import COUNT_SECONDS
from cargo_sync.lanes.sender import Sender
from cargo_sync.model.transfers import Want
from cargo_sync.testing.disk import MemorySource
from cargo_sync.wire import messages, records
from tests.lanes.flows import Clock, Flow, Peer, files, links, pattern

PIECE = 1 << 20
each_way = pytest.mark.parametrize("upload", [True, False], ids=["upload", "download"])


def moving(flow: Flow, end: str = "sender") -> tuple[Moving, ...]:
    machine = flow.sender if end == "sender" else flow.receiver
    return machine.figures().files


def sent(flow: Flow) -> None:
    """The sender's channel takes all that it has; the receiver gets none of it."""
    for _ in range(50):
        flow.sender.step()


@each_way
def test_what_a_channel_took_is_not_done(upload: bool) -> None:
    source = files(big=pattern(4 << 20), next=pattern(2 << 20, 2))
    flow = Flow(upload, source, capacity=16 << 20)
    big, after = flow.offers()
    flow.batch(0, [big])
    flow.batch(1, [after])
    flow.client.step()
    for _ in range(3):
        flow.server.step()
    sent(flow)
    assert flow.sender.link.sent > 6 << 20, "all is in the channel"
    assert flow.sender.figures().content == 0
    assert moving(flow) == (Moving("big", 0, 4 << 20, big.transfer),)
    done = []
    for _ in range(30):
        flow.clock.now += COUNT_SECONDS
        flow.receiver.step()
        sent(flow)
        done += [(file.path, file.done >> 20) for file in moving(flow)]
        ahead = flow.receiver.figures().content - flow.sender.figures().content
        assert 0 <= ahead <= PIECE, "the receiver's word is half a second old"
    assert list(dict.fromkeys(done)) == [
        ("big", 0), ("big", 1), ("big", 2), ("big", 3), ("next", 0), ("next", 1),
    ]  # fmt: skip
    flow.client.finish()
    flow.run()
    assert flow.sender.figures().content == 6 << 20
    assert moving(flow) == moving(flow, "receiver") == (), "all is committed"


@each_way
def test_the_part_of_a_frame_that_is_here_counts(upload: bool) -> None:
    flow = Flow(upload, files(big=pattern(PIECE)), capacity=1 << 16)
    flow.batch(0, flow.offers())
    seen: list[int] = []
    while not seen or seen[-1] < PIECE * 9 // 10:
        flow.clock.now += COUNT_SECONDS
        flow.client.step()
        flow.server.step()
        seen += [file.done for file in moving(flow)]
    steps = [later - before for before, later in pairwise(seen)]
    assert max(steps) < PIECE // 4 and min(steps) >= 0, "on a slow line a frame takes seconds"
    assert flow.sender.figures().content == seen[-1]


@each_way
def test_the_count_is_told_twice_a_second(upload: bool) -> None:
    flow = Flow(upload, files(big=pattern(8 << 20)), capacity=1 << 16)
    flow.batch(0, flow.offers())
    told: list[float] = []
    take = flow.sender._handlers[records.PING]

    def heard(flags: int, index: int, batch: int, offset: int, payload: memoryview) -> None:
        told.append(flow.clock.now)
        take(flags, index, batch, offset, payload)

    flow.sender._handlers[records.PING] = heard
    for _ in range(100):
        flow.clock.now += COUNT_SECONDS / 10
        flow.client.step()
        flow.server.step()
    assert len(told) == pytest.approx(10, abs=1)


@each_way
def test_the_last_count_needs_no_further_content(upload: bool) -> None:
    flow = Flow(upload, files(big=pattern(2 << 20)), capacity=1 << 22)
    flow.batch(0, flow.offers())
    flow.sender._pieces.fill = _once(flow)  # type: ignore[assignment, method-assign]
    flow.run()
    assert flow.receiver.due() == flow.clock.now + PING_SECONDS, "it was told at once"
    assert [file.done for file in moving(flow)] == [PIECE]


def _once(flow: Flow) -> Callable[[memoryview, int, int], int]:
    """The sender sends one frame of content, and then stands still."""
    fill = flow.sender._pieces.fill

    def once(body: memoryview, used: int, limit: int) -> int:
        return fill(body, used, limit) if not flow.sender._pieces.content else used

    return once


def test_a_receiver_that_lies_reaches_no_more_than_was_sent() -> None:
    ours, theirs = links(sealed=True, capacity=1 << 22)
    source = files(a=pattern(1000))
    sender = Sender(ours, source, Clock(), client=True)
    peer = Peer(theirs)
    sender.offer(0, [source.files["a"].offer("a")])
    sender.step()
    peer.say(records.WANT, messages.encode_wants([Want("all")]))
    sender.step()
    for index, batch, offset in ((0, 0, 1 << 60), (7, 0, 5), (0, 9, 5)):
        peer.say(
            records.PING, messages.encode_count(1 << 40), index=index, batch=batch, offset=offset
        )
        sender.step()
    assert sender.problem is None
    figures = sender.figures()
    assert figures.content == 1000
    assert [file.done for file in figures.files] == [1000]


def test_a_buffer_that_empties_slowly_is_not_idle() -> None:
    ours, theirs = links(sealed=True, capacity=1 << 22)
    source: MemorySource = files(a=pattern(1000))
    clock = Clock()
    sender = Sender(ours, source, clock, client=False)
    peer = Peer(theirs)
    peer.say(records.ASK, messages.encode_ask([source.files["a"].offer("a")], [Want("all")]))
    for count in range(int(3 * IDLE_SECONDS / PING_SECONDS)):
        clock.now += PING_SECONDS
        peer.say(records.PING, messages.encode_count(count), offset=count)
        while sender.step().value == "again":
            pass
        assert not sender.done, sender.problem
    for _ in range(int(IDLE_SECONDS / PING_SECONDS) + 2):
        clock.now += PING_SECONDS
        if not sender.done:
            peer.say(records.PING, messages.encode_count(count), offset=count)
        sender.step()
    [*_, (kind, _, _, problem)] = peer.hear()
    assert kind == records.BYE and b"idle" in problem, "no more came in the end"


@each_way
def test_what_the_receiver_had_is_counted_apart(upload: bool) -> None:
    flow = Flow(upload, files(big=pattern(4 << 20)), capacity=1 << 16)
    offers = flow.offers()
    flow.sink.begin = lambda *_: [Want("ranges", ((3 << 20, 4 << 20),))]  # type: ignore[method-assign]
    flow.batch(0, offers)
    for _ in range(4):
        flow.client.step()
        flow.server.step()
    for end in (flow.sender, flow.receiver):
        figures = end.figures()
        assert figures.had == 3 << 20 and figures.content < PIECE
        assert all(file.done >= 3 << 20 for file in figures.files)
