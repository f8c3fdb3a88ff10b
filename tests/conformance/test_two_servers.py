"""Two servers on one PostgreSQL: each with its own connections, spool and objects.

The first one stops before its commit until the database says that the second one waits. So every
case runs in the order that its name says, however slow the machine is.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cargo_sync.catalogue.contract import Gone, Put
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.machines.quota import Quota
from cargo_sync.model.displaced import Restored
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.history import HistoryKind
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.workspace.operations import Delete, Exchange, Meta, Mkdir, Move
from cargo_sync.server.workspace.refusals import changed
from cargo_sync.state.history import EVERYTHING, HistoryFilter, HistoryRows
from cargo_sync.state.postgres.database import PostgresDatabase
from tests.conformance.workspaces import ANA, MTIME, Scene, content_workspace, offer, spooled
from tests.postgres.running import RunningPostgres
from tests.postgres.waiting import comes_true, is_waiting
from tests.server.house import NOW, Heard
from tests.server.surroundings import Clock


class Gate:
    """A fault hook: the thread that is told to stop does so before its next commit."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, sql: str) -> None:
        if sql == "COMMIT" and threading.current_thread() is self.thread:
            self.reached.set()
            assert self.open.wait(60)


class Two:
    """Both servers' databases; the first one has a gate."""

    def __init__(self, address: str, place: Path, last: ExitStack) -> None:
        self.address, self.gate = address, Gate()
        self.databases = [
            last.enter_context(PostgresDatabase.open(address, str(place / name), fault))
            for name, fault in (("a", self.gate), ("b", None))
        ]

    @contextmanager
    def stopped(self, work: Callable[[], object]) -> Iterator[None]:
        """The first server does it, and stops before it commits, until the block ends."""
        self.gate = gate = Gate()
        self.databases[0]._fault = gate
        gate.thread = threading.Thread(target=work)
        gate.thread.start()
        try:
            assert gate.reached.wait(60)
            yield
        finally:
            gate.open.set()
            gate.thread.join()

    def one_after_the_other(
        self, first: Callable[[], str], second: Callable[[], str]
    ) -> tuple[str, str]:
        """What both say; the second one waits for the first one's commit."""
        said = ["", ""]

        def does(number: int, work: Callable[[], str]) -> None:
            said[number] = work()

        waits = threading.Thread(target=does, args=(1, second))
        with self.stopped(lambda: does(0, first)):
            waits.start()
            comes_true(lambda: is_waiting(self.address))
        waits.join()
        return said[0], said[1]


