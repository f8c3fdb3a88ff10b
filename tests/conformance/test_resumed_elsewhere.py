"""A large file comes to a server in part, and goes on at another one, which has the same bucket."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from blake3 import blake3

from cargo_sync.lanes.ports import Sink
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.model import checkpoints
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Receipt
from cargo_sync.server.workspace.content import forwarding as content_forwarding
from cargo_sync.state.database import Database
from cargo_sync.state.holders import ServerLife
from cargo_sync.state.object_uploads import ComingObject, ObjectUploads, TransferHold
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.objects import forwarding, packing
from tests.conformance.workspaces import ANA, RUN, Scene, content_workspace, offer
from tests.server.house import NOW, Heard
from tests.server.surroundings import Clock
from tests.stores.objects.bucket import MemoryBucket
from tests.stores.objects.house import PATIENCE, ObjectHouse, object_house
from tests.stores.objects.test_crashes import DAYS, Images

CONTENT: Final = os.urandom(4 * PIECE) + b"and some"
OFFER: Final = offer("large", CONTENT)
SOME: Final = 2 * PIECE + PIECE // 2
"""So much comes to the first server: two parts, and a half."""
WEEK: Final = 8 * 86_400.0
EACH: Final = 7
"""Of so many points at which a server may die one is taken."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger than a MiB is sent in parts of one."""
    monkeypatch.setattr(forwarding, "WHOLE", PIECE)
    monkeypatch.setattr(packing, "PART", PIECE)
    monkeypatch.setattr(checkpoints, "RESUMABLE", PIECE)
    monkeypatch.setattr(content_forwarding, "FORWARD_FROM", PIECE)


class Known:
    """A server, and those that it takes for gone."""

    def __init__(self, name: str, gone: set[str]) -> None:
        self.me = ServerLife(name, f"life of {name}")
        self._gone = gone

    def is_gone(self, holder: ServerLife) -> bool:
        return holder.server in self._gone | {self.me.server} or not holder.life

    def beat_of(self, holder: ServerLife) -> int | None:
        return None


class Place:
    """Servers on one state and one bucket; `gone` are those that others do not hear any more."""

    def __init__(self, folder: Path, database: Database, bucket: MemoryBucket) -> None:
        self.folder, self.database, self.bucket = folder, database, bucket
        self.gone: set[str] = set()
        self.rows = ObjectUploads(database)
        self.checkpoints = MemoryCheckpoints()
        self._last: dict[str, AsyncExitStack] = {}

    async def server(self, name: str) -> "Server":
        last = self._last[name] = AsyncExitStack()
        house = await last.enter_async_context(
            object_house(
                self.folder / name,
                self.bucket,
                self.database,
                servers=Known(name, self.gone),
                checkpoints=self.checkpoints,
            )
        )
        return Server(self, name, house)

    async def kill(self, name: str) -> None:
        """It is gone: its store, and its spool."""
        await self._last.pop(name).aclose()
        self.gone.add(name)

    async def close(self) -> None:
        for last in self._last.values():
            await last.aclose()

    def coming(self) -> list[ComingObject]:
        """What is known of all that is on its way."""
        with self.database.read() as connection:
            rows = connection.execute("SELECT transfer FROM object_transfer").fetchall()
        return [one for (transfer,) in rows for one in self.rows.uploads(transfer)]

    def is_held(self, by: str) -> bool:
        """Whether this server sends what is on its way."""
        with self.database.read() as connection:
            lives = connection.execute("SELECT server, life FROM object_transfer").fetchall()
        return any(life and server == by for server, life in lives)

    def reach(self) -> int:
        return max((one.reach for one in self.coming()), default=0)


