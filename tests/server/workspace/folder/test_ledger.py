"""What is displaced in a workspace is in the ledger of its trash, with who did it."""

from collections.abc import Sequence

from cargo_sync.catalogue.contract import Change, PutColumns, Recorded
from cargo_sync.lanes.waiting import commit
from cargo_sync.local.trash_upkeep import keep_up
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.history import OTHERS, ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.operations import Delete, Mkdir, Operation
from tests.server.workspace.folder.test_workspace import Ground, ground, offer  # noqa: F401

RUN = "20260102T030405Z-run"
ANA = ChangeCause("ana")
Row = tuple[str, str, int, str, str]


def rows(one: Ground) -> list[Row]:
    """Path, kind, size, cause and user of what is kept, the oldest first."""
    ledger = one.folder.ledger
    kept = ledger.kept([version.id for version in ledger.oldest(None, 100)])
    found = [version for _, version in kept]
    return [(each.path, each.kind, each.size, each.cause, each.user) for each in found]


def bring(one: Ground, path: str, content: bytes, expected: int = 0) -> None:
    sink = one.workspace.sink(RUN, cause=ANA)
    sink.begin(1, [offer(path, content, expected=expected)])
    sink.whole(1, 0, memoryview(content))
    [receipt] = commit(sink, 1)
    assert receipt.code == "done"


def test_a_flow_says_what_it_replaced(ground: Ground) -> None:  # noqa: F811
    bring(ground, "file", b"one")
    assert rows(ground) == []
    bring(ground, "file", b"second", ground.entry("file").version)
    assert rows(ground) == [("file", "f", 3, "overwritten", "ana")]
    [(_, version)] = ground.folder.ledger.kept([1])
    assert version.hash and version.run == RUN and version.place.endswith(f"/{RUN}/file")


def test_operations_say_what_they_deleted_or_replaced(ground: Ground) -> None:  # noqa: F811
    for path in ("a", "b"):
        bring(ground, path, b"content")
    (ground.place / "d").mkdir()
    (ground.place / "d" / "file").write_text("12345")
    ground.scan()
    versions = [ground.entry(path).version for path in ("a", "b", "d")]
    operations: list[Operation] = [
        Delete("a", versions[0], None),
        Mkdir("b", 0o755, versions[1]),
        Delete("d", versions[2], versions[2] + 9),
        Mkdir("new", 0o755, 0),
        Delete("none", 1, None),
    ]
    results = ground.workspace.change(operations, RUN, cause=ChangeCause("ben"))
    assert not [one for one in results if isinstance(one, Problem)]
    assert rows(ground) == [
        ("a", "f", 7, "deleted", "ben"),
        ("b", "f", 7, "overwritten", "ben"),
        ("d", "d", -1, "deleted", "ben"),
    ]
    ground.workspace.tidy(TrashLimits(1e9))
    assert rows(ground)[2] == ("d", "d", 5, "deleted", "ben")


def test_an_upload_says_what_it_replaced(ground: Ground) -> None:  # noqa: F811
    bring(ground, "file", b"one")
    upload = ground.workspace.stage("file", 3, 10**18, lambda held: None, "http", ANA)
    upload.write(b"two")
    upload.publish()
    upload.drop()
    assert rows(ground) == [("file", "f", 3, "overwritten", "ana")]


def test_a_row_that_could_not_be_written_is_found_later(ground: Ground) -> None:  # noqa: F811
    """The rename is done, and the transaction fails: as after a kill in between."""
    bring(ground, "file", b"one")
    record = ground.folder.catalogue.record

    def failing(
        workspace: int, changes: Sequence[Change | PutColumns], cause: ChangeCause = OTHERS
    ) -> Recorded:
        raise ProblemError(Problem(Code.DISK_FULL, "the state cannot be written"))

    ground.folder.catalogue.record = failing  # type: ignore[method-assign]
    [result] = ground.workspace.change(
        [Delete("file", ground.entry("file").version, None)], RUN, cause=ANA
    )
    assert isinstance(result, Problem)
    ground.folder.catalogue.record = record  # type: ignore[method-assign]
    assert rows(ground) == []
    keep_up(ground.folder.store.root, ground.folder.ledger, TrashLimits(1e9))
    assert rows(ground) == [("file", "f", 3, "found", "")]
