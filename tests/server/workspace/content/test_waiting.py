"""While nothing can be secured, files wait: lanes live, HTTP says when to come again."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.model.problems import Code, LaterError, Problem, ProblemError
from cargo_sync.model.transfers import Unread
from cargo_sync.server.workspace.content import upload as uploads
from cargo_sync.server.workspace.content.flows import left as lefts
from cargo_sync.server.workspace.content.flows import sink as sinks
from cargo_sync.server.workspace.content.flows.commit import ContentCommit
from cargo_sync.server.workspace.content.flows.joining import Recordable
from cargo_sync.server.workspace.operations import Delete
from cargo_sync.state.database import Database
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.blob_pieces import BlobReader
from cargo_sync.stores.spooled import SpooledStore
from cargo_sync.testing.contents import AwayStore
from tests.conformance.workspaces import (
    ANA,
    MTIME,
    RUN,
    Scene,
    content_workspace,
    offer,
    spooled,
)
from tests.server.house import NOW, Heard
from tests.server.surroundings import Clock
from tests.stores.blobs import content_of

AWAY = Problem(Code.BELOW_QUORUM, "one machine of two is away")


class Waiting:
    """A workspace whose store is away."""

    def __init__(self, place: Path, database: Database) -> None:
        clock, heard = Clock(NOW), Heard()
        self.spooled = spooled(place / "spool", database, clock, MemoryCheckpoints())
        self.store = AwayStore(self.spooled)
        workspace = content_workspace("files", database, self.store, clock, heard)
        self.scene = Scene(workspace, database, clock, heard)
        self.sink = workspace.sink(RUN, cause=ANA)
        self.woken = 0
        self.sink.wakes(self._woken)

    def _woken(self) -> None:
        self.woken += 1

    def begin(self, batch: int, *files: tuple[str, bytes]) -> None:
        self.sink.begin(batch, [offer(path, content) for path, content in files])
        for index, (_, content) in enumerate(files):
            self.sink.whole(batch, index, memoryview(content))
        self.sink.submit(batch)

    def finished(self) -> list[tuple[int, list[str]]]:
        return [
            (batch, [one.code for one in result] if isinstance(result, list) else [result.code])
            for batch, result in self.sink.finished()
        ]


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Waiting]:
    with ExitStack() as last:
        database = last.enter_context(SqliteDatabase.open(str(tmp_path / "state.db"), "server"))
        one = Waiting(tmp_path, database)
        last.callback(one.spooled.spool.blobs.close)
        yield one


def test_a_batch_is_recorded_once_its_contents_are_secured(waiting: Waiting) -> None:
    waiting.store.away = AWAY
    waiting.begin(1, ("a", b"one"), ("empty", b""))
    waiting.begin(2, ("b", b"two"))
    assert waiting.finished() == [] and waiting.scene.there() == ""
    woken = waiting.woken
    waiting.store.come_back()
    assert waiting.woken > woken
    assert waiting.finished() == [(1, ["done", "done"]), (2, ["done"])]
    assert waiting.scene.files() == {"a": b"one", "b": b"two", "empty": b""}


def test_while_much_comes_batches_are_recorded_together(waiting: Waiting) -> None:
    turns: list[str] = []
    waiting.scene.workspace._tree.turn = _noted(waiting.scene.workspace._tree.turn, turns)  # type: ignore[attr-defined]

    def begin(*batches: int, now: bool) -> None:
        waiting.store.away = None if now else AWAY
        for batch in batches:
            waiting.begin(batch, (f"{batch}a", b"x%d" % batch), (f"{batch}b", b"y"))

    begin(1, now=False)
    begin(2, now=True)
    assert waiting.finished() == [(2, ["done", "done"])], "little comes: it does not wait"
    begin(3, now=False)
    begin(4, now=True)
    assert waiting.finished() == []
    waiting.scene.clock.now += 2 * sinks.GATHERED_SECONDS
    assert waiting.finished() == [(4, ["done", "done"])], "only for a moment"
    begin(*range(5, 5 + sinks.GATHERED - 1), now=True)
    assert waiting.finished() == []
    begin(8, now=True)
    assert [batch for batch, _ in waiting.finished()] == [5, 6, 7, 8]
    assert len(turns) == 3
    waiting.store.come_back()
    assert [batch for batch, _ in waiting.finished()] == [1, 3], "nothing else is to come"
    assert len(turns) == 4 and len(waiting.scene.files()) == 16


def test_a_batch_that_cannot_be_recorded_keeps_no_other_one(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = ContentCommit.record
    why = Problem(Code.STORE_FAILED, "the object was given up")

    def fails(self: ContentCommit, batch: Recordable, placed: Any) -> Any:
        if any(one.path == "b" for one in batch.offers):
            raise ProblemError(why)
        return record(self, batch, placed)

    monkeypatch.setattr(ContentCommit, "record", fails)
    waiting.store.away = AWAY
    waiting.begin(1, ("a", b"one"))
    waiting.begin(2, ("b", b"two"))
    waiting.begin(3, ("a", b"three"), ("c", b"3"))
    waiting.store.come_back()
    assert waiting.finished() == [(1, ["done"]), (2, ["store_failed"]), (3, ["changed", "done"])]
    waiting.begin(4, ("a", b"four"))
    assert waiting.scene.files() == {"a": b"one", "c": b"3"}


def _noted(turn: Any, turns: list[str]) -> Any:
    def noted(**rest: bool) -> Any:
        turns.append("")
        return turn(**rest)

    return noted


def test_what_came_to_its_place_meanwhile_is_not_replaced(waiting: Waiting) -> None:
    waiting.store.away = AWAY
    waiting.begin(1, ("a", b"one"))
    waiting.store.away = None
    waiting.scene.put("a", b"quicker")
    waiting.store.come_back()
    assert waiting.finished() == [(1, ["changed"])]
    assert waiting.scene.files() == {"a": b"quicker"}
    assert len(waiting.spooled.spool.blobs.inventory("", 10).hashes) == 1, "it was given up"


def test_what_can_never_be_secured_fails_alone(waiting: Waiting) -> None:
    waiting.store.away = AWAY
    waiting.begin(1, ("a", b"one"), ("empty", b""))
    waiting.store.fail(Problem(Code.DISK_FULL, "no machine has room"))
    assert waiting.finished() == [(1, ["disk_full", "done"])]
    assert waiting.scene.there() == "empty:f1"


def test_only_so_much_waits(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "WAITING", 5)
    waiting.store.away = AWAY
    waiting.begin(1, ("a", b"larger than that"))
    assert not waiting.sink.full(), "one batch always may wait"
    waiting.begin(2, ("b", b"x"))
    assert waiting.sink.full()
    waiting.store.come_back()
    assert not waiting.sink.full()


def test_what_waits_at_the_end_of_a_lane_is_not_sent_again(waiting: Waiting) -> None:
    waiting.store.away = AWAY
    waiting.begin(1, ("a", b"one"), ("b", b"two"), ("empty", b""))
    waiting.sink.close()
    again = waiting.scene.workspace.sink(RUN, cause=ANA)
    some = [offer(path, content) for path, content in (("a", b"one"), ("b", b"two"))]
    wants = again.begin(1, [*some, offer("c", b"new")])
    assert [want.code for want in wants] == ["none", "none", "all"]
    again.whole(1, 2, memoryview(b"new"))
    again.submit(1)
    again.close()  # also this time nothing could be secured
    last = waiting.scene.workspace.sink(RUN, cause=ANA)
    hashes = [content_of(one).hash for one in (b"one", b"two", b"new")]
    known = [
        one._replace(transfer="ab" * 16, hash=hash)
        for one, hash in zip([*some, offer("c", b"new")], hashes, strict=True)
    ]
    assert [want.code for want in last.begin(1, known)] == ["none"] * 3
    last.close()  # it was not even submitted
    last = waiting.scene.workspace.sink(RUN, cause=ANA)
    assert [want.code for want in last.begin(1, known)] == ["none"] * 3
    last.submit(1)
    waiting.store.come_back()
    [(_, receipts)] = last.finished()
    assert isinstance(receipts, list) and [one.code for one in receipts] == ["done"] * 3
    assert waiting.scene.files() == {"a": b"one", "b": b"two", "c": b"new"}
    last.close()


@pytest.mark.parametrize(
    ("user", "change"),
    [
        ("ben", {}),
        ("ana", {"size": 4}),
        ("ana", {"mtime_ns": MTIME + 1}),
        ("ana", {"ident": 99}),
        ("ana", {"hash": "ab" * 32}),
        ("ana", {"path": "b"}),
    ],
)
def test_only_the_same_file_of_the_same_user_is_not_sent_again(
    waiting: Waiting, user: str, change: dict[str, Any]
) -> None:
    waiting.store.away = AWAY
    waiting.begin(1, ("a", b"one"))
    waiting.sink.close()
    other = waiting.scene.workspace.sink(RUN, cause=ANA._replace(user=user))
    [want] = other.begin(1, [offer("a", b"one")._replace(**change)])
    assert want.code == "all"
    other.close()


def test_what_was_left_goes_when_it_is_too_much_too_old_or_the_workspace_closes(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.store.away = AWAY
    blobs = waiting.spooled.spool.blobs

    def leave(path: str, content: bytes) -> int:
        waiting.sink = waiting.scene.workspace.sink(RUN, cause=ANA)
        waiting.begin(1, (path, content))
        waiting.sink.close()
        return len(blobs.inventory("", 10).hashes)

    assert leave("a", b"one") == 1
    assert leave("a", b"another") == 1, "it has taken the place of the first"
    monkeypatch.setattr(lefts, "KEPT_BYTES", 10)
    assert leave("b", b"12345") == 1
    waiting.scene.clock.now += lefts.KEPT_SECONDS + 1
    assert leave("c", b"1") == 1
    assert waiting.scene.workspace.close()
    assert blobs.inventory("", 10).hashes == []


def test_what_is_recorded_at_the_end_of_a_lane_is_told(waiting: Waiting) -> None:
    """One batch waits for two that are not secured yet, and nobody has looked after another one."""
    waiting.store.away = AWAY
    waiting.begin(1, ("a", b"one"))
    waiting.begin(2, ("b", b"two"))
    waiting.store.away = None
    waiting.begin(3, ("c", b"three"), ("d", b"four"))
    assert waiting.finished() == [] and waiting.scene.files() == {}
    waiting.begin(4, ("e", b"five"))
    waiting.sink.close()
    assert waiting.finished() == [(3, ["done", "done"]), (4, ["done"])]
    assert waiting.finished() == []
    assert waiting.scene.files() == {"c": b"three", "d": b"four", "e": b"five"}


def test_an_upload_is_told_to_come_again(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PATIENCE", 0.0)
    scene = waiting.scene
    upload = scene.workspace.stage("a", 3, MTIME, lambda held: None, "http", ANA)
    upload.write(b"one")
    waiting.store.away = AWAY
    with pytest.raises(LaterError) as later:
        upload.publish()
    assert later.value.problem == AWAY and later.value.seconds == uploads.AGAIN
    upload.drop()
    with pytest.raises(LaterError):
        scene.workspace.stage("a", 3, MTIME, lambda held: None, "http", ANA)
    waiting.store.come_back()
    assert scene.there() == "" and scene.upload("a", b"one").entry.version == 1


def test_a_lane_reads_on_when_the_content_is_there(waiting: Waiting) -> None:
    scene = waiting.scene
    scene.put("a", b"one")
    scene.put("b", b"two")
    asked = [
        offer(path, scene.read(path), version=scene.version(path), ident=scene.entry(path).ident)
        for path in ("a", "b")
    ]
    source = scene.workspace.source()
    woken: list[bool] = []
    source.wakes(lambda: woken.append(True))
    source.coming(asked)
    waiting.store.away = AWAY
    views = [memoryview(bytearray(3)) for _ in asked]
    assert source.read(asked, views) == Unread(0, None)
    assert source.read(asked, views) == Unread(0, None)
    waiting.store.come_back()
    assert woken and source.read(asked, views) is None
    assert [bytes(view) for view in views] == [b"one", b"two"]


def test_a_lane_looks_again_only_when_something_has_changed(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = waiting.scene
    for path in ("a", "b"):
        scene.put(path, path.encode())
    asked = [
        offer(path, path.encode(), version=scene.version(path), ident=scene.entry(path).ident)
        for path in ("a", "b")
    ]
    looks = list[Sequence[str]]()
    files = StoredCatalogue.files

    def noted(self: StoredCatalogue, workspace: int, some: Sequence[str]) -> Any:
        looks.append(some)
        return files(self, workspace, some)

    monkeypatch.setattr(StoredCatalogue, "files", noted)
    source = scene.workspace.source()
    source.coming(asked)
    view = memoryview(bytearray(1))
    assert source.read(asked[:1], [view]) is None and bytes(view) == b"a"
    assert looks == [["a", "b"]]
    scene.put("b", b"c")
    unread = source.read(asked[1:], [view])
    assert unread is not None and unread.problem is not None
    assert unread.problem.code is Code.CHANGED
    source.close()


def test_a_file_that_had_not_come_at_the_end_of_a_lane_is_closed(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = waiting.scene
    version = scene.put("a", b"one")
    asked = offer("a", b"one", version=version, ident=scene.entry("a").ident)
    closed: list[bool] = []
    close = BlobReader.close

    def noted(reader: BlobReader) -> None:
        closed.append(True)
        close(reader)

    monkeypatch.setattr(BlobReader, "close", noted)
    waiting.store.away = AWAY
    source = scene.workspace.source()
    assert source.read([asked], [memoryview(bytearray(3))]) == Unread(0, None)
    assert closed == []
    source.close()
    assert closed == [True]


def test_a_store_without_room_takes_what_fits(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SpooledStore, "room", lambda self, workspace: 5)
    wants = waiting.sink.begin(1, [offer("a", b"123"), offer("b", b"1234"), offer("c", b"12")])
    assert [want.code for want in wants] == ["all", "disk_full", "all"]


def test_users_of_other_workspaces_cannot_go_on_with_a_transfer(waiting: Waiting) -> None:
    scene = waiting.scene
    other = content_workspace("elsewhere", scene.database, waiting.store, scene.clock, scene.heard)
    content = bytes(9 * 2**20)
    asked = offer("large", content)
    waiting.sink.begin(1, [asked])
    waiting.sink.part(1, 0, 0, memoryview(content)[: 2**20])
    waiting.sink.checkpoint()
    [want] = other.sink(RUN).begin(1, [asked])
    assert want.code == "all", "what has come there is not told, and not harmed"
    waiting.sink.close()
    [want] = scene.workspace.sink(RUN).begin(1, [asked])
    assert want.code == "ranges"


def test_a_deleted_file_can_still_be_read_by_who_has_it_open(waiting: Waiting) -> None:
    scene = waiting.scene
    scene.put("a", b"one")
    _, reader = scene.workspace.open("a")
    assert reader is not None
    scene.workspace.change([Delete("a", scene.version("a"), None)], RUN)
    view = memoryview(bytearray(3))
    assert reader.read_into(view, 0) == 3 and bytes(view) == b"one"
    reader.close()
    with pytest.raises(ProblemError):
        scene.workspace.hash("a", 1)
