"""A sink that publishes later, or is full, and a source that has not yet: the lane lives on."""

from collections.abc import Callable, Iterator

import pytest

from cargo_sync.lanes.end import BUSY_SECONDS, IDLE_SECONDS, OPEN_MAX, PING_SECONDS, End
from cargo_sync.lanes.receiver import CHECKPOINT_SECONDS, Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.transfers import Receipt, Want
from cargo_sync.testing.disk import MemoryDisk, MemoryFile
from cargo_sync.testing.driver import alternate
from cargo_sync.testing.later import LateSink, LateSource
from cargo_sync.wire import messages, records
from cargo_sync.wire.frames import FRAME_MAX
from tests.lanes.flows import Clock, Flow, Peer, files, links, pattern
from tests.lanes.test_later import Room

LONG = 3 * BUSY_SECONDS
each_way = pytest.mark.parametrize("upload", [True, False], ids=["upload", "download"])


class SlowSink(Flow):
    """A flow into a sink that publishes when the test says so."""

    late: LateSink

    def __post_init__(self) -> None:
        super().__post_init__()
        self.late = self.sink = self.receiver._sink = LateSink(self.disk)

    def passes(self, seconds: float) -> None:
        """Time passes, from deadline to deadline."""
        until = self.clock.now + seconds
        self.run()
        while self.clock.now < until:
            due = min(self.client.due(), self.server.due())
            assert due > self.clock.now, "an end wants to be stepped again and again"
            self.clock.now = min(until, due)
            self.run()

    def lives(self, seconds: float = LONG) -> None:
        self.passes(seconds)
        assert (self.client.done, self.server.done) == (False, False), self.problems()


def slow_source(upload: bool, **contents: bytes) -> tuple[SlowSink, LateSource]:
    source = LateSource({name: MemoryFile(content) for name, content in contents.items()})
    flow = SlowSink(upload, source)
    flow.batch(0, flow.offers())
    return flow, source


# -- a sink that publishes later -------------------------------------------------------------------


@each_way
def test_a_publication_that_takes_long_is_no_silence(upload: bool) -> None:
    flow = SlowSink(upload, files(a=b"a", b=pattern(3_000_000)))
    flow.batch(0, flow.offers())
    flow.client.finish()
    flow.lives()
    assert flow.late.submitted == [0] and flow.published() == {}
    assert flow.sender.figures().content == flow.receiver.figures().content == 3_000_001
    flow.late.publish(0)
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.codes() == ["done", "done"]
    assert flow.published() == {"a": b"a", "b": pattern(3_000_000)}


@each_way
def test_batches_are_finished_in_any_order(upload: bool) -> None:
    flow = SlowSink(upload, files(a=b"a", b=b"b", c=b"c"))
    for number, path in enumerate("abc"):
        flow.batch(number, flow.offers(path))
    flow.run()
    for number, problem in ((2, None), (0, Problem(Code.DISK_FULL, "full")), (1, None)):
        flow.late.publish(number, problem)
        flow.passes(PING_SECONDS)
        assert list(flow.told["sender"])[-1] == number
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert list(flow.told["sender"]) == list(flow.told["receiver"]) == [2, 0, 1]
    assert [flow.codes(number) for number in range(3)] == [["disk_full"], ["done"], ["done"]]
    assert flow.published() == {"b": b"b", "c": b"c"}


@each_way
def test_no_more_than_eight_batches_wait_for_their_publication(upload: bool) -> None:
    names = [f"f{number:02}" for number in range(OPEN_MAX + 3)]
    flow = SlowSink(upload, files(**{name: name.encode() for name in names}))
    for number, name in enumerate(names):
        flow.batch(number, flow.offers(name))
    flow.client.finish()
    flow.lives(60)
    assert flow.late.submitted == list(range(OPEN_MAX))
    for number in range(len(names)):
        flow.late.publish(number)
        flow.run()
    assert flow.problems() == ["", ""]
    assert sorted(flow.published()) == names


def test_a_client_that_opens_more_batches_than_may_wait_is_refused() -> None:
    client, server = links(True, 1 << 20)
    clock, peer, sink = Clock(), Peer(client), LateSink(MemoryDisk())
    receiver = Receiver(server, sink, clock, client=False)
    offer = files(a=b"x").files["a"].offer("a")
    for number in range(OPEN_MAX + 1):
        peer.say(records.OFFER, messages.encode_offers([offer]), batch=number)
        peer.say(records.DATA, b"x", batch=number, flags=records.FINAL | records.WHOLE)
    while not receiver.done:
        receiver.step()
    assert receiver.problem and receiver.problem.code == "protocol"
    assert sink.submitted == list(range(OPEN_MAX)) and sink.closed


