"""What happens in a workspace is in the history, with who did it."""

import threading
from collections.abc import Iterable

import pytest

from cargo_sync.lanes.waiting import commit
from cargo_sync.local.publish import Placing
from cargo_sync.model.history import ChangeCause, HistoryRow
from cargo_sync.model.problems import Problem
from cargo_sync.server.workspace.operations import Delete, Meta, Mkdir, Move, Operation
from cargo_sync.state.history import HistoryFilter, HistoryRows
from tests.server.workspace.folder.test_workspace import Ground, ground, offer  # noqa: F401

ANA = ChangeCause("ana", "10.0.0.7", "run", "1f2e3d4c")
BEN = ChangeCause("ben", "10.0.0.8", "run 2")


def rows(one: Ground) -> list[HistoryRow]:
    history = one.folder.catalogue._history  # type: ignore[attr-defined]
    assert isinstance(history, HistoryRows)
    return history.after(0, HistoryFilter(), 1_000).rows


def told(one: Ground, since: int = 0) -> list[str]:
    return [f"{row.batch.user or '-'} {row.batch.kind} {row.path}" for row in rows(one)[since:]]


def bring(one: Ground, path: str, content: bytes, expected: int = 0) -> None:
    sink = one.workspace.sink("run", cause=ANA)
    sink.begin(1, [offer(path, content, expected=expected)])
    sink.whole(1, 0, memoryview(content))
    [receipt] = commit(sink, 1)
    assert receipt.code == "done"


def do(one: Ground, *operations: Operation) -> None:
    results = one.workspace.change(operations, "run 2", cause=BEN)
    assert not [result for result in results if isinstance(result, Problem)]


def test_a_flow_tells_what_came_and_what_it_replaced(ground: Ground) -> None:  # noqa: F811
    bring(ground, "in/a", b"one")
    bring(ground, "in/a", b"second", ground.entry("in/a").version)
    assert told(ground) == ["ana uploaded in/a", "ana displaced in/a", "ana uploaded in/a"]
    first, displaced, last = rows(ground)
    assert (first.hash, first.size) == (displaced.hash, displaced.size)
    assert first.version == displaced.version < last.version == ground.entry("in/a").version
    assert last.hash == ground.entry("in/a").hash
    assert last.batch[4:8] == ("ana", "10.0.0.7", "run", "1f2e3d4c")


def test_operations_tell_what_they_did(ground: Ground) -> None:  # noqa: F811
    for path in ("a", "b", "d/x"):
        bring(ground, path, b"content")
    versions = {path: ground.entry(path).version for path in ("a", "b", "d")}
    seen = ground.workspace.position(0).sequence
    do(
        ground,
        Mkdir("new", 0o755, 0),
        Meta("a", versions["a"], 0o600, 10**18),
        Move("b", "new/b", versions["b"]),
        Delete("d", versions["d"], seen),
    )
    do(ground, Delete("a", ground.entry("a").version, None))
    assert told(ground, 3) == [
        "ben moved new/b", "ben deleted d/", "ben deleted d/x", "ben deleted a",
    ]  # fmt: skip
    [moved, *_] = rows(ground)[3:]
    assert (moved.before, moved.batch.origin) == ("b", "run 2")


def test_an_upload_over_http(ground: Ground) -> None:  # noqa: F811
    upload = ground.workspace.stage("file", 3, 10**18, lambda held: None, "http", ANA)
    upload.write(b"two")
    upload.publish()
    upload.drop()
    assert told(ground) == ["ana uploaded file"]


@pytest.mark.parametrize("way", ["HTTP", "flow"])
def test_a_file_that_is_read_before_it_is_recorded_is_not_taken_for_another_programs(
    ground: Ground,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """It is renamed into its place, and synced, before it is recorded: meanwhile somebody reads."""
    bring(ground, "file", b"one")
    waits, read, real = threading.Event(), list[str](), ground.folder.arriving.wait

    def wait(some: Iterable[str]) -> None:
        waits.set()
        real(some)

    def opened() -> None:
        held, reader = ground.workspace.open("file")
        assert held is not None and reader is not None
        reader.close()
        read.append(held.entry.hash)

    def sync(_: Placing) -> None:
        reading.start()
        while reading.is_alive() and not waits.wait(0.01):
            pass

    reading = threading.Thread(target=opened)
    monkeypatch.setattr(ground.folder.arriving, "wait", wait)
    monkeypatch.setattr(Placing, "sync", sync)
    if way == "flow":
        bring(ground, "file", b"two", ground.entry("file").version)
    else:
        upload = ground.workspace.stage("file", 3, 10**18, lambda held: None, "http", ANA)
        upload.write(b"two")
        upload.publish()
        upload.drop()
    reading.join()
    assert told(ground, 1) == ["ana displaced file", "ana uploaded file"]
    assert read == [ground.entry("file").hash]
    assert not ground.folder.arriving


def test_other_programs_have_no_name(ground: Ground) -> None:  # noqa: F811
    bring(ground, "a", b"content")
    (ground.place / "a").write_text("other")
    (ground.place / "b").write_text("new")
    ground.scan()
    (ground.place / "b").unlink()
    ground.scan()
    assert told(ground, 1) == ["- changed a", "- changed b", "- deleted b"]


def test_what_comes_back_with_a_folder_is_restored_too(ground: Ground) -> None:  # noqa: F811
    bring(ground, "d/x", b"x")
    bring(ground, "d/e/y", b"y")
    do(ground, Delete("d", ground.entry("d").version, ground.workspace.position(0).sequence))
    [restored] = ground.workspace.restore([1], "", "run 3", cause=ANA)
    assert not isinstance(restored, Problem)
    assert sorted(told(ground, 5)) == ["ana restored d/e/y", "ana restored d/x"]
    assert told(ground, 2)[:3] == ["ben deleted d/", "ben deleted d/e/y", "ben deleted d/x"]


def test_a_restored_file_displaces_what_stands_there(ground: Ground) -> None:  # noqa: F811
    bring(ground, "a", b"one")
    do(ground, Delete("a", ground.entry("a").version, None))
    bring(ground, "a", b"two")
    ground.workspace.restore([1], "", "run 3", cause=BEN)
    assert told(ground, 3) == ["ben displaced a", "ben restored a"]
