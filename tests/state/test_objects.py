"""Objects in buckets, and what lies in them: with the state in a file, and in PostgreSQL."""

import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.state.database import Database
from cargo_sync.state.object_contents import ContentMove, ObjectContents, placement_of
from cargo_sync.state.objects import GONE, WRITING, Objects

A, B, C = (f"{number:064x}" for number in (1, 2, 3))
FAR = 1e9


class Rows:
    """Both rooms, and short words for what tests do."""

    def __init__(self, database: Database) -> None:
        self.objects = Objects(database, "this start")
        self.contents = ObjectContents(database, lambda: 50.0)
        self.bucket = self.objects.add_bucket("m" * 32, "s3://bucket").id

    def begin(self, *sizes: int, workspace: int = 1) -> list[int]:
        keys = [f"{len(self.known()) + number + 1:032x}" for number in range(len(sizes))]
        return self.objects.begin(self.bucket, workspace, keys, sizes, 10.0)

    def known(self) -> dict[str, int]:
        return self.objects.known(self.bucket, [f"{number:032x}" for number in range(1, 20)])

    def record(self, object: int, *hashes: str, workspace: int = 1) -> None:
        where = [placement_of(object, 100 * number) for number in range(len(hashes))]
        self.contents.record(workspace, hashes, [100] * len(hashes), where, {A: b"list"})

    def doomed(self, before: float = FAR) -> list[int]:
        return [row.id for row in self.objects.doomed(self.bucket, before, 0, 10)]

    def places(self, *hashes: str) -> list[tuple[int, int]]:
        found = self.contents.where(1, hashes)
        return [(found[hash].object, found[hash].start) for hash in hashes]

    def forget(self, *hashes: str, now: float = 20.0) -> None:
        self.contents.condemn(1, hashes, now)
        self.contents.forget(1, hashes, now)


def test_an_object_lives_as_long_as_something_lies_in_it(state: Database) -> None:
    rows = Rows(state)
    [pack, other] = rows.begin(300, 100)
    rows.record(pack, A, B)
    place = rows.contents.where(1, [A, B, C])
    assert [(one.start, one.object, one.size) for one in place.values()] == [
        (0, pack, 100),
        (100, pack, 100),
    ]
    assert rows.contents.pieces(1, A) == b"list" and rows.contents.pieces(1, B) == b""
    assert rows.contents.where(2, [A]) == {}
    rows.contents.forget(1, [A], 20.0)  # it is not condemned
    rows.forget(A)
    assert rows.doomed() == []
    assert [row.id for row in rows.objects.sparse(rows.bucket, 0, 10)] == [pack]
    rows.contents.condemn(1, [B], 20.0)
    assert rows.contents.condemned(1, 20.0, "", 10) == [B] and rows.contents.live(1, "", 10) == []
    rows.contents.revive(1, [B])
    rows.contents.forget(1, [B], 30.0)
    assert rows.contents.live(1, "", 10) == [B] and rows.contents.count(1) == 1
    rows.forget(B, now=40.0)
    assert rows.doomed(39.0) == [] and rows.doomed(40.0) == [pack]
    rows.objects.gone([pack, other], 50.0)  # the other one is not doomed
    assert sorted(rows.known().values()) == [WRITING, GONE]
    assert rows.doomed() == [] and rows.objects.totals(rows.bucket).objects == 1
    rows.objects.forget_gone(rows.bucket, 49.0)
    rows.objects.forget_gone(rows.bucket + 1, FAR)
    assert len(rows.known()) == 2
    rows.objects.forget_gone(rows.bucket, 50.0)
    assert list(rows.known().values()) == [WRITING]


def test_what_comes_again_keeps_its_place(state: Database) -> None:
    rows = Rows(state)
    [first, second] = rows.begin(100, 200)
    rows.record(first, A)
    rows.contents.condemn(1, [A], 20.0)
    rows.record(second, A, B)
    where = rows.contents.where(1, [A, B])
    assert [where[one].object for one in (A, B)] == [first, second]
    assert rows.contents.live(1, "", 10) == [A, B]
    assert rows.objects.totals(rows.bucket) == (2, 300, 200, 2)


def test_an_object_that_was_given_up_is_never_back(state: Database) -> None:
    rows = Rows(state)
    [first, second] = rows.begin(100, 100)
    rows.record(second, B)
    rows.objects.give_up([first, second])
    assert rows.doomed(0.0) == [first]  # nothing ever was in it: no need to keep it
    with pytest.raises(ProblemError):
        rows.record(first, A)
    assert rows.contents.where(1, [A]) == {}
    other = Objects(state, "another start")
    [third] = rows.begin(100)
    assert rows.objects.stale(FAR, 10) == [] and other.stale(FAR, 10) == [third]
    assert other.stale(9.0, 10) == []
    rows.objects.renew(30.0)
    assert other.stale(29.0, 10) == [] and other.stale(30.0, 10) == [third]


def test_contents_move_to_another_object(state: Database) -> None:
    rows = Rows(state)
    [old, new] = rows.begin(300, 200)
    rows.record(old, A, B, C)
    rows.forget(C)
    assert rows.contents.within(1, old) == [(A, 100, 0), (B, 100, 100)]
    moves = [
        ContentMove(A, 100, old, new, 0),
        ContentMove(B, 100, old, new, 100),
        ContentMove(C, 100, old, new, 200),  # it has gone meanwhile
    ]
    rows.contents.move(1, moves, 50.0)
    assert [(one.object, one.start) for one in rows.contents.where(1, [A, B]).values()] == [
        (new, 0),
        (new, 100),
    ]
    assert rows.doomed(50.0) == [old]
    assert rows.objects.totals(rows.bucket) == (2, 500, 200, 2)
    assert [row.id for row in rows.objects.small(rows.bucket, 1, 10)] == [new]
    assert rows.objects.with_small(rows.bucket) == [1]
    keys = sorted(rows.known())
    between = rows.objects.between(rows.bucket, "", "f" * 32, 10)
    assert [row.key for row in between] == keys[1:]
    assert [one.id for one in rows.objects.used_buckets()] == [rows.bucket]
    found = rows.objects.bucket("m" * 32)
    assert found is not None and found.id == rows.bucket
    assert rows.objects.add_bucket("m" * 32, "elsewhere") == found._replace(address="elsewhere")
    assert rows.objects.bucket("n" * 32) is None


def test_what_was_lost_lies_where_it_comes_again(state: Database) -> None:
    rows = Rows(state)
    [first, second, third] = rows.begin(300, 300, 300)
    rows.record(first, A, B)
    rows.contents.lost(1, [A, C])
    assert rows.places(A, B) == [(first, 0), (first, 100)], "it may be there again"
    assert rows.contents.live(1, "", 10) == [A, B]
    rows.record(second, B, A)
    assert rows.places(A, B) == [(second, 100), (first, 100)]
    assert rows.doomed() == [] and rows.contents.count(1) == 2
    rows.contents.lost(1, [A, B])
    rows.record(third, B)
    assert rows.doomed(49.0) == [] and rows.doomed(50.0) == [first]
    rows.forget(A, B)
    assert rows.contents.count(1) == 0 and rows.doomed() == [first, second, third]
