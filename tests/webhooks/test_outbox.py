"""Callbacks that wait: made of events once, in order of their stream, due one after the other."""

import sqlite3
from pathlib import Path

from cargo_sync.model.events import Event, Happened
from cargo_sync.state.database import Database
from cargo_sync.state.events import Events
from cargo_sync.state.sqlite import migrations
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.webhooks.outbox import GivenUp, New, Outbox, Retry


def new(name: str, job: str = "j", moment: str = "onFinish", created: float = 1.0) -> New:
    """`name` is the stream and a number: "x1"."""
    return New(f"msg_{name}", job, moment, name[0], {"FILE_NAME": name}, created, created)


def due(rows: Outbox, now: float = 100.0, job: str = "j", limit: int = 100) -> list[str]:
    return [row.id.removeprefix("msg_") for row in rows.due(job, "onFinish", now, limit)]


def numbers(rows: Outbox) -> dict[str, int]:
    return {row.id.removeprefix("msg_"): row.number for row in rows.page(None, None, 0, 1000)}


def states(rows: Outbox) -> list[str]:
    return [
        f"{row.id[len('msg_') :]} {row.state} {row.attempts} {row.next_at} {row.error}".strip()
        for row in rows.page(None, None, 0, 1000)
    ]


def told(path: str, tell: str = "upload") -> Event:
    return Event("j", Happened.UPLOADED, 1.0, path, tell=tell)


def test_events_that_ask_are_read_once(daemon: Database) -> None:
    events, rows = Events(daemon), Outbox(daemon)
    events.append([told("a"), told("quiet", ""), told("b"), told("c")])
    first = rows.unread(2)
    assert [(row.cursor, row.event.path) for row in first] == [(1, "a"), (3, "b")]
    assert rows.unread(2) == first, "until they are rows"
    assert rows.waits("j", ["x", "y"]) == {"x", "y"}
    rows.add([new("x1")], 3)
    assert [row.event.path for row in rows.unread(9)] == ["c"]
    rows.add([], 4)
    assert (rows.unread(9), rows.waits("j", ["x", "y"])) == ([], {"x"})


def test_only_the_first_of_a_stream_is_due(daemon: Database) -> None:
    rows = Outbox(daemon)
    rows.add([new("x1"), new("y1"), new("x2", created=2.0)], 1)
    rows.add([new("x3"), new("z1", created=50.0)], 2)
    assert (due(rows), due(rows, now=49.0), due(rows, limit=1)) == (
        ["x1", "y1", "z1"],
        ["x1", "y1"],
        ["x1"],
    )
    number = numbers(rows)
    rows.settle(
        [number["x1"]], [Retry(number["y1"], 70.0, "busy")], [GivenUp(number["z1"], "gone")], 60.0
    )
    assert states(rows) == [
        "y1 pending 1 70.0 busy", "x2 pending 0 60.0", "x3 pending 0 None", "z1 dead 1 None gone",
    ]  # fmt: skip
    rows.settle([], [], [GivenUp(number["x2"], "gone")], 61.0)
    assert due(rows) == ["x3", "y1"], "what is given up lets the next one go"


def test_groups_say_when_their_first_is_due(daemon: Database) -> None:
    rows = Outbox(daemon)
    assert rows.groups() == []
    rows.add(
        [
            new("x1", "b", created=5.0),
            new("y1", "b", created=4.0),
            new("z1", "a"),
            new("w1", "b", "onError"),
            new("x2", "b", "onStart"),
        ],
        1,
    )
    assert rows.groups() == [("a", "onFinish", 1.0), ("b", "onError", 1.0), ("b", "onFinish", 4.0)]
    number = numbers(rows)
    rows.settle([], [], [GivenUp(number["z1"], "")], 9.0)
    rows.settle([number["x1"]], [], [], 9.0)
    assert rows.groups() == [("b", "onError", 1.0), ("b", "onFinish", 4.0), ("b", "onStart", 9.0)]


def test_a_group_is_buried_whole_or_what_is_too_old_of_it(daemon: Database) -> None:
    rows = Outbox(daemon)
    rows.add(
        [new("x1"), new("x2", moment="onError"), new("y1", created=20.0), new("z1", "other")], 1
    )
    assert rows.bury("j", "onFinish", "old", 30.0, before=10.0) == 1
    assert [state.split()[:2] for state in states(rows)] == [
        ["x1", "dead"], ["x2", "pending"], ["y1", "pending"], ["z1", "pending"],
    ]  # fmt: skip
    assert [row.id for row in rows.due("j", "onError", 30.0, 9)] == ["msg_x2"]
    assert rows.bury("j", "onFinish", "gone", 31.0) == 1
    assert rows.count(None) == {"pending": 2, "dead": 2}
    assert rows.count("other") == {"pending": 1, "dead": 0}


