"""What is staged of a large file goes on at once, as far as it is written, until it is secured."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cargo_sync.lanes.ports import Exchange
from cargo_sync.local import staging_sink
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.model.problems import Code, Problem
from cargo_sync.server.workspace.content import forwarding
from cargo_sync.state.database import Database
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.contract import ComingFile, Content
from cargo_sync.testing.contents import AwayStore
from cargo_sync.trees.placed import PlacedSink
from tests.conformance.workspaces import ANA, MTIME, RUN, content_workspace, offer, spooled
from tests.server.house import NOW, Heard
from tests.server.surroundings import Clock
from tests.stores.blobs import content_of

FILE = b"0123456789"
SEALED = f"sealed {content_of(FILE).hash}"


class NotedForward:
    """Notes what it hears of a file."""

    def __init__(self) -> None:
        self.heard: list[int | str] = []
        self.exchanges: list[Exchange | None] = []

    def came(self, offset: int, piece: memoryview, exchange: Exchange | None = None) -> None:
        self.heard.append(f"{bytes(piece).decode()} at {offset}")
        self.exchanges.append(exchange)

    def reached(self, count: int) -> None:
        self.heard.append(count)

    def sealed(self, content: Content) -> None:
        self.heard.append(f"sealed {content.hash}")

    def close(self, *, kept: bool = True) -> None:
        self.heard.append("closed")


class NotingStore(AwayStore):
    """Notes which files it was told of."""

    def __init__(self, place: Path, database: Database) -> None:
        self.spooled = spooled(place / "spool", database, Clock(NOW), MemoryCheckpoints())
        super().__init__(self.spooled)
        self.files: list[ComingFile] = []
        self.forwards: list[NotedForward] = []
        self.workspace = content_workspace("files", database, self, Clock(NOW), Heard())

    def forward(self, workspace: int, file: ComingFile) -> NotedForward:
        self.files.append(file)
        self.forwards.append(NotedForward())
        return self.forwards[-1]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NotingStore]:
    monkeypatch.setattr(forwarding, "FORWARD_FROM", len(FILE))
    with ExitStack() as last:
        database = last.enter_context(SqliteDatabase.open(str(tmp_path / "state.db"), "server"))
        one = NotingStore(tmp_path, database)
        last.callback(one.spooled.spool.blobs.close)
        yield one


def test_over_a_lane(store: NotingStore) -> None:
    sink, view = store.workspace.sink(RUN, cause=ANA), memoryview(FILE)
    sink.begin(1, [offer("a", FILE), offer("b", FILE), offer("c", FILE), offer("small", FILE[1:])])
    for index in (0, 1, 2):
        sink.part(1, index, 0, view[:4])
    sink.part(1, 0, 6, view[6:])  # it is not in order: nothing more can go on
    sink.part(1, 0, 4, view[4:6])
    sink.failed(1, 1, Problem(Code.CHANGED, "it was changed"))
    sink.part(1, 3, 0, view[1:])
    sink.submit(1)
    [(_, receipts)] = sink.finished()
    assert isinstance(receipts, list)
    assert [one.code for one in receipts] == ["done", "changed", "incomplete", "done"]
    assert [one.heard for one in store.forwards] == [
        [4, "6789 at 6", 4, "45 at 4", 10, SEALED],
        [4, "closed"],
        [4, "closed"],
    ]
    sink.begin(2, [offer("d", FILE)])
    sink.part(2, 0, 0, view[:4])
    sink.close()
    assert store.forwards[3].heard == [4, "closed"]
    assert {file.size for file in store.files} == {len(FILE)}


@pytest.mark.parametrize("behind", [False, True])
def test_the_memory_of_a_piece_may_be_kept_unless_it_is_still_being_written(
    store: NotingStore, behind: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exchange(_content: memoryview, _memory: memoryview) -> bool:
        raise AssertionError("nobody keeps it")

    monkeypatch.setattr(staging_sink, "behind_from", lambda: 1 if behind else math.inf)
    sink = PlacedSink(store.workspace.sink(RUN, cause=ANA), str)
    sink.exchanges(exchange)
    sink.begin(1, [offer("a", FILE)])
    sink.part(1, 0, 0, memoryview(FILE)[:4])
    sink.part(1, 0, 4, memoryview(FILE)[4:8])
    sink.close()
    assert store.forwards[0].exchanges == [None if behind else exchange]


@pytest.mark.parametrize("end", [len(FILE), 5])
def test_over_http(store: NotingStore, end: int) -> None:
    upload = store.workspace.stage("a", len(FILE), MTIME, lambda _: None, RUN, ANA)
    upload.write(FILE[:4])
    upload.write(FILE[4:end])
    if end == len(FILE):
        upload.publish()
    upload.drop()
    after = [SEALED, "closed"] if end == len(FILE) else ["closed"]
    assert store.forwards[0].heard == [4, end, *after]
