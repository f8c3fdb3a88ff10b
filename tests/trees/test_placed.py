"""Sources and sinks with other paths: what comes later goes through them, too."""

from collections.abc import Callable

import pytest

from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.lanes.waiting import commit
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Unread
from cargo_sync.server.flows.public_ends import PublicSink, PublicSource
from cargo_sync.testing.disk import MemoryDisk, MemoryFile
from cargo_sync.testing.later import LateSink, LateSource
from cargo_sync.trees.placed import PlacedSink, PlacedSource, PlacePath, below

FILE = MemoryFile(b"content")


@pytest.mark.parametrize("placed", [PlacedSource, PublicSource])
def test_a_source_says_not_yet_and_wakes(placed: Callable[[Source, PlacePath], Source]) -> None:
    inner = LateSource({"in/a": FILE, "in/b": FILE})
    source = placed(inner, below("in"))
    woken: list[str] = []
    source.wakes(lambda: woken.append("woken"))
    source.coming(iter([FILE.offer("b"), FILE.offer("a")]))
    assert inner.asked == ["in/b", "in/a"]
    views = [memoryview(bytearray(7)), memoryview(bytearray(7))]
    offers = [FILE.offer("a"), FILE.offer("b")]
    inner.arrive("in/a")
    assert source.read(offers, views) == Unread(1, None) and bytes(views[0]) == b"content"
    inner.arrive("in/b")
    assert source.read(offers, views) is None and bytes(views[1]) == b"content"
    assert woken == ["woken"] * 2


@pytest.mark.parametrize("placed", [PlacedSink, PublicSink])
def test_a_sink_finishes_later_and_may_be_full(placed: Callable[[Sink, PlacePath], Sink]) -> None:
    disk = MemoryDisk()
    inner = LateSink(disk)
    sink = placed(inner, below("in"))
    woken: list[str] = []
    sink.wakes(lambda: woken.append("woken"))
    for batch in (0, 1):
        sink.begin(batch, [FILE.offer(f"f{batch}")])
        sink.whole(batch, 0, memoryview(b"content"))
        sink.submit(batch)
    assert sink.finished() == [] and not sink.full()
    inner.fill()
    assert sink.full()
    inner.publish(1)
    inner.publish(0, Problem(Code.DISK_FULL, "no room"))
    [(first, receipts), (second, problem)] = sink.finished()
    assert (first, second) == (1, 0) and isinstance(receipts, list)
    assert [receipt.code for receipt in receipts] == ["done"] and list(disk.files) == ["in/f1"]
    assert isinstance(problem, Problem) and problem.code == "disk_full"
    assert len(woken) == 3


def test_a_batch_that_fails_as_a_whole_is_told_in_public_words() -> None:
    class Failing(LateSink):
        def submit(self, batch: int) -> None:
            super().submit(batch)
            self.publish(batch, Problem(Code.ROOT_GONE, "the folder '/srv/ana' is gone"))

    sink = PublicSink(Failing(MemoryDisk()), below(""))
    sink.begin(0, [FILE.offer("a")])
    with pytest.raises(ProblemError) as failed:
        commit(sink, 0)
    assert "/srv" not in str(failed.value)
