"""A workspace with quotas: what flows, plain uploads and restores may bring, and what is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.catalogue.quota_ledger import QuotaNews
from cargo_sync.lanes.ports import Sink
from cargo_sync.lanes.waiting import commit
from cargo_sync.local.staging import Staging
from cargo_sync.machines.quota import Quota, QuotaLevel, Use
from cargo_sync.model.displaced import Restored, TrashFilter
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.server.house import NOW, tokens, tracked
from tests.server.surroundings import Clock
from tests.server.workspace.folder.test_workspace import offer

EVERY = TrashFilter()
ANA = ChangeCause("ana")


class Store:
    """A workspace of ana and ben, over a real folder."""

    def __init__(self, place: Path, workspace: FolderWorkspace) -> None:
        self.place = place
        self.workspace = workspace
        self.told: list[QuotaNews] = []

    def allow(self, bytes: int | None = None, files: int | None = None) -> None:
        """Gives ana a quota; ben has none."""
        self.workspace.quotas.allow({"ana": Quota(bytes, files)}, self.told.append)

    def sink(self, user: str = "ana") -> Sink:
        return self.workspace.sink("run", cause=ChangeCause(user))

    def bring(self, user: str = "ana", /, **files: int) -> str:
        """A batch of one flow: the code of each file's receipt."""
        return self.end(self.begin(user, **files), **files)

    def begin(self, user: str = "ana", /, **files: int) -> Sink:
        sink = self.sink(user)
        self.wants = [want.code for want in sink.begin(1, self.offers(**files))]
        return sink

    def offers(self, **files: int) -> list[Offer]:
        held = self.workspace.entries(list(files))
        return [
            offer(path, bytes(size), expected=one.entry.version if one else 0)
            for (path, size), one in zip(files.items(), held, strict=True)
        ]

    def end(self, sink: Sink, **files: int) -> str:
        for index, size in enumerate(files.values()):
            if self.wants[index] == "all":
                sink.whole(1, index, memoryview(bytes(size)))
        return " ".join(receipt.code for receipt in commit(sink, 1))

    def put(self, path: str, size: int, user: str = "ana") -> str:
        """A plain upload: done, or the code of its problem."""

        def admit(_: Catalogued | None) -> None: ...

        try:
            upload = self.workspace.stage(
                path, size, int(NOW * 1e9), admit, "http", ChangeCause(user)
            )
            try:
                upload.write(bytes(size))
                upload.publish()
            finally:
                upload.drop()
        except ProblemError as error:
            return error.problem.code
        return "done"

    def used(self) -> Use:
        folder = self.workspace._folder
        return folder.catalogue.use(folder.id)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        folder = tracked(tmp_path / "files", database, Clock(NOW))
        workspace = FolderWorkspace(folder, tokens())
        yield Store(tmp_path / "files", workspace)
        workspace.close()


def test_a_file_that_is_too_much_fails_alone(store: Store) -> None:
    store.allow(bytes=100, files=4)
    assert store.bring(a=60, b=50, c=40) == "done over_quota done"
    assert store.wants == ["all", "over_quota", "all"]
    assert store.bring(d=0, e=0) == "done done"
    assert store.bring(f=0) == "over_quota"
    assert store.used() == Use(100, 4)


def test_who_has_no_quota_may_bring_more(store: Store) -> None:
    store.allow(bytes=10)
    assert store.bring("ben", a=50) == "done"
    assert store.bring("ana", b=1) == "over_quota"


def test_a_replaced_file_counts_by_its_difference(store: Store) -> None:
    store.allow(bytes=100)
    assert store.bring(a=90) == "done"
    assert store.bring(a=100) == "done"
    assert store.bring(a=101) == "over_quota"
    assert store.bring(a=20, b=30) == "done over_quota", "what shrinks gives room when it is there"
    assert store.bring(b=80) == "done"
    assert store.put("a", 21) == "over_quota"
    assert store.put("a", 20) == "done"


def test_less_than_what_is_there_refuses_only_what_grows(store: Store) -> None:
    assert store.bring(a=90, b=10) == "done done"
    store.allow(bytes=50, files=1)
    assert store.bring(a=80) == "done"
    assert store.bring(a=81) == "over_quota"
    assert store.bring(c=0) == "over_quota"
    store.allow(bytes=100)
    assert store.bring(c=10) == "done", "it is raised at once"


def test_two_flows_at_once_never_get_the_same_room(store: Store) -> None:
    store.allow(bytes=100)
    one = store.begin(a=60)
    assert store.put("p", 50) == "over_quota"
    other = store.begin(b=50)
    assert store.wants == ["over_quota"]
    assert store.end(other, b=50) == "over_quota"
    store.wants = ["all"]
    assert store.end(one, a=60) == "done"
    assert store.bring(b=41) == "over_quota"
    assert store.bring(b=40) == "done", "what has come is not counted twice"