def test_content_of_a_batch_that_waits_for_its_publication_is_refused() -> None:
    for again in (records.DATA, records.FAIL):
        client, server = links(True, 1 << 20)
        peer, sink = Peer(client), LateSink(MemoryDisk())
        receiver = Receiver(server, sink, Clock(), client=False)
        peer.say(records.OFFER, messages.encode_offers([files(a=b"x").files["a"].offer("a")]))
        peer.say(records.DATA, b"x", flags=records.FINAL | records.WHOLE)
        peer.say(again, messages.encode_problem(Problem(Code.CHANGED, "x")))
        while not receiver.done:
            receiver.step()
        assert receiver.problem and receiver.problem.code == "protocol"
        assert sink.submitted == [0]


def test_what_waits_keeps_its_share_of_the_budget() -> None:
    flow = SlowSink(True, files(a=b"a", b=b"b"), budget=Room(offers=1))
    for number, path in enumerate("ab"):
        flow.batch(number, flow.offers(path))
    flow.lives(100)
    assert flow.late.submitted == [0], "there is no room for the other one"
    flow.late.publish(0)
    flow.passes(30)
    assert flow.late.submitted == [1]


@each_way
def test_a_server_that_stops_tells_what_is_published_and_leaves_the_rest(upload: bool) -> None:
    flow = SlowSink(upload, files(a=b"a", b=b"b"))
    for number, path in enumerate("ab"):
        flow.batch(number, flow.offers(path))
    flow.run()
    flow.late.publish(1)  # and nobody has looked yet
    flow.server.cancel(Problem(Code.STOPPED, "the server stops"))
    flow.run()
    assert flow.problems()[0] == "stopped" and flow.client.done and flow.server.done
    assert flow.sink.closed and flow.published() == {"b": b"b"}
    assert list(flow.told["sender" if upload else "receiver"]) == [1]


@each_way
def test_a_client_can_cancel_while_a_batch_waits(upload: bool) -> None:
    flow = SlowSink(upload, files(a=b"a"))
    flow.batch(0, flow.offers())
    flow.lives(100)
    flow.client.cancel()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.sink.closed and flow.published() == {}


@each_way
@pytest.mark.parametrize("who", ["client", "server"])
def test_what_is_published_at_the_very_end_of_a_lane_is_told(upload: bool, who: str) -> None:
    """A sink may do so with batches that it would have published together with others."""
    flow = SlowSink(upload, files(a=b"a", b=b"b"))
    for number, path in enumerate("ab"):
        flow.batch(number, flow.offers(path))
    flow.run()
    flow.late.at_last = [1]
    (flow.client if who == "client" else flow.server).cancel()
    flow.run()
    assert flow.published() == {"b": b"b"} and flow.client.done and flow.server.done
    assert list(flow.told["receiver"]) == [1]
    assert list(flow.told["sender"]) == ([1] if upload else []), "a client's lane is over by then"


# -- a sink that is full ---------------------------------------------------------------------------


@each_way
def test_a_full_sink_stops_the_content_and_nothing_else(upload: bool) -> None:
    flow = SlowSink(upload, files(a=b"a", big=pattern(5_000_000)), capacity=1 << 16)
    flow.batch(0, flow.offers("a"))
    flow.batch(1, flow.offers("big"))
    while not flow.late.given > 1:
        flow.client.step()
        flow.server.step()
    flow.late.fill()
    flow.run()
    given, received = flow.late.given, flow.receiver.link.received
    pings = len(Heard(flow).of(flow.sender, records.PING, lambda: flow.lives()))
    assert pings >= LONG / PING_SECONDS - 1, "the sender sees that the lane lives"
    assert (flow.late.given, flow.receiver.link.received) == (given, received), "nothing was read"
    flow.late.publish(0)
    flow.passes(PING_SECONDS)
    assert list(flow.told["sender"]) == [0], "receipts go out"
    flow.late.fill(False)
    flow.client.finish()
    flow.run()
    flow.late.publish(1)
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.published() == {"a": b"a", "big": pattern(5_000_000)}


