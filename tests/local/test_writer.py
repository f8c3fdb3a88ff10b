"""Write-behind: a piece is written while its caller goes on, and its error comes later."""

import gc
import os
import threading
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.local import writer
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.root import Root
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.local.system import System
from cargo_sync.local.writer import BEHIND, WriteBehind
from tests.local.samples import RUN, LooseJudge, everything, offer, tree
from tests.local.systems import Stop, system

SECONDS = 20.0
PIECE = b"first" * (BEHIND // 5 + 1)


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many this machine has."""
    monkeypatch.setattr(os, "cpu_count", lambda: writer.CORES)


class Held:
    """A system whose writes wait until they are let go; with `error` they fail then.

    begun  a write has begun
    """

    def __init__(self, error: BaseException | None = None) -> None:
        self.begun = threading.Event()
        self._free = threading.Event()
        self._error = error
        self.threads: list[threading.Thread] = []
        self.system: System = system("native", self._called)

    def let_go(self) -> None:
        self._free.set()

    def _called(self, name: str) -> None:
        if name == "write":
            self.threads.append(threading.current_thread())
            self.begun.set()
            assert self._free.wait(SECONDS)
            if self._error:
                raise self._error


def sink_of(top: Path, held: Held) -> tuple[FolderSink, MemoryCheckpoints]:
    kept = MemoryCheckpoints()
    staging = Staging(Root.open(str(top), held.system), kept, SpaceLedger())
    return FolderSink(staging, LooseJudge(), RUN), kept


def test_a_write_goes_on_after_its_begin_and_is_waited_for() -> None:
    free, done = threading.Event(), []

    def write() -> None:
        assert free.wait(SECONDS)
        done.append(threading.current_thread())

    writer = WriteBehind()
    writer.end()
    writer.begin(write)
    assert not done
    free.set()
    writer.end()
    assert done != [threading.current_thread()]
    writer.begin(lambda: done.append(threading.current_thread()))
    writer.end()
    assert done[0] is done[1], "it is one thread"
    writer.close()
    done[0].join(SECONDS)
    assert not done[0].is_alive()


def test_what_a_write_raises_comes_at_its_end_and_only_once() -> None:
    def fail() -> None:
        raise Stop

    writer = WriteBehind()
    writer.begin(fail)
    with pytest.raises(Stop):
        writer.end()
    writer.end()
    writer.close()
    writer.close()


def test_without_a_thread_a_write_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    writer, done = WriteBehind(), []
    writer.begin(lambda: done.append(threading.current_thread()))
    assert done == [threading.current_thread()]
    writer.end()
    writer.close()


def test_the_thread_ends_with_who_had_it() -> None:
    threads: list[threading.Thread] = []
    writer = WriteBehind()
    writer.begin(lambda: threads.append(threading.current_thread()))
    writer.end()
    del writer
    gc.collect()
    threads[0].join(SECONDS)
    assert not threads[0].is_alive()


def test_a_large_piece_is_written_while_the_next_one_comes(top: Path) -> None:
    held = Held()
    sink, _ = sink_of(top, held)
    sink.begin(1, [offer("file", PIECE + b"end")])
    content = bytearray(PIECE)
    sink.part(1, 0, 0, memoryview(content))
    assert held.begun.wait(SECONDS) and held.threads != [threading.current_thread()]
    held.let_go()
    sink.settle()
    content[:] = bytes(len(content))  # the next piece comes into the same memory
    sink.part(1, 0, len(PIECE), memoryview(b"end"))
    assert held.threads[1:] == [threading.current_thread()], "a small piece is not worth the way"
    [receipt] = sink.commit(1)
    assert receipt.hash == blake3(PIECE + b"end").hexdigest()
    assert tree(top) == {"file": (PIECE + b"end").decode()}
    sink.close()


def test_a_large_whole_file_is_hashed_while_it_is_written(top: Path) -> None:
    held = Held()
    held.let_go()
    sink, _ = sink_of(top, held)
    sink.begin(1, [offer("file", PIECE), offer("small", b"x")])
    sink.whole(1, 0, memoryview(PIECE))
    sink.whole(1, 1, memoryview(b"x"))
    assert [one is threading.current_thread() for one in held.threads] == [False, True]
    assert [receipt.hash for receipt in sink.commit(1)] == [
        blake3(content).hexdigest() for content in (PIECE, b"x")
    ]
    assert tree(top) == {"file": PIECE.decode(), "small": "x"}
    sink.close()


def test_a_file_whose_hash_fails_is_not_closed_before_its_write_has_ended(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the write would go into another file, which has got the number of the descriptor."""

    def no_memory(_: memoryview) -> None:
        raise MemoryError

    held = Held()
    staging = Staging(Root.open(str(top), held.system), MemoryCheckpoints(), SpaceLedger())
    monkeypatch.setattr("cargo_sync.local.staging.blake3", no_memory)
    writer, raised = WriteBehind(), threading.Event()

    def write() -> None:
        with pytest.raises(MemoryError):
            staging.write(offer("file", PIECE), memoryview(PIECE), writer)
        raised.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert held.begun.wait(SECONDS)
    assert not raised.wait(0.05)
    held.let_go()
    assert raised.wait(SECONDS)
    thread.join(SECONDS)
    assert list(everything(top).values()) == [PIECE.decode()], "all of it is in its own file"
    writer.close()


@pytest.mark.parametrize("call", ["settle", "checkpoint", "commit"])
def test_a_piece_that_cannot_be_written_fails_its_file_and_leaves_no_checkpoint(
    top: Path, call: str
) -> None:
    held = Held(OSError(5, "injected"))
    sink, kept = sink_of(top, held)
    big = PIECE * 40
    sink.begin(1, [offer("big", big), offer("empty", b"")])
    sink.part(1, 0, 0, memoryview(PIECE))
    held.let_go()
    if call != "commit":
        getattr(sink, call)()
    sink.part(1, 0, len(PIECE), memoryview(PIECE))
    sink.whole(1, 1, memoryview(b""))
    assert [receipt.code for receipt in sink.commit(1)] == ["disk_error", "done"]
    assert not kept.kept
    assert tree(top) == {"empty": ""}
    sink.close()


@pytest.mark.parametrize(("count", "there"), [(None, False), (2, False), (4, True)])
def test_few_cores_have_none_to_spare_for_writing(
    monkeypatch: pytest.MonkeyPatch, count: int | None, there: bool
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert (writer.behind_from() == BEHIND) == there
