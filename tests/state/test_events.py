import pytest

from cargo_sync.model.events import Event, EventDetails, Happened, MovedFiles, groups
from cargo_sync.model.path_pattern import PathPattern
from cargo_sync.state import events as state_events
from cargo_sync.state.database import Database
from cargo_sync.state.events import EventFilter, Events


def event(job: str, time: float, path: str = "a") -> Event:
    return Event(job, Happened.UPLOADED, time, path, 7, EventDetails(seconds=0.1))


def cursors(events: Events, since: int = 0, limit: int = 100, job: str | None = None) -> list[int]:
    return [row.cursor for row in events.since(since, limit, job)]


def test_events_come_back_as_they_were(daemon: Database) -> None:
    events = Events(daemon)
    strange = Event(
        "j",
        Happened.FAILED,
        1_700_000_000.123457,
        'it\'s "é"/👍 -x\n',
        2**62,
        EventDetails(
            message="\0 and \\u0000",
            transfer="",
            hash='"',
            displaced="é/👍",
            rtt_ms=1e-9,
            lost=0,
            files=2**63,
        ),
    )
    many = [event("j", 1.0, f"{number}") for number in range(257)]
    assert events.append([strange, *many]) == 258
    assert [row.event for row in events.since(0, 1000)] == [strange, *many]


@pytest.mark.parametrize("content", ["ab12", "", '"}, {', "\u00e9"])
@pytest.mark.parametrize("moved", [(), (None, 3, 4)])
@pytest.mark.parametrize("tell", ["", "upload"])
def test_files_that_moved_together_are_events_of_their_own(
    daemon: Database, content: str, moved: tuple[int | None, ...], tell: str
) -> None:
    same = ("j", Happened.UPLOADED, 1.5, tell)
    files = (["a", "b/\u00e9", "c"], [1, 0, 2**40], ["t1", "t2", "t3"], ["ab", content, ""])
    told = MovedFiles(*same, *files, 0.25, None, 30.5, moved)
    events = Events(daemon)
    assert events.append_moved(told) == 3
    expected = [
        Event("j", Happened.UPLOADED, 1.5, path, size, details, tell)
        for path, size, details in zip(told.paths, told.sizes, told.details(), strict=True)
    ]
    assert [row.event for row in events.since(0, 10)] == expected
    assert [one.details.moved for one in expected] == list(moved or [None] * 3)
    assert [told.group(3)] == groups(expected, 3)


def test_readers_go_on_from_their_own_cursor(daemon: Database) -> None:
    events = Events(daemon)
    assert (events.newest(), events.append([]), cursors(events)) == (0, 0, [])
    assert events.append([event("a", 1.0), event("b", 1.0), event("a", 2.0)]) == 3
    assert events.append([]) == 3
    assert cursors(events, limit=2) == [1, 2]
    assert cursors(events, since=2) == [3]
    assert cursors(events, job="a") == [1, 3]
    assert cursors(events, since=1, limit=1, job="a") == [3]


def test_the_newest_and_what_is_kept(daemon: Database) -> None:
    events = Events(daemon)
    assert (events.last(5), events.bounds()) == ([], (1, 0))
    events.append([event("a", 1.0), event("b", 2.0), event("a", 3.0)])
    assert [row.cursor for row in events.last(2)] == [2, 3]
    assert [row.cursor for row in events.last(2, "a")] == [1, 3]
    events.prune(before=0.0, keep=2)
    assert events.bounds() == (2, 3)
    events.prune(before=0.0, keep=0)
    assert events.bounds() == (4, 3)


def test_pruning_never_gives_a_cursor_twice(daemon: Database) -> None:
    events = Events(daemon)
    events.append([event("a", 1.0)] * 3)
    events.mark(4.0)
    events.append([event("a", 1.0)] * 7)
    assert events.prune(before=3.9) == 0
    assert events.prune(before=4.0) == 3
    assert cursors(events) == [4, 5, 6, 7, 8, 9, 10]
    assert events.prune(before=0.0, keep=2) == 5
    assert cursors(events) == [9, 10]
    events.mark(5.0)
    assert events.prune(before=100.0) == 2
    assert (cursors(events), events.newest()) == ([], 10)
    assert events.append([event("a", 1.0)]) == 11


def test_the_age_of_an_event_is_that_of_the_mark_after_it(daemon: Database) -> None:
    """Its own time is the wall clock's, which may have been any."""
    events = Events(daemon)
    for now, time in ((100.0, 9e9), (160.0, -5.0), (220.0, 1.0)):
        events.append([event("a", time)])
        events.mark(now)
        events.mark(now + 1)  # nothing new: the first mark stays
    assert [events.reached(at) for at in (99.0, 100.0, 160.5, 999.0)] == [0, 1, 2, 3]
    assert events.prune(before=160.0) == 2
    assert cursors(events) == [3]


def test_marks_of_long_ago_are_one_an_hour(daemon: Database) -> None:
    events = Events(daemon)
    for minute in range(0, 240, 10):
        events.append([event("a", 1.0)])
        events.mark(minute * 60.0)
    events.thin(3 * 3600.0)
    marks = [events.reached(minute * 60.0) for minute in range(0, 240, 10)]
    assert marks == [1] * 6 + [7] * 6 + [13] * 6 + [19, 20, 21, 22, 23, 24]


def test_a_jobs_history_is_read_backwards(daemon: Database) -> None:
    events = Events(daemon)
    failed = Event("a", Happened.FAILED, 3.0, "bad", 1, EventDetails("no"))
    events.append([event("a", 1.0), event("b", 1.0), failed, event("a", 4.0)])

    def seen(before: int, limit: int, happened: Happened | None = None) -> list[int]:
        wanted = EventFilter(happened)
        return [row.cursor for row in events.before("a", before, limit, wanted).rows]

    assert seen(2**63 - 1, 10) == [4, 3, 1]
    assert seen(4, 1) == [3]
    assert seen(2**63 - 1, 10, Happened.FAILED) == [3]
    assert events.before("nobody", 2**63 - 1, 10) == ([], None)
    with daemon.read() as connection:
        steps = connection.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM event WHERE job = 'a' AND cursor < 9 "
            "ORDER BY cursor DESC"
        ).fetchall()
    assert "event_job" in str(steps) and "TEMP B-TREE" not in str(steps)


def test_a_search_looks_at_so_many_rows_at_a_time(
    daemon: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_events, "LOOKED_THROUGH", 3)
    events = Events(daemon)
    events.append(
        [event("a", float(at), f"d/{at}.{'mov' if at % 4 else 'txt'}") for at in range(8)]
    )

    def found(wanted: EventFilter, before: int = 99) -> tuple[list[str], int | None]:
        page = events.before("a", before, 10, wanted)
        return [row.event.path for row in page.rows], page.next

    text = EventFilter(pattern=PathPattern("*.txt"))
    assert [found(text), found(text, 6), found(text, 3)] == [
        ([], 6), (["d/4.txt"], 3), (["d/0.txt"], None),
    ]  # fmt: skip
    assert found(EventFilter(start=2.0, end=4.0)) == (["d/3.mov", "d/2.mov"], None)
    assert found(EventFilter(Happened.DELETED)) == ([], None)


def test_what_another_version_wrote_of_an_event_is_left_out(daemon: Database) -> None:
    with daemon.transaction() as connection:
        connection.execute(
            "INSERT INTO event (job, happened, time, path, size, details) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            ("j", "failed", 1.0, "a", 1, '{"message": "m", "of tomorrow": [1], "lost": null}'),
        )
    [row] = Events(daemon).last(1)
    assert row.event.details == EventDetails("m")