@pytest.fixture(scope="module")
def two(postgres: RunningPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with ExitStack() as last:
        address = last.enter_context(postgres.fresh())
        yield Two(address, tmp_path_factory.mktemp("two"), last)


@pytest.fixture
def root(request: pytest.FixtureRequest) -> str:
    """A workspace of each test's own."""
    return f"files of {request.node.name}"


@pytest.fixture
def scenes(two: Two, root: str, tmp_path: Path) -> Iterator[list[Scene]]:
    """One workspace at both: `f` and `d/x` are there."""
    with ExitStack() as last:
        made = []
        for name, database in zip("ab", two.databases, strict=True):
            clock, heard = Clock(NOW), Heard()
            store = spooled(tmp_path / f"spool {name}", database, clock, MemoryCheckpoints())
            last.callback(store.spool.blobs.close)
            workspace = content_workspace(root, database, store, clock, heard)
            made.append(Scene(workspace, database, clock, heard))
        made[0].put("f")
        made[0].put("d/x")
        yield made


def put(path: str, expected: int, content: bytes = b"new") -> Callable[[Scene], str]:
    def does(scene: Scene) -> str:
        sink = scene.workspace.sink("run")
        [_], [receipt] = scene.bring((offer(path, content, expected), content), sink=sink)
        return receipt.code

    return does


def upload(path: str, expected: int) -> Callable[[Scene], str]:
    def admit(held: Any) -> None:
        if (held.entry.version if held else 0) != expected:
            raise changed("f")

    def does(scene: Scene) -> str:
        upload = scene.workspace.stage(path, 3, MTIME, admit, "http")
        try:
            upload.write(b"new")
            upload.publish()
        except ProblemError as error:
            return str(error.problem.code_text)
        finally:
            upload.drop()
        return "done"

    return does


def act(*operations: Any) -> Callable[[Scene], str]:
    def does(scene: Scene) -> str:
        found = scene.change(*operations)
        return " ".join(one if isinstance(one, str) else "done" for one in found)

    return does


F, D, X = 1, 2, 3  # the versions of what is there


@pytest.mark.parametrize(
    ("first", "second", "said", "there"),
    [
        (put("f", F), put("f", F), "changed", "d:d2 d/x:f3 f:f4"),
        (put("new", 0), put("new", 0), "changed", "d:d2 d/x:f3 f:f1 new:f4"),
        (put("new", 0), put("other", 0), "done", "d:d2 d/x:f3 f:f1 new:f4 other:f5"),
        (put("f", F), upload("f", F), "changed", "d:d2 d/x:f3 f:f4"),
        (upload("f", F), put("f", F), "changed", "d:d2 d/x:f3 f:f4"),
        (put("f", F), act(Delete("f", F, None)), "changed", "d:d2 d/x:f3 f:f4"),
        (act(Delete("f", F, None)), put("f", F), "changed", "d:d2 d/x:f3"),
        (put("d/y", 0), act(Delete("d", D, X)), "changed", "d:d2 d/x:f3 d/y:f4 f:f1"),
        (act(Delete("d", D, X)), put("d/y", 0), "done", "d:d6 d/y:f7 f:f1"),
        (act(Move("f", "g", F)), put("f", F), "changed", "d:d2 d/x:f3 g:f1"),
        (put("g", 0), act(Move("f", "g", F)), "occupied", "d:d2 d/x:f3 f:f1 g:f4"),
        (act(Move("d", "e", D)), put("d/x", X), "changed", "e:d2 e/x:f3 f:f1"),
        (act(Exchange("f", "d/x", F, X)), act(Meta("f", F, 0o600, 7)), "changed",
         "d:d2 d/x:f1 f:f3"),
        (act(Mkdir("n", None, 0), Delete("f", F, None)),
         act(Mkdir("n", None, 0), Meta("f", F, 0, 1)),
         "done changed", "d:d2 d/x:f3 n:d4"),
    ],
)  # fmt: skip
def test_what_one_server_has_done_the_other_one_sees_before_it_decides(
    two: Two,
    scenes: list[Scene],
    first: Callable[[Scene], str],
    second: Callable[[Scene], str],
    said: str,
    there: str,
) -> None:
    one, other = scenes
    done, answer = two.one_after_the_other(lambda: first(one), lambda: second(other))
    assert (set(done.split()), answer) == ({"done"}, said)
    assert one.there() == other.there() == there


def brings(path: str) -> Callable[[Scene], str]:
    """Six bytes by a flow."""

    def does(scene: Scene) -> str:
        return scene.bring((offer(path, b"123456"), b"123456"))[1][0].code

    return does


def uploads(path: str) -> Callable[[Scene], str]:
    """Six bytes over HTTP."""

    def does(scene: Scene) -> str:
        try:
            scene.upload(path, b"123456")
        except ProblemError as error:
            return str(error.problem.code_text)
        return "done"

    return does


def restores(scene: Scene) -> str:
    """Six bytes from the trash."""
    [newest] = [row.id for row in scene.kept() if row.version.path == "old"]
    [found] = scene.workspace.restore([newest], "", "run", cause=ANA)
    return "done" if isinstance(found, Restored) else str(found.code_text)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (brings("a"), brings("b")),
        (brings("a"), uploads("b")),
        (uploads("a"), brings("b")),
        (restores, brings("b")),
        (brings("a"), restores),
    ],
)
def test_a_quota_holds_at_two_servers(
    two: Two, scenes: list[Scene], first: Callable[[Scene], str], second: Callable[[Scene], str]
) -> None:
    scenes[0].put("old", b"123456")
    scenes[0].change(Delete("old", scenes[0].version("old"), None))
    for scene in scenes:
        scene.workspace.quotas.allow({"ana": Quota(10)}, lambda news: None)
    said = two.one_after_the_other(lambda: first(scenes[0]), lambda: second(scenes[1]))
    assert said == ("done", "over_quota")
    assert scenes[1].workspace.catalogue.use(scenes[1].workspace.id).bytes == 8


