"""What is kept of conflicts."""

from collections.abc import Callable

import pytest

from cargo_sync.model.agreed import agree
from cargo_sync.model.conflicts import Choice, ConflictPolicy, Evidence
from cargo_sync.model.entries import FILE, Entry, encode
from cargo_sync.model.events import Event, Happened
from cargo_sync.state.conflicts import ConflictDecision, Conflicts, JobConflicts, SeenConflict
from cargo_sync.state.database import Database
from cargo_sync.state.events import Events
from cargo_sync.state.folders import Folders, FolderState
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.observations import Observed

NEAR = Entry("a", FILE, 5, 10, 0o644, 1, 2, "aa" * 32)
FAR = Entry("a", FILE, 6, 11, 0o644, 3, 4)
BASE = agree(NEAR, FAR, "bb" * 32)
EVIDENCE = Evidence(BASE, NEAR, FAR)
OTHER = Evidence(None, NEAR, FAR._replace(version=9))
ASK, KEEP = ConflictPolicy.ASK, ConflictPolicy.KEEP_BOTH


def told(path: str) -> Event:
    return Event("docs", Happened.CONFLICT, 1.0, path)


def asks(seen: SeenConflict) -> ConflictDecision:
    return ConflictDecision(None, event=told(seen.path))


def keeps(seen: SeenConflict) -> ConflictDecision:
    return ConflictDecision(Choice.KEEP_BOTH, f"{seen.path} copy")


def never(seen: SeenConflict) -> ConflictDecision:
    raise AssertionError(f"{seen} is decided already")


class Desk:
    def __init__(self, database: Database) -> None:
        self.all = Conflicts(database)
        self.rows = JobRows(database)
        self.events = Events(database)
        self.job = JobConflicts(database, self.rows.get_or_create("docs").id)

    def note(
        self,
        decide: Callable[[SeenConflict], ConflictDecision],
        policy: ConflictPolicy = ASK,
        evidence: Evidence = EVIDENCE,
        path: str = "x/a",
    ) -> int:
        noted = self.job.note([SeenConflict(path, evidence)], "run", policy, decide, 100.0)
        return noted.conflicts[0].id

    def told(self) -> list[str]:
        return [row.event.path for row in self.events.since(0, 100)]


@pytest.fixture
def desk(daemon: Database) -> Desk:
    return Desk(daemon)


def test_a_conflict_is_kept_as_it_was_seen_and_told_once(desk: Desk) -> None:
    id = desk.note(asks)
    found = desk.all.get(id)
    assert found is not None
    assert (found.job, found.path, found.evidence) == ("docs", "x/a", EVIDENCE)
    assert (found.policy, found.open, found.choice, found.copy) == (ASK, True, None, "")
    assert (found.run, found.time, found.person) == ("run", 100.0, False)
    assert desk.note(never) == id
    assert desk.told() == ["x/a"]


def test_a_persons_choice_holds_for_what_the_person_saw(desk: Desk) -> None:
    id = desk.note(asks)
    assert not desk.all.choose(id, OTHER, Choice.LOCAL)
    assert desk.all.choose(id, EVIDENCE, Choice.LOCAL)
    assert desk.note(never, KEEP) == id  # also after the job's policy changed
    found = desk.all.get(id)
    assert found and (found.choice, found.person) == (Choice.LOCAL, True)
    assert desk.note(asks, evidence=OTHER) == id
    found = desk.all.get(id)
    assert found and (found.choice, found.person, found.evidence) == (None, False, OTHER)
    assert desk.told() == ["x/a", "x/a"]  # the person must know that it was not carried out


def test_a_new_policy_decides_what_nobody_has_decided(desk: Desk) -> None:
    id = desk.note(asks)
    assert desk.note(keeps, KEEP) == id
    found = desk.all.get(id)
    assert found and (found.policy, found.choice, found.copy) == (KEEP, "keep_both", "x/a copy")
    assert desk.note(never, KEEP) == id


def test_a_conflict_ends_once_and_its_path_may_have_another_one(desk: Desk) -> None:
    id = desk.note(keeps, KEEP)
    desk.job.resolved([(id, "x/a copy 2")], 7.0)
    desk.job.resolved([(id, "something else")], 8.0)
    found = desk.all.get(id)
    assert found and (found.open, found.copy) == (False, "x/a copy 2")
    assert not desk.all.choose(id, EVIDENCE, Choice.REMOTE)
    assert desk.note(asks) > id
    assert desk.all.counts() == (1, 1)


def test_what_is_no_conflict_any_more_is_closed(desk: Desk) -> None:
    gone, still = desk.note(asks, path="gone"), desk.note(asks, path="still")
    desk.job.close_others({still}, 5.0)
    assert [one.id for one in desk.all.page(None, open=True, after=0, limit=9)] == [still]
    assert [one.id for one in desk.all.page(None, open=False, after=0, limit=9)] == [gone]
    assert desk.job.count() == 1


def test_a_listing_is_read_once_for_all_conflicts_in_it(
    desk: Desk, daemon: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number:03}" for number in range(200)]
    ids = {desk.note(asks, path=f"d/{name}") for name in names}
    folders, row = Folders(daemon, desk.rows.get_or_create("docs").id), FAR
    listing = encode(tuple(row._replace(name=name) for name in names))
    folders.observe_near([Observed("d", listing, len(names))])
    folders.observe_far_whole([Observed("d", listing, len(names))])
    one = row._replace(name="007")
    folders.agree([("d/007", agree(one, one))])
    read: list[str] = []
    part = Folders.part

    def counted(self: Folders, folder: str, name: str) -> FolderState | None:
        read.append(folder)
        return part(self, folder, name)

    monkeypatch.setattr(Folders, "part", counted)
    desk.job.close_others(set(), 5.0)
    assert read == ["d"]
    assert desk.job.count() == len(ids) - 1


def test_pages_of_one_job_or_all(desk: Desk, daemon: Database) -> None:
    other = JobConflicts(daemon, desk.rows.get_or_create("music").id)
    ids = [desk.note(asks, path=f"{number}") for number in range(3)]
    other.note([SeenConflict("song", EVIDENCE)], "run", ASK, asks, 1.0)
    page = desk.all.page("docs", open=None, after=ids[0], limit=1)
    assert [one.path for one in page] == ["1"]
    assert [one.job for one in desk.all.page(None, open=None, after=ids[2], limit=9)] == ["music"]
    assert desk.all.counts("docs") == (3, 0)
    desk.rows.remove("music")
    assert len(desk.all.page(None, open=None, after=0, limit=9)) == 3
    assert desk.all.counts() == (3, 0)


def test_old_ones_go_and_open_ones_stay(desk: Desk) -> None:
    first, second = desk.note(asks, path="1"), desk.note(asks, path="2")
    desk.note(asks, path="3")
    desk.job.resolved([(first, "")], 10.0)
    desk.job.resolved([(second, "")], 20.0)
    assert [desk.all.purge(20.0, 1), desk.all.purge(20.0, 1)] == [1, 0]
    assert [one.path for one in desk.all.page(None, open=None, after=0, limit=9)] == ["2", "3"]


def test_what_is_stored_is_stored_together_with_its_event(desk: Desk) -> None:
    def fails(seen: SeenConflict) -> ConflictDecision:
        if seen.path == "2":
            raise ValueError
        return asks(seen)

    seen = [SeenConflict(path, EVIDENCE) for path in ("1", "2")]
    with pytest.raises(ValueError):
        desk.job.note(seen, "run", ASK, fails, 1.0)
    assert desk.all.counts() == (0, 0)
    assert desk.told() == []
