"""Ids that survive a kill, and one end for each that began."""

from collections.abc import Iterator, Sequence
from itertools import chain, count

from cargo_sync.model.checkpoints import Checkpoint
from cargo_sync.model.events import Event, EventDetails, Happened
from cargo_sync.model.jobs import Mode
from cargo_sync.model.transfers import stem, succeeding
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.database import Database
from cargo_sync.state.events import Events
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.transfers import INTERRUPTED, Begun, Transfers, TransferSource


class Room:
    """The transfers of one job; ids are a, b, c, … in the order in which they are made.

    Those of large files are 32 of the letter.
    """

    def __init__(self, database: Database, tell: str = "upload") -> None:
        self.transfers = Transfers(database)
        self.events = Events(database)
        self.job = JobRows(database).get_or_create("j").id
        self._tell = tell
        self._ids: Iterator[str] = chain("abcdefgh", map(str, count()))

    def begin(
        self,
        *files: str,
        promised: Mode | None = Mode.UPLOAD,
        now: float = 1.0,
        unsure: bool = False,
    ) -> Begun:
        """Files as "path version", large ones (whose ids are kept) in capitals."""
        sources = []
        for file in files:
            path, _, version = file.partition(" ")
            sources.append(TransferSource(path, int(version or 1), 7, 3, path.isupper()))
        return self.transfers.begin(
            self.job, sources, self._make, now, self._says, promised, unsure=unsure
        )

    def _make(self, sources: Sequence[TransferSource]) -> list[str]:
        return [next(self._ids) * (32 if source.keep else 1) for source in sources]

    def _says(self, happened: Happened, path: str, size: int, details: EventDetails) -> Event:
        return Event("j", happened, 1.0, path, size, details, self._tell)

    def told(self) -> list[str]:
        """All events so far: what, path, id."""
        return [
            f"{event.happened} {event.path} {event.transfer}"
            for _, event in self.events.since(0, 100)
        ]


def test_without_a_promise_only_large_files_keep_their_id(daemon: Database) -> None:
    room = Room(daemon)
    assert room.begin("x", "BIG", promised=None).ids == ["a", "b" * 32]
    assert room.begin("x", "BIG", "BIG2", promised=None).ids == ["c", "b" * 32, "d" * 32]
    room.transfers.ended(room.job, ["BIG"], [])
    assert room.begin("BIG", promised=None).ids == ["e" * 32]
    assert room.told() == []


def test_another_version_of_a_large_file_succeeds_the_earlier_one(daemon: Database) -> None:
    room = Room(daemon)
    [first] = room.begin("BIG", promised=None).ids
    for version in (2, 3):
        [later] = room.begin(f"BIG {version}", promised=None).ids
        assert later > first and stem(later) == stem(first)
        assert room.begin(f"BIG {version}", promised=None).ids == [later]
        first = later
    [small] = room.begin("BIG2", promised=None).ids
    assert stem(small) != stem(first)


def test_an_id_without_a_number_after_it_begins_a_line_of_its_own() -> None:
    token = "5" * 32
    assert succeeding("a" * 16 + "fffe" + "b" * 12, token) == "a" * 16 + "ffff" + "5" * 12
    assert succeeding("a" * 16 + "ffff" + "b" * 12, token) == token


def test_the_earlier_transfers_of_a_file_to_a_place(daemon: Database) -> None:
    checkpoints, line = Checkpoints(daemon, lambda: 1.0), "a" * 16
    there = {"0001": "f", "0002": "f", "0003": "other", "0004": "f", "0005": "f"}
    for number, path in there.items():
        checkpoints.put(Checkpoint(f"{line}{number}{'9' * 12}", path, 1, 2, 3, 4))
    checkpoints.put(Checkpoint("a" * 15 + "b" + "0001" + "9" * 12, "f", 1, 2, 3, 4))
    earlier = checkpoints.earlier(f"{line}0004{'9' * 12}", "f")
    assert earlier == [f"{line}{number}{'9' * 12}" for number in ("0001", "0002")]


def test_what_is_taken_up_again_goes_on_and_does_not_start_again(daemon: Database) -> None:
    room = Room(daemon)
    begun = room.begin("x", "y")
    assert (begun.ids, begun.cursor, len(begun.events)) == (["a", "b"], 2, 2)
    assert room.begin("x", "y").ids == ["a", "b"]  # after a kill
    room.transfers.ended(room.job, ["x"], ["y"])
    assert room.begin("x", "y").ids == ["c", "b"]  # x is another transfer, y a further try
    assert room.told() == ["started x a", "started y b", "started x c", "started y b"]


