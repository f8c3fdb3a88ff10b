"""The small rooms: jobs, transfers, checkpoints, replies, accounts."""

from dataclasses import replace
from pathlib import Path

import pytest

from cargo_sync.config.grants import Grant
from cargo_sync.model.checkpoints import Checkpoint, Span
from cargo_sync.model.events import Event, EventDetails, Happened
from cargo_sync.model.jobs import LastRun
from cargo_sync.model.limits import Ordered
from cargo_sync.state import forgetting
from cargo_sync.state.accounts import Accounts
from cargo_sync.state.audit import AuditRow, AuditTable
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.database import Database
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import Binding, JobRows
from cargo_sync.state.limits import LimitRows
from cargo_sync.state.observations import Observed
from cargo_sync.state.replies import Replies
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.transfers import Transfers, TransferSource
from cargo_sync.state.users import UserRow, UserRows
from cargo_sync.state.workspaces import WorkspaceRow, WorkspaceRows
from tests.state.crash import crashes


def quiet(happened: Happened, path: str, size: int, details: EventDetails) -> Event:
    return Event("j", happened, 1.0, path, size, details)


BINDING = Binding("root-7", "https://host/v1 ana default photos", "epoch-1")


def test_a_job_is_remembered_over_restarts(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    with SqliteDatabase.open(path, "daemon") as database:
        jobs = JobRows(database)
        first = jobs.get_or_create('night\'s "run"')
        assert (first.paused, first.binding, first.far_cursor, first.last_run) == (
            False,
            None,
            0,
            None,
        )
        jobs.set_paused(first.name, True)
        jobs.bind(first.name, BINDING)
        jobs.set_far_cursor(first.name, 41)
        jobs.set_rules(first.name, "digest")
        jobs.set_last_run(first.name, LastRun("r", files=3, problem="ü"))
    with SqliteDatabase.open(path, "daemon") as database:
        row = JobRows(database).get_or_create(first.name)
    assert (row.id, row.paused, row.binding, row.far_cursor) == (first.id, True, BINDING, 41)
    assert (row.rules, row.last_run) == ("digest", LastRun("r", files=3, problem="ü"))


def test_binding_anew_starts_the_mirror_over(daemon: Database) -> None:
    jobs = JobRows(daemon)
    jobs.get_or_create("j")
    jobs.set_far_cursor("j", 41)
    jobs.bind("j", BINDING)
    row = jobs.get("j")
    assert row and row.far_cursor == 0


def test_a_removed_job_takes_its_trees_along_and_its_number_is_not_used_again(
    daemon: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 1)
    jobs = JobRows(daemon)
    old, other = jobs.get_or_create("old"), jobs.get_or_create("other")
    for job in (old, other):
        Folders(daemon, job.id).observe_near([Observed("", b"[]", 0), Observed("a", b"[]", 0)])
        Transfers(daemon).begin(
            job.id, [TransferSource("big", 1, 1, 1, True)], lambda _: ["id"], 1.0, quiet
        )
    jobs.remove("old")
    with daemon.read() as connection:
        left = [
            connection.execute(f"SELECT job FROM {table}").fetchall()
            for table in ("folder", "transfer")
        ]
    assert left == [[(other.id,)] * 2, [(other.id,)]]
    assert [job.name for job in jobs.all()] == ["other"]
    jobs.remove("other")
    assert jobs.get_or_create("old").id > other.id


def test_a_kill_while_a_job_is_removed_leaves_all_of_it_or_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 1)

    def before(database: Database) -> None:
        job = JobRows(database).get_or_create("j")
        Folders(database, job.id).observe_near([Observed(path, b"[]", 0) for path in ("", "a")])

    seen = []
    for database in crashes(
        tmp_path, "daemon", before, lambda database: JobRows(database).remove("j")
    ):
        jobs = JobRows(database)
        job = jobs.get_or_create("j")
        seen.append((job.id, len(list(Folders(database, job.id).below("")))))
        jobs.miss(["j"], 5.0)
        while jobs.forget(2.0, 10):
            pass
        assert [row.id for row in jobs.all()] == [job.id]
    assert set(seen) == {(1, 2), (2, 0)}


def test_checkpoints_come_back_exactly(server: Database) -> None:
    times = iter((10.0, 20.0, 30.0, 25.0))
    checkpoints = Checkpoints(server, lambda: next(times))
    spans = (Span(0, 2**40, bytes(range(16))), Span(2**41, 2**62, b"\xff" * 16))
    first = Checkpoint("t1", 'a/"ü"', 2**62, 2**64 - 1, 2**63 - 1, -5, spans)
    second = Checkpoint("t2", first.path, first.version, 3, 4, 5)
    checkpoints.put(first)
    checkpoints.put(second)
    assert (checkpoints.get("t1"), checkpoints.get("t2"), checkpoints.get("t3")) == (
        first,
        second,
        None,
    )
    checkpoints.put(first)
    checkpoints.put(replace(second, transfer="t3"))
    assert [checkpoints.purge(27.0, most=1) for _ in range(3)] == [1, 1, 0]
    assert (checkpoints.get("t1"), checkpoints.get("t2")) == (first, None)
    checkpoints.drop("t1")
    assert checkpoints.get("t1") is None