def test_no_update_is_lost(two: Two, scenes: list[Scene]) -> None:
    """Four writers at two servers add to one file: each time the version they have seen."""
    before = scenes[0].version("f")

    def writes(scene: Scene, name: str) -> None:
        for number in range(5):
            content = f"{name} {number}".encode()
            while put("f", scene.version("f"), content)(scene) != "done":
                pass

    writers = [
        threading.Thread(target=writes, args=(scene, f"{at} {number}"))
        for at, scene in enumerate(scenes)
        for number in range(2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    history = HistoryRows(two.databases[0], lambda: 0.0, lambda: 0.0)
    wanted = HistoryFilter(kind=HistoryKind.UPLOADED, workspaces=[scenes[0].workspace.id])
    told = history.after(0, wanted, 100).rows
    versions = [row.version for row in told if row.path == "f"]
    assert versions[1:] == sorted(versions[1:]) and len(set(versions[1:])) == 20
    assert scenes[1].version("f") == versions[-1] == before + 22
    assert len(scenes[1].kept()) == 20  # each is what the next one replaced


def file(path: str) -> Put:
    return Put(path, Entry(path, FILE), 0, 0)


def test_a_commit_that_comes_late_hides_nothing(two: Two, root: str) -> None:
    """Numbers of changes in one workspace, and of the history of several."""
    rows = [HistoryRows(one, lambda: 1.0, lambda: 1.0) for one in two.databases]
    one, other = map(StoredCatalogue, two.databases, rows)
    files, more = (
        one.workspace(f"{root} {name}", lambda: "epoch").id for name in ("files", "more")
    )

    def seen(reader: StoredCatalogue, number: int) -> tuple[list[str], int]:
        page = reader.changes(files, number, "", 100)
        return [path for path, _ in page.rows], page.next

    for at, (workspace, paths) in enumerate([(files, ["a", "b"]), (more, ["c", "d"])]):
        waits = threading.Thread(target=other.record, args=(workspace, [file(paths[1])]))
        known, told = one.changes(files, 0, "", 100).sequence, rows[1].newest()
        with two.stopped(lambda: one.record(files, [file(paths[0])])):  # noqa: B023
            waits.start()
            comes_true(lambda: is_waiting(two.address))
            assert seen(other, known) == ([], known)
            assert rows[1].after(told, EVERYTHING, 100)[:2] == ([], told)
        waits.join()
        assert seen(other, known) == ([["a", "b"], ["c"]][at], known + 2 - at)
        assert [row.path for row in rows[0].after(told, EVERYTHING, 100).rows] == paths


def test_who_polls_while_two_servers_write_sees_each_change_once(two: Two, root: str) -> None:
    catalogues = list(map(StoredCatalogue, two.databases))
    id = catalogues[0].workspace(root, lambda: "epoch").id
    seen: list[str] = []

    def writes(catalogue: StoredCatalogue, name: str) -> None:
        for number in range(20):
            catalogue.record(id, [file(f"{name}{number} {part}") for part in range(3)])

    def polls() -> None:
        since = 0
        while len(seen) < 120:
            page = catalogues[1].changes(id, since, "", 7)
            seen.extend(path for path, _ in page.rows)
            assert page.next - since == len(page.rows)  # no number is missing
            since = page.next

    threads = [threading.Thread(target=polls)]
    threads += [
        threading.Thread(target=writes, args=pair) for pair in zip(catalogues, "ab", strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == len(seen) == 120


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All that this process asks a PostgreSQL, statement by statement, without its spaces."""
    found: list[str] = []
    execute = psycopg.RawCursor.execute

    def executes(cursor: Any, query: Any, *rest: Any, **more: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        found.extend(" ".join(one.split()) for one in text.split(";"))
        return execute(cursor, query, *rest, **more)

    monkeypatch.setattr(psycopg.RawCursor, "execute", executes)
    return found


def test_a_commit_asks_as_much_for_one_file_as_for_many(
    scenes: list[Scene], asked: list[str]
) -> None:
    scene, counts = scenes[0], []
    for number, files in enumerate([1, 150]):
        some = [offer(f"d/{number} {at}", b"%d" % at) for at in range(files)]
        asked.clear()
        _, receipts = scene.bring(*((one, b"%d" % at) for at, one in enumerate(some)))
        assert {one.code for one in receipts} == {"done"}
        counts.append(asked[: asked.index("COMMIT") + 1])
    judged, *commit = counts[1]
    assert judged.startswith("SELECT w.sequence"), "one statement, before anything is sent"
    assert len(commit) == len(counts[0]) - 1 <= 12, commit
    assert len(set(commit)) == len(commit), "nothing is asked twice"


def test_what_is_looked_up_while_a_workspace_is_held_is_true(
    two: Two, root: str, asked: list[str]
) -> None:
    database, catalogue = two.databases[0], StoredCatalogue(two.databases[0])
    id = catalogue.workspace(root, lambda: "epoch").id

    def there(*some: str) -> list[int]:
        return [0 if one is None else one.entry.version for one in catalogue.entries(id, some)]

    with database.held(id):
        assert there("a", "b") == [0, 0]
        asked.clear()
        assert there("b", "a") == [0, 0] and asked == []
        assert there("a", "c") == [0, 0] and len(asked) == 1
        assert catalogue.record(id, [file("a"), file("b")]).versions == [1, 2]
        assert there("a", "b", "c") == [1, 2, 0]
        assert catalogue.record(id, [Gone("a"), file("a"), file("c")]).versions == [3, 4, 5]
        assert there("a", "b", "c") == [4, 2, 5]
        with pytest.raises(ZeroDivisionError), database.transaction(id):
            catalogue.record(id, [Gone("b")])
            assert there("b", "c") == [0, 5]
            raise ZeroDivisionError
        assert there("a", "b", "c") == [4, 2, 5]
    other = StoredCatalogue(two.databases[1])
    other.record(id, [Gone("c")])
    assert there("a", "b", "c") == [4, 2, 0], "nothing is remembered afterwards"


def test_of_what_belongs_together_nothing_comes_if_a_part_fails(two: Two, root: str) -> None:
    database, catalogue = two.databases[0], StoredCatalogue(two.databases[0])
    id = catalogue.workspace(root, lambda: "epoch").id

    def fails(*, whole: bool) -> None:
        with database.held(id, whole=whole):
            catalogue.record(id, [file("a")])
            with suppress(ZeroDivisionError), database.transaction(id):
                catalogue.record(id, [file("b")])
                raise ZeroDivisionError

    with pytest.raises(ProblemError):
        fails(whole=True)
    assert catalogue.entries(id, ["a", "b"]) == [None, None]
    fails(whole=False)
    assert [one is not None for one in catalogue.entries(id, ["a", "b"])] == [True, False]