class Heard:
    """Which records an end takes while something happens."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow

    def of(self, end: End, kind: int, happens: Callable[[], None]) -> list[int]:
        take, flags = end._handlers[kind], []

        def heard(*fields: object) -> None:
            flags.append(fields[0])
            take(*fields)  # type: ignore[arg-type]

        end._handlers[kind] = heard
        happens()
        end._handlers[kind] = take
        return flags  # type: ignore[return-value]


def test_a_receiver_says_that_it_is_busy_and_only_then() -> None:
    flow = SlowSink(False, files(a=b"a"))
    heard = Heard(flow)
    assert set(heard.of(flow.sender, records.PING, lambda: flow.passes(20))) == {0}
    flow.batch(0, flow.offers())
    flow.run()
    assert set(heard.of(flow.sender, records.PING, lambda: flow.passes(20))) == {records.BUSY}
    flow.late.publish(0)
    flow.run()
    assert set(heard.of(flow.sender, records.PING, lambda: flow.passes(20))) == {0}
    flow.late.fill()
    flow.passes(PING_SECONDS)
    assert set(heard.of(flow.sender, records.PING, lambda: flow.passes(20))) == {records.BUSY}


def test_a_lane_that_was_full_ends_as_idle_a_minute_after_it_is_not() -> None:
    flow = SlowSink(False, files(a=b"a"))
    flow.late.fill()
    flow.lives(200)
    flow.late.fill(False)
    flow.lives(IDLE_SECONDS - PING_SECONDS)
    flow.passes(2 * PING_SECONDS)
    assert flow.problems() == ["idle", ""]


def test_nobody_fills_the_memory_of_a_server_that_is_full() -> None:
    """A client that sends on gets no further than the channel and a frame go."""
    client, server = links(False, 1 << 16)
    clock, sink = Clock(), LateSink(MemoryDisk())
    receiver = Receiver(server, sink, clock, client=False)
    big = MemoryFile(pattern(4 << 20)).offer("big")
    peer = Peer(client)
    peer.say(records.OFFER, messages.encode_offers([big]))
    receiver.step()
    sink.fill()
    sent = 0
    for _ in range(1000):
        clock.now += 1
        if not client.pending:
            record = records.Record(records.DATA, 0, 0, 0, sent, memoryview(bytes(1 << 15)))
            client.close_frame(records.put(client.body, 0, record))
            sent += 1 << 15
        client.flush()
        receiver.step()
    assert not receiver.done
    assert sink.given == 0 and sent <= (1 << 16) + FRAME_MAX
    assert receiver.link.received < 1000


@each_way
def test_a_server_can_stop_a_lane_that_is_full(upload: bool) -> None:
    flow = SlowSink(upload, files(big=pattern(5_000_000)), capacity=1 << 16)
    flow.batch(0, flow.offers())
    while not flow.late.given:
        flow.client.step()
        flow.server.step()
    flow.late.fill()
    flow.lives(100)
    flow.server.cancel(Problem(Code.STOPPED, "the server stops"))
    flow.run()
    if not upload:  # its BYE is behind the content, which only a cancelled client drops
        assert not flow.client.done
        flow.client.cancel()
        flow.run()
    assert flow.client.done and flow.server.done
    assert flow.problems()[0] == "stopped"
    assert flow.sink.closed and flow.published() == {}


def test_a_client_that_is_full_can_cancel_and_drops_what_is_on_its_way() -> None:
    flow = SlowSink(False, files(big=pattern(5_000_000), next=b"x"), capacity=1 << 16)
    flow.batch(0, flow.offers())
    while not flow.late.given:
        flow.client.step()
        flow.server.step()
    flow.late.fill()
    flow.lives(100)
    given = flow.late.given
    flow.client.cancel()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.late.given == given and flow.sink.closed and flow.published() == {}


def test_a_full_sink_makes_its_checkpoints() -> None:
    flow = SlowSink(True, files(big=pattern(5_000_000)), capacity=1 << 16)
    flow.batch(0, flow.offers())
    while not flow.late.given:
        flow.client.step()
        flow.server.step()
    flow.late.fill()
    flow.passes(CHECKPOINT_SECONDS + 1)
    assert flow.sink.checkpoints == 1 and len(flow.disk.durable) == 1


@each_way
def test_a_connection_that_breaks_while_it_is_full_ends_the_lane(upload: bool) -> None:
    flow = SlowSink(upload, files(big=pattern(5_000_000)), capacity=1 << 16)
    flow.batch(0, flow.offers())
    while not flow.late.given:
        flow.client.step()
        flow.server.step()
    flow.late.fill()
    flow.run()
    flow.receiver.hung_up()  # its driver sees it
    assert flow.receiver.done and flow.sink.closed
    assert flow.receiver.problem and flow.receiver.problem.code == "cut"


# -- a source that has not yet ---------------------------------------------------------------------


@each_way
def test_a_sender_waits_for_content_that_is_not_here_yet(upload: bool) -> None:
    flow, source = slow_source(upload, a=b"a", b=b"bb", big=pattern(3_000_000), c=b"c")
    flow.client.finish()
    flow.lives()
    assert flow.receiver.figures().content == 0 and source.asked == ["a", "b", "big", "c"]
    source.arrive("b")  # it is not its turn yet
    source.arrive("a")
    flow.lives()
    assert flow.receiver.figures().content == 3, "they went in one frame"
    source.arrive("big", 2 << 20)
    flow.lives()
    assert flow.receiver.figures().content == 3 + (2 << 20)
    source.arrive("big")
    source.arrive("c")
    flow.run()
    flow.late.publish(0)
    flow.run()
    assert flow.problems() == ["", ""] and source.open_readers == 0
    assert flow.codes() == ["done"] * 4
    assert flow.published() == {"a": b"a", "b": b"bb", "big": pattern(3_000_000), "c": b"c"}


@each_way
def test_what_is_here_does_not_wait_for_what_is_not(upload: bool) -> None:
    flow, source = slow_source(upload, a=b"a", b=b"bb", c=b"ccc")
    source.arrive("a")
    source.arrive("c")
    flow.lives()
    assert flow.receiver.figures().content == 1
    source.arrive("b")
    flow.run()
    assert flow.receiver.figures().content == 6


@each_way
def test_a_file_that_is_waited_for_can_be_cancelled(upload: bool) -> None:
    for name in ("a", "big"):
        flow, source = slow_source(upload, **{name: pattern(2_000_000 if name == "big" else 3)})
        flow.lives(100)
        (flow.sender if upload else flow.receiver).stop(0, 0)
        flow.run()
        flow.late.publish(0)
        flow.run()
        assert flow.codes() == ["cancelled"]
        assert source.open_readers == 0


@each_way
def test_a_lane_can_be_cancelled_while_content_is_waited_for(upload: bool) -> None:
    flow, source = slow_source(upload, big=pattern(2_000_000))
    flow.lives(100)
    flow.client.cancel()
    flow.run()
    assert flow.problems() == ["", ""] and source.open_readers == 0


@each_way
def test_a_file_that_changes_while_it_is_waited_for_fails_alone(upload: bool) -> None:
    flow, source = slow_source(upload, a=b"a", b=b"b")
    source.arrive("b")
    flow.lives(100)
    source.files["a"] = MemoryFile(b"A", 2)
    source.arrive("a")
    flow.run()
    flow.late.publish(0)
    flow.run()
    assert flow.codes() == ["changed", "done"]


def test_only_what_is_wanted_is_coming() -> None:
    ours, theirs = links(True, 1 << 20)
    source = LateSource({name: MemoryFile(b"x") for name in "abc"})
    sender, peer = Sender(ours, source, Clock(), client=True), Peer(theirs)
    sender.offer(0, [file.offer(name) for name, file in source.files.items()])
    sender.step()
    peer.say(records.WANT, messages.encode_wants([Want("none"), Want("all"), Want("occupied")]))
    sender.step()
    assert source.asked == ["b"]


def test_what_comes_is_not_looked_at_by_a_source_that_does_not_ask() -> None:
    def offers() -> Iterator[Receipt]:
        raise AssertionError("this costs time")
        yield

    files(a=b"a").coming(offers())  # type: ignore[arg-type]


def test_both_ends_may_be_slow() -> None:
    for upload in (True, False):
        flow, source = slow_source(upload, a=b"a", b=pattern(2_000_000))
        flow.late.fill()
        source.arrive("a")
        flow.lives(100)
        flow.late.fill(False)
        flow.lives(100)
        source.arrive("b", 1 << 20)
        flow.late.fill()
        flow.lives(100)
        source.arrive("b")
        flow.late.fill(False)
        flow.client.finish()
        flow.lives(100)
        flow.late.publish(0)
        alternate(flow.client, flow.server)
        assert flow.problems() == ["", ""] and flow.codes() == ["done", "done"]