def test_what_does_not_come_gives_its_room_back(store: Store) -> None:
    store.allow(bytes=100)
    store.begin(a=100).close()
    sink = store.begin(a=100)
    sink.whole(1, 0, memoryview(b"other content"))  # not what was offered
    assert [receipt.code for receipt in commit(sink, 1)] == ["protocol"]

    def refuse(_: Catalogued | None) -> None:
        raise ProblemError(store.workspace.quotas.refusal("a", "ana", Use(1, 0)))

    with pytest.raises(ProblemError):
        store.workspace.stage("a", 100, 0, refuse, "http", ANA)
    store.workspace.stage("a", 100, 0, lambda _: None, "http", ANA).drop()
    assert store.bring(a=100) == "done"


def test_a_batch_that_cannot_begin_gives_its_room_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.allow(bytes=100)

    def gone(_: Staging) -> None:
        raise ProblemError(Problem(Code.ROOT_GONE, "it is gone"))

    with monkeypatch.context() as patched:
        patched.setattr(Staging, "check", gone)
        with pytest.raises(ProblemError):
            store.begin(a=100)
    assert store.bring(a=100) == "done"


def test_what_another_program_writes_counts_and_is_never_refused(store: Store) -> None:
    store.allow(bytes=100)
    (store.place / "others").write_bytes(bytes(500))
    store.workspace.compare("", lambda path, entry: True)
    assert store.used() == Use(500, 1)
    assert store.bring(a=1) == "over_quota"
    (store.place / "others").unlink()
    store.workspace.compare("", lambda path, entry: True)
    assert store.bring(a=1) == "done"


def test_a_plain_upload_is_measured_again_when_it_is_published(store: Store) -> None:
    assert store.bring(a=90) == "done"
    store.allow(bytes=100)
    upload = store.workspace.stage("a", 100, 0, lambda _: None, "http", ANA)
    upload.write(bytes(100))
    (store.place / "a").write_bytes(b"")
    (store.place / "b").write_bytes(bytes(90))
    store.workspace.compare("", lambda path, entry: True)
    with pytest.raises(ProblemError) as caught:
        upload.publish()
    upload.drop()
    assert caught.value.problem.code == "over_quota"
    assert (store.place / "a").read_bytes() == b""


def test_a_restore_must_fit_too_but_not_that_of_the_person_who_runs_the_server(
    store: Store,
) -> None:
    assert store.bring(a=60) == "done"
    assert store.bring(a=10) == "done"
    [old] = [row.id for row in store.workspace.trash(EVERY, None, 10).rows]
    store.allow(bytes=50)
    [refused] = store.workspace.restore([old], "", "restore", cause=ANA)
    assert not isinstance(refused, Restored)
    assert refused.code == "over_quota"
    store.allow(bytes=60)
    [done] = store.workspace.restore([old], "", "restore", cause=ANA)
    assert isinstance(done, Restored)
    [smaller] = [row.id for row in store.workspace.trash(EVERY, None, 10).rows]
    store.allow(bytes=1)
    assert isinstance(store.workspace.restore([smaller], "", "restore", cause=ANA)[0], Restored)
    [large] = [row.id for row in store.workspace.trash(EVERY, None, 10).rows]
    assert isinstance(store.workspace.restore([large], "", "restore")[0], Restored)


def test_each_rise_is_told_once(store: Store) -> None:
    store.allow(bytes=100)
    store.bring(a=89)
    assert store.told == []
    store.bring(b=1)
    store.bring(b=2)
    assert [(one.user, one.level, one.used) for one in store.told] == [
        ("ana", QuotaLevel.NEAR, Use(90, 2))
    ]
    store.bring(c=50)
    store.bring(d=50)
    assert [one.level for one in store.told] == [QuotaLevel.NEAR, QuotaLevel.REACHED]
    store.allow(bytes=1_000)
    store.allow(bytes=92)
    assert [one.level for one in store.told[2:]] == [QuotaLevel.NEAR]


def test_what_is_true_when_a_server_starts_is_not_told(store: Store) -> None:
    store.bring(a=95)
    store.allow(bytes=100)
    assert store.told == []
    store.bring(b=5)
    assert [one.level for one in store.told] == [QuotaLevel.REACHED]


def test_a_named_workspace_has_one_quota_for_all(store: Store) -> None:
    store.workspace.quotas.allow({}, store.told.append, "music", Quota(bytes=100))
    assert store.bring("ana", a=60) == "done"
    assert store.bring("ben", b=60) == "over_quota"
    assert [(one.user, one.workspace) for one in store.told] == [("", "music")]
    refusal = store.workspace.quotas.refusal("b", "ben", Use(20, 0))
    assert refusal.message == """'b' would be more than the quota of "music" allows"""
    store.allow(files=1)
    refusal = store.workspace.quotas.refusal("b", "ana", Use(0, 1))
    assert refusal.message == "'b' would be 1 file over your quota of 1 file"
