"""Files on their way into buckets, and who has them: in a file, and in PostgreSQL."""

from collections.abc import Callable

import pytest

from cargo_sync.state.database import Database
from cargo_sync.state.holders import ServerLife
from cargo_sync.state.object_uploads import (
    ComingPart,
    ComingTail,
    ObjectUploads,
    SharedTransfer,
    TransferHold,
)
from cargo_sync.state.objects import Objects
from cargo_sync.state.servers import ServerRow, ServerRows

T, SOURCE = "ab" * 16, b"source"
A, B = ServerLife("a", "life of a"), ServerLife("b", "life of b")
PARTS = [ComingPart(number, 8, f"etag {number}", b"list") for number in (1, 2, 4)]


class Rows:
    """All rooms, and short words for what tests do."""

    def __init__(self, database: Database) -> None:
        self.uploads, self.servers = ObjectUploads(database), ServerRows(database)
        self.objects = Objects(database, "start of a")
        self.bucket = self.objects.add_bucket("m" * 32, "s3://bucket").id

    def object(self, number: int, size: int = 100) -> int:
        [id] = self.objects.begin(self.bucket, 1, [f"{number:032x}"], [size], 10.0)
        return id

    def says(self, who: ServerLife, beat: int) -> None:
        self.servers.put(ServerRow(who.server, who.server, who.life, beat=beat))

    def found(self) -> SharedTransfer:
        found = self.uploads.find(T)
        assert found is not None
        return found

    def begun(self) -> TransferHold:
        hold = self.uploads.add(T, 1, SOURCE, A, 20.0)
        assert hold is not None
        return hold

    def doomed(self) -> list[int]:
        return [row.id for row in self.objects.doomed(self.bucket, 1e9, 0, 10)]


@pytest.fixture
def rows(state: Database) -> Rows:
    return Rows(state)


def test_one_server_has_a_transfer(rows: Rows) -> None:
    hold = rows.begun()
    assert rows.uploads.add(T, 1, SOURCE, B, 20.0) is None
    assert rows.found() == SharedTransfer(T, SOURCE, A, 1)
    rows.says(A, 7)
    assert rows.uploads.take(rows.found(), B, 6, 30.0) is None, "it was heard since"
    assert rows.uploads.take(rows.found(), B, 0, 30.0) is None, "it has just begun"
    taken = rows.uploads.take(rows.found(), B, 7, 30.0)
    assert taken == TransferHold(T, B, 2)
    assert rows.uploads.take(SharedTransfer(T, SOURCE, A, 1), A, None, 30.0) is None, "too late"
    assert not rows.uploads.release(hold)
    assert rows.uploads.release(taken)
    assert rows.found().holder == ServerLife("b", "")
    assert rows.uploads.take(rows.found(), A, 0, 30.0) == TransferHold(T, A, 3), "nobody has it"


def test_another_start_of_a_server_has_what_it_had(rows: Rows) -> None:
    rows.begun()
    rows.says(A, 7)
    again = ServerLife("a", "its next life")
    assert rows.uploads.take(rows.found(), again, None, 30.0) == TransferHold(T, again, 2)


def test_what_has_come_is_known_without_gaps(rows: Rows) -> None:
    hold, object, tail = rows.begun(), rows.object(1), rows.object(2, 5)
    assert rows.uploads.begin(hold, object, "upload", 21.0)
    assert rows.uploads.came(hold, object, PARTS, 22.0)
    assert rows.uploads.begin(hold, object, "upload", 22.5), "only the answer was lost"
    assert rows.uploads.put_tail(hold, object, tail, 16, b"digest", 23.0)
    [found] = rows.uploads.uploads(T)
    assert (found.object, found.key, found.upload, found.size) == (
        object,
        f"{1:032x}",
        "upload",
        100,
    )
    assert found.parts == PARTS[:2] and found.tail == ComingTail(f"{2:032x}", 16, 5, b"digest")
    assert (found.in_parts, found.reach) == (16, 21)
    next = rows.object(3, 7)
    assert rows.uploads.put_tail(hold, object, next, 16, b"other", 24.0)
    assert rows.doomed() == [tail], "a tail goes with the next one"
    assert rows.uploads.came(hold, object, [PARTS[0]._replace(number=3)], 25.0)
    assert rows.uploads.uploads(T)[0].reach == 32, "parts reach farther than the tail"


FENCED: dict[str, Callable[[ObjectUploads, TransferHold, int], bool]] = {
    "begin": lambda some, hold, id: some.begin(hold, id + 1, "upload", 40.0),
    "came": lambda some, hold, id: some.came(hold, id, PARTS, 40.0),
    "tail": lambda some, hold, id: some.put_tail(hold, id, id + 1, 0, b"digest", 40.0),
    "together": lambda some, hold, id: some.put_together(hold, id, 40.0),
    "forget": lambda some, hold, id: some.forget(T, hold),
    "adopt": lambda some, hold, id: some.adopt(hold, id, "start of b", 40.0),
}


def test_who_has_lost_it_changes_nothing(rows: Rows) -> None:
    hold, object = rows.begun(), rows.object(1)
    assert rows.uploads.begin(hold, object, "upload", 21.0)
    rows.object(2)
    assert rows.uploads.take(rows.found(), B, 0, 30.0)
    before = rows.uploads.uploads(T)
    for name, write in FENCED.items():
        assert not write(rows.uploads, hold, object), name
    assert rows.uploads.uploads(T) == before and not rows.doomed()


def test_the_end_of_a_transfer_is_the_end_of_its_objects(rows: Rows) -> None:
    hold, object, tail, other = rows.begun(), rows.object(1), rows.object(2), rows.object(3)
    assert rows.uploads.begin(hold, object, "upload", 21.0)
    assert rows.uploads.came(hold, object, PARTS, 22.0)
    assert rows.uploads.put_tail(hold, object, tail, 16, b"digest", 23.0)
    another = Objects(rows.uploads._database, "another start")
    assert another.stale(1e9, 9) == [other], "what somebody may go on with is not stale"
    assert (rows.uploads.old(23.0, 9), rows.uploads.old(23.5, 9)) == ([], [T])
    assert rows.uploads.of([object, other]) == [T]
    assert not rows.uploads.forget(T, before=23.0) and rows.uploads.uploads(T), "it goes on"
    assert rows.uploads.forget(T, before=23.5)
    assert rows.doomed() == [object, tail] and not rows.uploads.uploads(T)
    assert rows.uploads.find(T) is None and not rows.uploads.came(hold, object, PARTS, 24.0)