def test_replies_are_kept_for_a_day(daemon: Database) -> None:
    times = iter((0.0, 50_000.0, 86_401.0))
    replies = Replies(daemon, lambda: next(times))
    replies.put("a", b"first")
    replies.put("b", b"second")
    assert (replies.get("a"), replies.get("b"), replies.get("c")) == (b"first", b"second", None)
    replies.purge()
    assert (replies.get("a"), replies.get("b")) == (None, b"second")


def test_the_audit_is_written_twice_and_kept_for_long(daemon: Database) -> None:
    now = 0.0
    audit = AuditTable(daemon, lambda: 7.0, lambda: now)
    numbers = [audit.begin(f"uid {number}", "job.pause", '{"job":"a"}') for number in range(3)]
    audit.end(numbers[0], "ok")
    audit.end(numbers[2], "unknown_job")
    assert audit.last(2) == audit.since(numbers[0], 9) == [
        AuditRow(numbers[1], 7.0, "uid 1", "job.pause", '{"job":"a"}', ""),
        AuditRow(numbers[2], 7.0, "uid 2", "job.pause", '{"job":"a"}', "unknown_job"),
    ]  # fmt: skip
    assert audit.since(0, 1)[0].outcome == "ok"
    now = 400 * 86_400.0
    audit.prune()
    assert len(audit.since(0, 9)) == 3
    now += 1
    last = audit.begin("uid 3", "reload", "{}")
    audit.prune()
    assert [row.number for row in audit.since(0, 9)] == [last]
    audit.begin("uid 3", "reload", "{}")
    audit.prune(most=1)
    assert [row.number for row in audit.since(0, 9)] == [last + 1]


def test_a_server_has_an_audit_too(server: Database) -> None:
    AuditTable(server, lambda: 5.0, lambda: 1.0).begin("uid 1", "user.add", "{}")
    assert AuditTable(server, lambda: 6.0, lambda: 1.0).last(1)[0].time == 5.0


def test_limits_by_order(daemon: Database) -> None:
    limits, jobs = LimitRows(daemon), JobRows(daemon)
    one, other = jobs.get_or_create("one").id, jobs.get_or_create("other").id
    limits.set(one, {"speed": Ordered(2**40, "[1]")})
    limits.set(one, {"speed": Ordered(None, "null")})
    limits.set(other, {"speed": Ordered(5, "7")})
    limits.set(None, {"bandwidth": Ordered(1, "2")})
    limits.set(None, {"bandwidth": Ordered(3, "4")})
    assert [limits.of(job) for job in (one, other, None)] == [
        {"speed": Ordered(None, "null")}, {"speed": Ordered(5, "7")},
        {"bandwidth": Ordered(3, "4")},
    ]  # fmt: skip
    jobs.remove("one")
    limits.set(other, {"speed": None})
    assert [limits.of(job) for job in (one, other)] == [{}, {}]
    assert limits.of(None) == {"bandwidth": Ordered(3, "4")}


def test_a_servers_limits_are_set_together(server: Database) -> None:
    limits = LimitRows(server)
    both = {"upload": Ordered(1, "2"), "download": Ordered(None, "null")}
    limits.set(None, both)
    assert limits.of(None) == both
    limits.set(None, {"upload": None, "download": Ordered(3, "null")})
    assert limits.of(None) == {"download": Ordered(3, "null")}


def test_accounts(server: Database) -> None:
    accounts = Accounts(server)
    accounts.set("ana", "$argon2id$1")
    accounts.set("ana", "$argon2id$2")
    accounts.set("o'brien", "$argon2id$3")
    assert [accounts.get(name) for name in ("ana", "o'brien", "Ana")] == [
        "$argon2id$2",
        "$argon2id$3",
        None,
    ]
    accounts.remove("ana")
    assert accounts.get("ana") is None


def test_users_made_by_command_and_their_passwords(server: Database) -> None:
    users, accounts = UserRows(server), Accounts(server)
    ben = UserRow("ben", "/srv/ben", 1, None, 3, None, False)
    users.add(ben, "hash")
    users.put(UserRow("ana", None, download_speed=2))
    assert users.all() == {"ana": UserRow("ana", None, None, 2), "ben": ben}
    assert accounts.get("ben") == "hash"
    users.remove("ben")
    assert (list(users.all()), accounts.get("ben")) == (["ana"], None)


def test_workspaces_made_by_command_and_grants_of_any(server: Database) -> None:
    spaces, users = WorkspaceRows(server), UserRows(server)
    spaces.add(WorkspaceRow("own", "/srv/own", {"ana": Grant("rw")}))
    spaces.grant("of the file", "ana", Grant("ro"))
    spaces.grant("own", "ben", Grant("wo", "in/ben"))
    assert spaces.all() == {
        "of the file": WorkspaceRow("of the file", None, {"ana": Grant("ro")}),
        "own": WorkspaceRow("own", "/srv/own", {"ana": Grant("rw"), "ben": Grant("wo", "in/ben")}),
    }
    spaces.revoke("own", "ben")
    users.remove("ana")
    assert spaces.all() == {"own": WorkspaceRow("own", "/srv/own", {})}
    spaces.grant("own", "eva", Grant("rw"))
    spaces.remove("own")
    assert spaces.all() == {}