class Server:
    """One of them, and what a client does there."""

    def __init__(self, place: Place, name: str, house: ObjectHouse) -> None:
        self.place, self.name, self.house = place, name, house
        clock, heard = Clock(NOW), Heard()
        workspace = content_workspace(
            "files", house.database, house.store, clock, heard, house.contents
        )
        house.store.buckets.assign(workspace.id, house.bucket.address)
        self.scene = Scene(workspace, house.database, clock, heard)

    async def offered(self) -> tuple[Sink, int]:
        """A lane to which the file is offered; where it is to go on."""
        sink = self.scene.workspace.sink(RUN, cause=ANA)
        await self.house.until(lambda: sink.is_ready([OFFER]))
        [want] = sink.begin(1, [OFFER])
        assert want.code in ("all", "ranges", "none"), want
        if want.code != "ranges":
            return sink, 0 if want.code == "all" else len(CONTENT)
        [(start, end)] = want.ranges
        assert end == len(CONTENT)
        return sink, start

    async def send(self, sink: Sink, start: int, end: int = len(CONTENT)) -> None:
        for at in range(start, end, PIECE // 4):
            sink.part(1, 0, at, memoryview(CONTENT)[at : min(end, at + PIECE // 4)])
            await asyncio.sleep(0)

    async def begins_to_send(self, sink: Sink, start: int) -> None:
        """Some comes, and goes on: else all may come before that, and is sent as a whole."""
        await self.send(sink, start, start + PIECE // 4)
        await self.house.until(lambda: self.place.is_held(self.name))

    async def published(self, sink: Sink) -> Receipt:
        sink.submit(1)
        found = list[list[Receipt] | Problem]()

        def finished() -> bool:
            found.extend(result for _, result in sink.finished())
            return bool(found)

        await self.house.until(finished)
        assert isinstance(found[0], list)
        return found[0][0]

    async def goes_on(self, sink: Sink, start: int) -> None:
        """All the rest comes, and is there."""
        await self.send(sink, start)
        receipt = await self.published(sink)
        assert (receipt.code, receipt.hash) == ("done", blake3(CONTENT).hexdigest()), receipt
        sink.close()
        await self.is_there()

    async def is_there(self) -> None:
        assert await asyncio.to_thread(self.scene.read, "large") == CONTENT

    async def tidied(self, *others: "Server") -> None:
        """What is nobody's has gone, and nothing is left but the file."""
        bucket = self.place.bucket
        async with asyncio.timeout(PATIENCE):
            while self.place.coming() or bucket.uploads or len(bucket.objects) > 1:
                for one in (self, *others):
                    await one.house.store._give_up()
                await self.house.store._upkeep.delete(self.house.bucket)
                await asyncio.sleep(0.01)
        assert [len(one) for one in bucket.objects.values()] == [len(CONTENT)]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        one = Place(tmp_path, database, MemoryBucket())
        try:
            yield one
        finally:
            await one.close()


async def begun(server: Server) -> Sink:
    """A file comes in part, and all of that is recorded."""
    sink, start = await server.offered()
    assert start == 0
    await server.send(sink, 0, SOME)
    await server.house.until(lambda: server.place.reach() == SOME)
    return sink


async def test_it_goes_on_after_a_kill(place: Place) -> None:
    a, b = await place.server("a"), await place.server("b")
    await begun(a)
    await place.kill("a")
    sink, start = await b.offered()
    assert start == SOME, "nothing is sent again that was recorded"
    await b.goes_on(sink, start)
    await b.tidied()


async def test_it_goes_on_when_the_lane_has_ended(place: Place) -> None:
    a, b = await place.server("a"), await place.server("b")
    sink, _ = await a.offered()
    await a.send(sink, 0, SOME + 1)
    await a.house.until(lambda: place.bucket.asked.get("part", 0) > 0)
    sink.close()  # as in a drain, at once: nothing was recorded until now
    sink, start = await b.offered()
    assert start == SOME + 1
    await b.goes_on(sink, start)
    await b.tidied()


async def test_who_wakes_up_late_disturbs_nobody(place: Place) -> None:
    a, b = await place.server("a"), await place.server("b")
    late = await begun(a)
    place.gone.add("a")  # but it is there
    sink, start = await b.offered()
    assert start == SOME
    before = place.coming()
    await a.send(late, SOME)
    await a.house.until(lambda: not a.house.store._forwarding._under_way)
    assert place.coming() == before, "it has recorded nothing"
    await b.goes_on(sink, start)
    assert (await a.published(late)).code != "done", "there is a newer version by now"
    late.close()
    await a.house.until(lambda: len(a.house.store._uses._ended) > 0)
    await b.tidied(a)


async def test_what_is_sent_from_the_spool_needs_nothing_of_the_first_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = await place.server("a"), await place.server("b")
    await begun(a)
    await place.kill("a")
    monkeypatch.setattr(forwarding, "MOST", 0)  # so many others go on there right now
    sink, start = await b.offered()
    assert start == SOME
    await b.goes_on(sink, start)
    await b.tidied()


async def test_it_goes_on_at_the_first_one_again(place: Place) -> None:
    a, b = await place.server("a"), await place.server("b")
    (await begun(a)).close()
    sink, start = await b.offered()
    await b.send(sink, start, 3 * PIECE)
    await b.house.until(lambda: place.reach() == 3 * PIECE)
    sink.close()
    sink, start = await a.offered()
    assert start == 3 * PIECE, "it has the rest from the other one"
    await a.goes_on(sink, start)
    await a.tidied()


async def test_after_a_cut_the_same_server_sends_no_part_twice(place: Place) -> None:
    a = await place.server("a")
    (await begun(a)).close()
    await a.house.until(lambda: not a.house.store.is_leaving)
    sink, start = await a.offered()
    assert start == SOME
    before, more = place.bucket.asked["part"], start + PIECE // 4
    await a.begins_to_send(sink, start)
    await a.goes_on(sink, more)
    assert (place.bucket.asked["begin"], place.bucket.asked["part"] - before) == (1, 3)
    await a.tidied()


async def test_another_version_of_the_file_begins_anew(place: Place) -> None:
    a, b = await place.server("a"), await place.server("b")
    await begun(a)
    await place.kill("a")
    sink = b.scene.workspace.sink(RUN, cause=ANA)
    other = OFFER._replace(mtime_ns=1)
    assert sink.is_ready([other])
    [want] = sink.begin(1, [other])
    assert want.code == "all"
    await b.begins_to_send(sink, 0)
    await b.goes_on(sink, PIECE // 4)
    await b.tidied()


async def test_what_cannot_be_read_is_sent_again(place: Place) -> None:
    a, b = await place.server("a"), await place.server("b")
    await begun(a)
    await place.kill("a")
    [parts] = place.bucket.uploads.values()
    parts[2] = bytes(PIECE)
    sink, start = await b.offered()
    assert start == PIECE, "what lies before the first wrong part is good"
    await b.goes_on(sink, start)
    await b.tidied()


@pytest.mark.parametrize("fails", ["bucket", "state"])
@pytest.mark.parametrize("passes", [True, False])
async def test_what_cannot_be_read_now_is_read_later(
    place: Place, monkeypatch: pytest.MonkeyPatch, fails: str, passes: bool
) -> None:
    """After growing waits; after some minutes the file is sent from its beginning."""
    a, b = await place.server("a"), await place.server("b")
    await begun(a)
    await place.kill("a")
    away = Problem(Code.BUSY, "it cannot be used now")

    def busy(_transfer: str) -> list[ComingObject]:
        raise ProblemError(away)

    recalls, waits = b.house.store._recalls, list[float]()
    sink = b.scene.workspace.sink(RUN, cause=ANA)
    with monkeypatch.context() as patch:
        if fails == "bucket":
            patch.setattr(place.bucket, "away", away)
        else:
            patch.setattr(recalls._handover.rows, "uploads", busy)
        for _ in range(4 if passes else 40):
            if sink.is_ready([OFFER]):
                break
            await b.house.until(lambda: not recalls._running)
            if not (later := list(recalls._later._all.values())):
                break
            assert not sink.is_ready([OFFER]) and not recalls._running, "it is not tried at once"
            [failed] = later
            waits.append(failed.again - b.house.now)
            b.house.now = failed.again
    assert waits[:4] == [0.75, 1.5, 3.0, 6.0] and max(waits) <= 45.0
    sink.close()
    sink, start = await b.offered()
    assert start == (SOME if passes else 0)
    await b.goes_on(sink, start)
    await b.tidied()


async def test_what_a_person_has_cancelled_is_nobodys(place: Place) -> None:
    a = await place.server("a")
    sink = await begun(a)
    sink.failed(1, 0, Problem("cancelled", "a person does not want it"))  # type: ignore[arg-type]
    await a.house.until(lambda: not place.coming() and not place.bucket.uploads)
    sink.close()


async def test_whoever_never_comes_back_leaves_nothing(place: Place) -> None:
    a, b = await place.server("a"), await place.server("b")
    await begun(a)
    await place.kill("a")
    await b.house.store._give_up_stale()
    assert place.reach() == SOME
    b.house.now += WEEK
    await b.house.store._give_up_stale()
    await b.house.store._upkeep.delete(b.house.bucket)
    assert not place.coming() and not place.bucket.uploads and not place.bucket.objects


async def test_the_sweep_leaves_what_goes_on_right_then(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = await place.server("a"), await place.server("b")
    await begun(a)
    await place.kill("a")
    b.house.now += WEEK
    old = ObjectUploads.old

    def taken_then(rows: ObjectUploads, before: float, limit: int) -> list[str]:
        """A third server takes them between two calls of the sweep."""
        found = old(rows, before, limit)
        for one in filter(None, map(rows.find, found)):
            assert rows.take(one, ServerLife("c", "life of c"), None, b.house.now)
        return found

    monkeypatch.setattr(ObjectUploads, "old", taken_then)
    await b.house.store._give_up_stale()
    assert place.reach() == SOME and place.bucket.uploads


async def test_a_lost_answer_of_the_database_costs_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, lost = ObjectUploads.begin, list[str]()

    def loses(rows: ObjectUploads, hold: TransferHold, *what: Any) -> bool:
        done = begin(rows, hold, *what)
        if not lost:
            lost.append(hold.transfer)
            raise ProblemError(Problem(Code.DATABASE_AWAY, "the connection was lost"))
        return done

    monkeypatch.setattr(ObjectUploads, "begin", loses)
    a = await place.server("a")
    sink = await begun(a)
    await a.goes_on(sink, SOME)
    assert lost and place.bucket.asked["begin"] == 1, "nothing was sent again"
    await a.tidied()


@pytest.mark.sqlite
async def test_a_kill_at_any_point(tmp_path: Path) -> None:
    bucket, state = MemoryBucket(), tmp_path / "state"
    images = Images(state, tmp_path / "images", bucket)
    bucket.fault = images
    with SqliteDatabase.open(str(state / "state.db"), "server", images) as database:
        place = Place(tmp_path, database, bucket)
        try:
            a, b = await place.server("a"), await place.server("b")
            images.on = True
            await begun(a)
            await place.kill("a")
            sink, start = await b.offered()
            await b.goes_on(sink, start)
            await b.tidied()
            images.on = False
        finally:
            await place.close()
    assert len(images.kept) > 20
    for number, (where, left, _) in enumerate(images.kept.values()):
        if number % EACH == 0:
            await judge(tmp_path / f"after {number}", where, left)


async def judge(folder: Path, state: Path, bucket: MemoryBucket) -> None:
    """After a kill a third server goes on with what was recorded, and soon nothing is left."""
    folder.mkdir()
    with SqliteDatabase.open(str(state / "state.db"), "server") as database:
        place = Place(folder, database, bucket)
        place.gone |= {"a", "b"}
        try:
            c = await place.server("c")
            if c.scene.workspace.entry("large") is None:
                reach = place.reach()
                sink, start = await c.offered()
                assert start == reach
                await c.goes_on(sink, start)
            await c.is_there()
            c.house.now += DAYS
            keys = [*bucket.objects, *(key for key, _ in bucket.uploads)]
            bucket.ages = dict.fromkeys(keys, DAYS)
            await c.house.store._give_up_stale()
            await c.house.store._upkeep.compare(c.house.bucket)
            assert c.house.bucket.missing == 0
            await c.tidied()
        finally:
            await place.close()
