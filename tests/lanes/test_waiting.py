"""Sinks and sources without a lane: who may wait gets receipts and content when they come."""

import threading

import pytest

from cargo_sync.lanes.waiting import commit, read_into
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.testing.disk import MemoryDisk, MemoryFile, MemorySink
from cargo_sync.testing.later import LateSink, LateSource
from cargo_sync.trees.pump import pump

FILE = MemoryFile(b"content")


def test_a_sink_that_publishes_at_once_is_not_waited_for() -> None:
    disk = MemoryDisk()
    sink = MemorySink(disk)
    sink.begin(4, [FILE.offer("a")])
    sink.whole(4, 0, memoryview(b"content"))
    [receipt] = commit(sink, 4)
    assert receipt.code == "done" and disk.files["a"].content == b"content"


class Soon(LateSink):
    """Another thread publishes each batch as soon as it is submitted."""

    problem: Problem | None = None

    def submit(self, batch: int) -> None:
        super().submit(batch)
        threading.Thread(target=self.publish, args=(batch, self.problem)).start()


def test_a_batch_that_is_published_later_is_waited_for() -> None:
    disk = MemoryDisk()
    sink = Soon(disk)
    sink.begin(0, [FILE.offer("a")])
    sink.whole(0, 0, memoryview(b"content"))
    assert [receipt.code for receipt in commit(sink, 0)] == ["done"]
    sink.problem = Problem(Code.DISK_FULL, "full")
    sink.begin(1, [FILE.offer("b")])
    sink.whole(1, 0, memoryview(b"content"))
    with pytest.raises(ProblemError, match="full"):
        commit(sink, 1)
    assert list(disk.files) == ["a"]


def test_content_that_is_not_here_yet_is_waited_for() -> None:
    source = LateSource({"a": FILE, "b": FILE})
    offer = FILE.offer("a")
    reader = source.open(offer)
    view = memoryview(bytearray(7))
    threading.Thread(target=source.arrive, args=("a",)).start()
    assert read_into(source, reader, view, 0) == 7 and bytes(view) == b"content"
    reader.close()
    threading.Thread(target=source.arrive, args=("b",)).start()
    disk = MemoryDisk()
    [receipt] = pump(source, Soon(disk), 0, [FILE.offer("b")])
    assert receipt.code == "done" and disk.files["b"].content == b"content"
