"""Batches that the server has no room for: the client waits and goes on, and loses nothing."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import pytest

from cargo_sync.lanes.link import Link
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.model.transfers import Offer
from cargo_sync.testing.channel import memory_pair
from cargo_sync.testing.disk import MemoryDisk, MemorySink
from cargo_sync.wire import messages
from cargo_sync.wire.records import ASK, DONE, LATER, MORE, OFFER, WANT
from tests.lanes.flows import Clock, Flow, Peer, files, links

each_way = pytest.mark.parametrize("upload", [True, False], ids=["upload", "download"])


class Room:
    """A budget of so many offers and bytes. `refused` counts."""

    def __init__(self, offers: int, size: int = 1 << 20) -> None:
        self.offers, self.size = offers, size
        self.held = (0, 0)
        self.refused = 0

    def turn(self, size: int) -> AbstractContextManager[object]:
        return nullcontext()

    def take(self, offers: int, size: int) -> bool:
        count, held = self.held[0] + offers, self.held[1] + size
        if count > self.offers or held > self.size:
            self.refused += 1
            return False
        self.held = (count, held)
        return True

    def give(self, offers: int, size: int) -> None:
        self.held = (self.held[0] - offers, self.held[1] - size)

    def close(self) -> None:
        self.held = (0, 0)


def crowded(upload: bool, room: Room) -> Flow:
    return Flow(upload, files(a=b"one", b=b"two", c=b"three", d=b"four"), budget=room)


def pass_time(flow: Flow) -> None:
    for _ in range(1_000):
        if flow.client.done:
            return
        flow.clock.now = min(flow.client.due(), flow.server.due())
        flow.run()
    raise AssertionError("the lane does not end")


@each_way
def test_a_batch_waits_for_room_and_then_goes(upload: bool) -> None:
    room = Room(0)
    flow = crowded(upload, room)
    flow.batch(0, flow.offers())
    flow.client.finish()
    flow.run()
    tried: list[float] = []
    for _ in range(40):
        before = room.refused
        flow.clock.now = min(flow.client.due(), flow.server.due())
        flow.run()
        if room.refused > before:
            tried.append(flow.clock.now - 1000)
    assert tried[:6] == [1, 3, 7, 15, 30, 45]
    assert not flow.client.done and room.held == (0, 0)
    room.offers = 4
    pass_time(flow)
    assert flow.problems() == ["", ""]
    assert flow.codes() == ["done"] * 4 and len(flow.published()) == 4
    assert room.held == (0, 0)


@each_way
def test_batches_follow_each_other_without_a_wait_as_room_comes_free(upload: bool) -> None:
    room = Room(1)
    flow = crowded(upload, room)
    for number, path in enumerate("abcd"):
        flow.batch(number, flow.offers(path))
    flow.client.finish()
    flow.run()
    assert flow.client.done and flow.problems() == ["", ""]
    assert room.refused > 0 and room.held == (0, 0)
    assert flow.clock.now == 1000
    assert [flow.codes(number) for number in range(4)] == [["done"]] * 4
    assert set(flow.published()) == set("abcd")


@each_way
def test_a_message_that_is_too_much_is_not_kept_while_it_arrives(upload: bool) -> None:
    client, server = links(True)
    clock, peer, room = Clock(), Peer(client), Room(10, size=100)
    end: Receiver | Sender
    if upload:
        end = Receiver(server, MemorySink(MemoryDisk()), clock, client=False, budget=room)
    else:
        end = Sender(server, files(), clock, client=False, budget=room)
    kind = OFFER if upload else ASK
    for flags in (MORE, MORE, MORE, MORE, 0):
        peer.say(kind, b"x" * 60, flags=flags, batch=3)
        end.step()
        assert room.held[1] <= 100
    for _ in range(3):
        end.step()
    assert [(one, batch) for one, batch, *_ in peer.hear()] == [(LATER, 3)]
    assert room.held == (0, 0) and not end.done


@each_way
def test_what_a_lane_holds_is_given_back_when_it_ends(upload: bool) -> None:
    room = Room(10)
    flow = crowded(upload, room)
    if upload:
        flow.sender._pieces.add = lambda *_: None  # type: ignore[method-assign]
    else:
        flow.receiver._commit_if_complete = lambda *_: None  # type: ignore[method-assign]
    flow.batch(0, flow.offers())
    flow.run()
    assert room.held[0] == 4 and room.held[1] > 100
    flow.client.cancel()
    flow.run()
    assert flow.client.done and room.held == (0, 0)


@each_way
def test_a_cancelled_client_waits_for_no_room(upload: bool) -> None:
    flow = crowded(upload, Room(0))
    flow.batch(0, flow.offers())
    flow.run()
    flow.client.cancel()
    flow.run()
    assert flow.client.done and flow.problems() == ["", ""]


@each_way
def test_refused_batches_count_among_the_eight(upload: bool) -> None:
    client, server = links(True)
    clock, peer, room = Clock(), Peer(client), Room(0)
    end: Receiver | Sender
    if upload:
        end = Receiver(server, MemorySink(MemoryDisk()), clock, client=False, budget=room)
    else:
        end = Sender(server, files(), clock, client=False, budget=room)
    offer = Offer("a", 4, 0, 0o644, 1, 1, "aa")
    message = messages.encode_offers([offer])
    if not upload:
        message = b"[" + message + b',[["all"],[[]],[""]]]'
    kind = OFFER if upload else ASK
    for number in range(8):
        peer.say(kind, message, batch=number)
        end.step()
    peer.say(DONE)
    peer.say(kind, message, batch=2)  # also after DONE
    for _ in range(4):
        end.step()
    assert not end.done
    peer.say(kind, message, batch=8)
    for _ in range(4):
        end.step()
    assert end.done and end.problem is not None and end.problem.code == "protocol"


@pytest.mark.parametrize("story", ["not opened", "twice", "taken already"])
def test_a_server_that_refuses_what_is_not_open_breaks_the_rules(story: str) -> None:
    client, server = memory_pair()
    peer, source = Peer(Link(server)), files(a=b"a")
    sender = Sender(Link(client), source, Clock(), client=True)
    offers = [source.files["a"].offer("a")]
    sender.offer(0, offers)
    sender.step()
    if story == "taken already":
        peer.say(WANT, b'[["all"],[[]],[""]]')
    peer.say(LATER, batch=1 if story == "not opened" else 0)
    if story == "twice":
        peer.say(LATER)
    for _ in range(5):
        sender.step()
    assert sender.problem is not None and sender.problem.code == "protocol"


def test_a_batch_waits_for_what_is_being_fetched_from_elsewhere() -> None:
    room, left = Room(4), [3]
    flow = crowded(upload=True, room=room)

    def is_ready(offers: Sequence[Offer]) -> bool:
        left[0] -= 1
        return left[0] < 0

    flow.server._sink.is_ready = is_ready  # type: ignore[union-attr, method-assign]
    flow.batch(0, flow.offers())
    flow.client.finish()
    flow.run()
    assert left == [2] and not flow.client.done and room.held == (0, 0)
    pass_time(flow)
    assert flow.problems() == ["", ""] and len(flow.published()) == 4
    assert flow.clock.now == 1007, "it was opened again after 1, 2 and 4 seconds"
    assert room.held == (0, 0)
