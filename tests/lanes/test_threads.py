"""The driver of a lane: what it polls for, who wakes it, when a full connection is tried again."""

import errno
import select
import socket
import threading
from collections.abc import Callable

import pytest

from cargo_sync.lanes import end, threads
from cargo_sync.lanes.channel import SocketChannel
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.lanes.threads import LaneThread, _Room
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Receipt
from cargo_sync.testing.disk import MemoryDisk, MemoryFile
from cargo_sync.testing.later import LateSink, LateSource
from tests.lanes.flows import pattern

SECONDS = 20.0


def test_a_full_connection_is_tried_again_soon_while_it_takes_something() -> None:
    room = _Room()
    waits = [room.after(progress=progress) for progress in (True, False, False, True, False)]
    assert waits == [0.001, 0.002, 0.004, 0.001, 0.002]
    assert [room.after(progress=False) for _ in range(9)][-1] == 0.064


def test_a_wake_for_which_there_is_no_memory_does_not_hinder_the_next_one() -> None:
    ours, theirs = socket.socketpair()

    class Full:
        sent = 0

        def send(self, _: bytes) -> None:
            self.sent += 1
            if self.sent == 1:
                raise OSError(errno.ENOBUFS, "no memory")

    machine = Sender(Link(SocketChannel(ours)), LateSource({}), lambda: 0.0, client=True)
    lane, full = LaneThread(machine, ours, "lane", lambda _: None), Full()
    lane._wake = full  # type: ignore[assignment]
    for _ in range(4):
        lane.wake()
    assert full.sent == 2, "once more, and not again before the lane has seen it"
    ours.close()
    theirs.close()


class Moments:
    """What the test waits for; any thread may tell."""

    def __init__(self) -> None:
        self._told: list[object] = []
        self._change = threading.Condition()

    def tell(self, what: object) -> None:
        with self._change:
            self._told.append(what)
            self._change.notify_all()

    def wait(self, what: object) -> None:
        with self._change:
            assert self._change.wait_for(lambda: what in self._told, SECONDS), self._told
            self._told.remove(what)


class Polled:
    """In the place of `select.poll`: tells what the lane's socket is polled for."""

    def __init__(self, make: Callable[[], select.poll], moments: Moments) -> None:
        self._poll = make()
        self._moments = moments

    def register(self, fd: socket.socket | int, events: int) -> None:
        self._poll.register(fd, events)

    def modify(self, fd: int, events: int) -> None:
        self._moments.tell(("polls for", events))
        self._poll.modify(fd, events)

    def poll(self, milliseconds: float) -> list[tuple[int, int]]:
        return self._poll.poll(milliseconds)


class Told(LateSink):
    """Tells when it has all of a batch."""

    def __init__(self, disk: MemoryDisk, moments: Moments) -> None:
        super().__init__(disk)
        self._moments = moments

    def submit(self, batch: int) -> None:
        super().submit(batch)
        self._moments.tell("submitted")


class Lane:
    """An upload between two threads over TCP; nothing but a wake or a record steps its ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **contents: bytes) -> None:
        self.moments = Moments()
        self.disk = MemoryDisk()
        self.sink = Told(self.disk, self.moments)
        self.source = LateSource({name: MemoryFile(one) for name, one in contents.items()})
        self.told: dict[int, list[Receipt]] = {}
        monkeypatch.setattr(threads, "SAMPLE_SECONDS", 3600.0)
        monkeypatch.setattr(end, "PING_SECONDS", 3600.0)
        monkeypatch.setattr(end, "IDLE_SECONDS", 3600.0)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.ours = socket.create_connection(listener.getsockname())
            self.theirs, _ = listener.accept()
        for sock in (self.ours, self.theirs):
            sock.setblocking(False)
        self.sender = Sender(
            Link(SocketChannel(self.ours)),
            self.source,
            lambda: 0.0,
            client=True,
            on_receipts=self.received,
        )
        self.receiver = Receiver(
            Link(SocketChannel(self.theirs)), self.sink, lambda: 0.0, client=False
        )
        self.threads = [
            LaneThread(self.sender, self.ours, "sender", self.ended("sender")),
            LaneThread(self.receiver, self.theirs, "receiver", self.ended("receiver")),
        ]
        offers = [file.offer(path) for path, file in self.source.files.items()]
        self.threads[0].submit(lambda: self.sender.offer(0, offers))

    def watch_polls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make = select.poll
        monkeypatch.setattr(select, "poll", lambda: Polled(make, self.moments))

    def received(self, batch: int, receipts: list[Receipt]) -> None:
        self.told[batch] = receipts
        self.moments.tell("receipts")

    def ended(self, name: str) -> Callable[[Problem | None], None]:
        return lambda problem: self.moments.tell((name, problem and str(problem.code)))

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        for thread in self.threads:
            thread.stop()
            assert thread.join(SECONDS)


def test_what_another_thread_finishes_wakes_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = Lane(monkeypatch, a=b"a", big=pattern(2_000_000))
    lane.start()
    lane.source.arrive("a")
    lane.source.arrive("big", 1 << 20)
    lane.source.arrive("big")
    lane.moments.wait("submitted")
    assert lane.told == {}
    lane.sink.publish(0)
    lane.moments.wait("receipts")
    assert [receipt.code for receipt in lane.told[0]] == ["done", "done"]
    assert lane.disk.files["big"].content == pattern(2_000_000)
    lane.stop()
    lane.sink.fill()  # a wake after the end does nothing


def test_a_full_lane_is_not_polled_for_what_it_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane = Lane(monkeypatch, big=pattern(3_000_000))
    lane.watch_polls(monkeypatch)
    lane.source.arrive("big")
    lane.sink.fill()
    lane.start()
    lane.moments.wait(("polls for", 0))
    assert lane.sink.given == 0
    lane.sink.fill(False)
    lane.moments.wait(("polls for", select.POLLIN))
    lane.moments.wait("submitted")
    lane.stop()


def test_a_full_lane_whose_connection_breaks_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = Lane(monkeypatch, big=pattern(3_000_000))
    lane.watch_polls(monkeypatch)
    lane.source.arrive("big")
    lane.sink.fill()
    receiver = lane.threads[1]
    receiver.start()
    lane.moments.wait(("polls for", 0))
    lane.ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    lane.ours.close()  # it is a reset, which the kernel reports unasked
    lane.moments.wait(("receiver", "cut"))
    assert receiver.join(SECONDS) and lane.sink.closed