def test_each_of_a_large_batch_ends(daemon: Database) -> None:
    room = Room(daemon)
    files = [f"f{number}" for number in range(1_234)]
    before = room.begin(*files, "other").ids
    room.transfers.ended(room.job, files[:611], files[611:])
    after = room.begin(*files, "other")
    assert not set(before[:611]) & set(after.ids)
    assert after.ids[611:] == before[611:]
    assert [event.path for event in after.events] == files


def test_another_version_gives_the_first_one_up(daemon: Database) -> None:
    room = Room(daemon)
    room.begin("x 1", "y 1")
    begun = room.begin("x 2", "y 1")
    assert begun.ids == ["c", "b"]
    assert room.told() == ["started x a", "started y b", "failed x a", "started x c"]
    assert "another version" in begun.events[0].message


def test_a_promise_holds_when_nobody_asks_for_new_ones_any_more(daemon: Database) -> None:
    room = Room(daemon)
    room.begin("x", "y 1")
    assert room.begin("x", "y 2", "z", promised=None).ids == ["a", "c", "d"]
    assert room.told() == ["started x a", "started y b", "failed y b"]
    assert room.transfers.promised(room.job, [("x", 1, 7), ("y", 2, 7)]) == {"x": "a"}


def test_without_a_callback_for_it_a_start_is_no_event_but_a_promise_all_the_same(
    daemon: Database,
) -> None:
    room = Room(daemon, tell="")
    begun = room.begin("x")
    assert (begun.ids, begun.events, room.told()) == (["a"], [], [])
    assert room.transfers.promised(room.job, [("x", 1, 7), ("y", 1, 7)]) == {"x": "a"}
    assert room.transfers.promised(room.job, [("x", 2, 7)]) == {}


def test_what_never_came_back_is_given_up(daemon: Database) -> None:
    room = Room(daemon)
    room.begin("x", "y", now=10.0)
    room.begin("BIG", promised=None, now=10.0)
    room.begin("z", now=20.0)
    room.transfers.ended(room.job, [], ["y"])
    room.transfers.going_on(["c" * 32], 30.0)
    parts = [room.transfers.forget(15.0, 99.0, most=1) for _ in range(3)]
    assert parts == [1, 1, 0]  # BIG moves all the time
    [_, _, _, (_, end)] = room.events.since(0, 9)
    assert (end.happened, end.path, end.time, end.tell) == (Happened.FAILED, "x", 99.0, "upload")
    assert end.transfer == "a" and end.message.startswith("given up: ")
    assert room.begin("x", "z", "BIG").ids == ["e", "d", "c" * 32]


def test_what_a_kill_may_have_cut_off_is_told_when_another_version_comes(daemon: Database) -> None:
    room = Room(daemon)

    def begin(*files: str, now: float = 1.0) -> list[str]:
        return [
            event.message
            for event in room.begin(*files, promised=None, now=now, unsure=True).events
        ]

    assert begin("x 1", "y 1", "done 1", "failed 1", "BIG 1") == []
    room.transfers.ended(room.job, ["done"], ["failed"])
    files = [(path, 1, 7) for path in ("x", "y", "done", "failed", "BIG")]
    assert set(room.transfers.promised(room.job, files)) == {"x", "y", "BIG"}
    assert begin("x 1") == [], "it goes on"
    assert begin("x 2", "done 2", "failed 2", "BIG 2") == [INTERRUPTED, INTERRUPTED]
    room.transfers.ended(room.job, ["x", "done", "failed", "BIG"], [])
    assert room.transfers.forget(15.0, 99.0) == 1
    assert room.told() == ["failed x a", f"failed BIG {'e' * 32}", "failed y b"]


def test_what_was_stopped_in_order_leaves_nothing_to_be_told(daemon: Database) -> None:
    room = Room(daemon)
    first, large = room.begin("x 1", "BIG 1", promised=None, unsure=True).ids
    room.begin("killed", promised=None, unsure=True)
    room.transfers.stopped(room.job, first, ["BIG"])
    files = [("x", 1, 7), ("BIG", 1, 7), ("killed", 1, 7)]
    assert set(room.transfers.promised(room.job, files)) == {"killed"}
    assert room.begin("x 2", "BIG 1", promised=None, unsure=True).ids == ["d", large]
    assert room.told() == []