def test_a_person_tries_again(daemon: Database) -> None:
    rows = Outbox(daemon)
    rows.add([new("x1"), new("x2"), new("y1"), new("z1", "other")], 1)
    number = numbers(rows)
    rows.settle([], [Retry(number["y1"], 9999.0, "busy")], [GivenUp(number["x1"], "gone")], 10.0)
    assert due(rows) == ["x2"]
    assert rows.retry(50.0, id="msg_x1") == 1
    assert due(rows) == ["x1"], "in its old place, before what came after it"
    [first] = rows.due("j", "onFinish", 50.0, 1)
    assert (first.since, first.created, first.attempts, first.error) == (50.0, 1.0, 0, "gone")
    rows.settle([], [Retry(number["x2"], 60.0, "was in flight")], [], 51.0)
    assert due(rows) == ["x1"]
    assert rows.retry(52.0, job="j") == 3
    assert due(rows) == ["x1", "y1"]
    assert (rows.retry(53.0, id="msg_?"), rows.retry(53.0)) == (0, 4)


def test_pages(daemon: Database) -> None:
    rows = Outbox(daemon)
    rows.add([new(f"{letter}1", "ab"[index % 2]) for index, letter in enumerate("pqrstu")], 1)
    number = numbers(rows)
    rows.settle([], [], [GivenUp(number["q1"], "gone")], 5.0)
    page = rows.page("b", None, 0, 2)
    assert [row.id for row in page] == ["msg_q1", "msg_s1"]
    assert [row.id for row in rows.page("b", None, page[-1].number, 2)] == ["msg_u1"]
    assert [row.id for row in rows.page(None, "dead", 0, 9)] == ["msg_q1"]


def test_the_dead_are_kept_for_a_while_and_a_clock_set_back_holds_up_nothing(
    daemon: Database,
) -> None:
    rows = Outbox(daemon)
    rows.add([new("x1"), new("y1"), new("z1", created=1e9)], 1)
    number = numbers(rows)
    rows.settle([], [], [GivenUp(number["x1"], "")], 5.0)
    rows.settle([], [], [GivenUp(number["y1"], "")], 7.0)
    assert (rows.purge(6.0, 8.0), rows.count(None)) == (1, {"pending": 1, "dead": 1})
    assert due(rows) == ["z1"]
    rows.settle([], [], [GivenUp(number["z1"], "")], 7.0)
    assert [rows.purge(9.0, 8.0, most=1) for _ in range(3)] == [1, 1, 0]


def test_ten_thousand_that_wait_cost_a_few_steps(daemon: Database) -> None:
    rows = Outbox(daemon)
    rows.add([new(f"{chr(0x4E00 + number)}1", created=1e9) for number in range(10_000)], 1)
    rows.add([new("a1")], 2)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with daemon.read() as connection:
        assert isinstance(connection, sqlite3.Connection)
        connection.set_progress_handler(step, 1)
        assert len(rows.groups()) == 1
        [one] = rows.due("j", "onFinish", 100.0, 8)
        rows.settle([one.number], [], [], 100.0)
        connection.set_progress_handler(None, 0)
    assert steps < 1000


def test_a_state_from_before_callbacks_tells_nothing_of_the_past(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    first = migrations.scripts("daemon")[0]
    with sqlite3.connect(path) as old:
        old.executescript(first)
        old.execute("PRAGMA user_version = 1")
        old.execute(f"PRAGMA application_id = {0x43524744}")
        old.execute("INSERT INTO job (name) VALUES ('j')")
        old.execute("INSERT INTO transfer VALUES (1, 'big', '1/7', 'id')")
        for number in range(3):
            old.execute(
                "INSERT INTO event (job, happened, time, path, size, details) "
                "VALUES ('j', 'uploaded', 1, ?, 1, '{}')",
                (str(number),),
            )
    old.close()
    with SqliteDatabase.open(path, "daemon") as database:
        events, rows = Events(database), Outbox(database)
        assert [row.event.path for row in events.since(0, 9)] == ["0", "1", "2"]
        events.append([told("new")])
        assert [row.event.path for row in rows.unread(9)] == ["new"]
        with database.read() as connection:
            [(started, time)] = connection.execute("SELECT started, time FROM transfer").fetchall()
        assert started is None and time > 1.6e9, "what is under way is not forgotten at once"
