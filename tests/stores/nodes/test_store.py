"""The store on nodes: three nodes in this process, which die, are full, or rot."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from cargo_sync.machines.nodes.returning import Life
from cargo_sync.machines.nodes.room import RESERVE
from cargo_sync.machines.nodes.states import Members
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.wakeup import next_turn
from cargo_sync.state.blobs import LEAVING
from cargo_sync.stores.blob_changes import blob_path
from cargo_sync.stores.contract import Content, Secured
from cargo_sync.stores.nodes.client import NodeStatus
from cargo_sync.stores.nodes.deleting import Deleting
from cargo_sync.stores.nodes.ports import Results
from cargo_sync.stores.nodes.store import DAY
from cargo_sync.testing.nodes import FolderNode
from tests.stores.blobs import LARGE, content_of, flip, place_of
from tests.stores.nodes.house import PATIENCE_SECONDS, House, house

SMALL = [f"content {number}".encode() for number in range(20)]


async def test_contents_have_their_copies_before_it_is_said(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload([*SMALL, LARGE])
        assert [one.copies(content) for content in contents] == [2] * len(contents)
        await one.until(lambda: not any(one.spool.holds(contents)))
        found = [await asyncio.to_thread(one.read, content) for content in contents]
        assert found == [*SMALL, LARGE]
        await one.until(lambda: not any(one.spool.holds(contents)))


@pytest.mark.parametrize("copies", [1, 2])
async def test_many_contents_are_looked_at_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: int
) -> None:
    """All nodes were asked how they are for each of them, more than once."""
    async with house(tmp_path, nodes=2, copies=copies) as one:
        asked, fleet = 0, one.store.fleet
        members = fleet.members

        def counted() -> Members:
            nonlocal asked
            asked += 1
            return members()

        monkeypatch.setattr(fleet, "members", counted)
        contents = await one.upload([f"one of {number}".encode() for number in range(300)])
        assert asked < len(contents)


async def test_a_lane_is_woken_when_a_content_has_come(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload(SMALL)
        await one.until(lambda: not any(one.spool.holds(contents)))
        woken = asyncio.Event()
        loop = asyncio.get_running_loop()
        one.store.coming(1, contents)

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        reader = one.store.open(1, contents[0], wake)
        buffer = memoryview(bytearray(contents[0].size))
        got = reader.read_into(buffer, 0)
        while got is None:
            await asyncio.wait_for(woken.wait(), PATIENCE_SECONDS)
            got = reader.read_into(buffer, 0)
        reader.close()
        assert bytes(buffer) == SMALL[0]


async def test_below_the_quorum_it_waits(tmp_path: Path) -> None:
    async with house(tmp_path, nodes=2) as one:
        one.nodes["node0"].is_away = True
        contents = one.put(SMALL)
        waiting = asyncio.create_task(one.secured(contents))
        await one.until(lambda: one.up() == 1)
        refusal = one.store.refusal(1)
        assert refusal is not None and refusal.code is Code.BELOW_QUORUM
        assert not waiting.done() and all(one.spool.holds(contents))
        one.nodes["node0"].is_away = False
        assert all(isinstance(result, Secured) for result in await waiting)
        assert one.store.refusal(1) is None
        assert [one.copies(content) for content in contents] == [2] * len(contents)


async def test_a_node_that_dies_is_replaced_in_an_upload_and_by_a_repair(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        before = await one.upload(SMALL)
        one.nodes["node1"].is_away = True
        after = await one.upload([LARGE])
        assert one.copies(after[0]) == 2
        for content in before:
            assert await asyncio.to_thread(one.read, content)
        one.now += 3_600.0
        left = [one.nodes[name].folder for name in ("node0", "node2")]
        await one.until(lambda: all(all(folder.has(before)) for folder in left))
        await one.until(lambda: one.up() == 2)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await one.store.look()).census.missing.copies:
                await asyncio.sleep(0.01)


async def test_what_rots_is_read_from_the_other_copy_repaired_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with house(tmp_path) as one:
        [content] = await one.upload([LARGE])
        await one.until(lambda: not any(one.spool.holds([content])))
        holders = [node for node in one.nodes.values() if node.folder.has([content])[0]]
        # The last one is read first: chance is always the same here.
        path = Path(holders[-1].folder.root.path) / blob_path(content.hash)
        damaged = bytearray(path.read_bytes())
        damaged[5] ^= 1
        path.write_bytes(damaged)
        holders[-1].most = 0  # so the new copy comes to the third node
        await one.until(lambda: 0 in one.free())
        assert await asyncio.to_thread(one.read, content) == LARGE
        await one.until(lambda: one.copies(content) == 2 and "were made: 1" in caplog.text)
        await one.until(lambda: holders[-1].folder.rotten == 1 and not holders[-1].folder.damaged)
        assert one.copies(content) == 2
    assert f"the content {content.hash} is damaged: it was moved to" in caplog.text
    assert "found damaged copies: 1; they are made again" in caplog.text


async def test_what_is_missing_after_a_repair_is_made_at_once(tmp_path: Path) -> None:
    """No time passes in this house: what was gone through before makes nothing wait."""
    async with house(tmp_path, nodes=2) as one:
        contents = sorted(await one.upload(SMALL), reverse=True)
        await one.until(lambda: not any(one.spool.holds(contents)))
        rotten = Path(one.nodes["node1"].folder.root.path)
        for content in contents[:3]:  # each lies before the place where the last one was
            (rotten / blob_path(content.hash)).write_bytes(b"x" * content.size)
            await asyncio.to_thread(one.read, content)
            await one.until(partial(lambda found: one.copies(found) == 2, content))


@pytest.mark.parametrize("copies", [1, 2])
async def test_a_lone_copy_is_read_before_it_counts_again(tmp_path: Path, copies: int) -> None:
    async with house(tmp_path, nodes=copies, copies=copies) as one:
        contents = await one.upload([*SMALL, LARGE])
        await one.until(lambda: not any(one.spool.holds(contents)))
        node = one.nodes["node0"]
        path = Path(node.folder.root.path)
        for content in contents[-2:]:
            flip(path / blob_path(content.hash), 5)
        assert await one.upload([*SMALL, LARGE]) == contents
        if copies == 1:
            assert node.folder.rotten == 2
            assert [await asyncio.to_thread(one.read, each) for each in contents[-2:]] == [
                SMALL[-1],
                LARGE,
            ]
        else:
            assert (node.given, node.folder.rotten) == (0, 0), "the other one is good"


async def test_what_no_node_has_is_a_problem(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        [content] = await one.upload([LARGE])
        await one.until(lambda: not any(one.spool.holds([content])))
        for node in one.nodes.values():
            node.is_away = True
        await one.until(lambda: one.up() == 0)
        with pytest.raises(ProblemError) as caught:
            await asyncio.to_thread(one.read, content)
        assert caught.value.problem.code is Code.UNREACHABLE


async def test_what_is_asked_for_together_comes_or_fails_by_itself(tmp_path: Path) -> None:
    async with house(tmp_path, nodes=2, copies=1) as one:
        near, gone = one.nodes.values()
        contents = list[Content]()
        for away, some in ((near, SMALL[:10]), (gone, SMALL[10:])):
            near.is_away = gone.is_away = False
            await one.until(lambda: one.up() == 2)
            away.is_away = True
            await one.until(lambda: one.up() == 1)
            contents += await one.upload(some)
        await one.until(lambda: not any(one.spool.holds(contents)))
        has = [False] * 10 + [True] * 10
        readers = [one.store.open(1, content, lambda: None) for content in contents]
        came = dict[int, bool]()

        def all_said() -> bool:
            for number, reader in enumerate(readers):
                with suppress(ProblemError):
                    if reader.read_into(memoryview(bytearray(1)), 0) is not None:
                        came[number] = True
                    continue
                came[number] = False
            return len(came) == len(contents)

        await one.until(all_said)
        assert [came[number] for number in range(len(contents))] == has
        for reader in readers:
            reader.close()


@pytest.mark.parametrize(
    ("away", "code"), [((), Code.DAMAGED), (("node0",), Code.UNREACHABLE)], ids=["lost", "waits"]
)
async def test_a_copy_that_is_gone_is_not_a_file_that_is_gone(
    tmp_path: Path, away: Sequence[str], code: Code
) -> None:
    """A node's "vanished" was what readers got: to them it means that the file was deleted."""
    async with house(tmp_path, nodes=2) as one:
        contents = await one.upload(SMALL)
        await one.until(lambda: not any(one.spool.holds(contents)))
        gone = [contents[3], contents[7]]
        for name, node in one.nodes.items():
            node.is_away = name in away
            for content in gone if name not in away else ():
                place_of(Path(node.folder.root.path), content).unlink()
        await one.until(lambda: one.up() == 2 - len(away))
        for content in gone:
            with pytest.raises(ProblemError) as caught:
                await asyncio.to_thread(one.read, content)
            assert caught.value.problem.code is code


async def test_a_full_node_gets_no_more_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path) as one:
        one.nodes["node0"].is_full = True
        contents = [await one.upload([each]) for each in SMALL]
        assert all(one.copies(content) == 2 for [content] in contents)
        assert not one.nodes["node0"].folder.inventory("", 9).hashes
    assert "node node0 has no room for more copies" in caplog.text


async def _left_alone(one: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nodes are asked how they are only where something needs it."""
    waiting = 0

    async def never(_seconds: float) -> None:
        nonlocal waiting
        waiting += 1
        await asyncio.Event().wait()

    monkeypatch.setattr(one.store.fleet, "_pause", never)
    await one.until(lambda: waiting == len(one.nodes))


@pytest.mark.parametrize(("shows", "asked"), [(True, 0), (False, 3)], ids=["new", "old"])
async def test_nodes_are_not_asked_again_for_what_their_receipts_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows: bool, asked: int
) -> None:
    async with house(tmp_path, nodes=1, copies=1) as one:
        node = one.nodes["node0"]
        await _left_alone(one, monkeypatch)
        asks = _spied(monkeypatch, node, "status")
        if not shows:
            _showing(monkeypatch, node, lambda _: None)
        free = one.free()[0]
        contents = [(await one.upload([each]))[0] for each in SMALL[:3]]
        assert len(asks) == asked
        assert one.free()[0] == free - sum(content.size for content in contents)
        [row] = one.rows.all()
        assert Life(row.epoch, row.sequence) == node.life(), "all of it is covered"


async def test_a_node_that_refuses_is_asked_how_much_room_it_has_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had said was believed: much later, with much more room, it still counted as full."""
    async with house(tmp_path) as one:
        node, fleet = one.nodes["node0"], one.store.fleet
        [row] = [row for row in one.rows.all() if row.name == "node0"]
        await _left_alone(one, monkeypatch)
        node.is_full, node.most = True, 2 * RESERVE  # another program fills its disk
        await one.upload([SMALL[0]])
        assert (one.up(), fleet.members()[row.id].free) == (2, 2 * RESERVE)
        node.is_full, node.most = False, 5 * RESERVE
        session = fleet.session(row.id)
        assert session is not None
        await fleet.confirm(row.id, session)
        assert one.up() == 3


@pytest.mark.parametrize("where", ["receipt", "answer", "next answer"])
@pytest.mark.parametrize(
    "now",
    [lambda life: life._replace(sequence=0), lambda life: life._replace(epoch="another")],
    ids=["older", "another"],
)
async def test_a_folder_that_is_replaced_in_a_session_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, now: Callable[[Life], Life]
) -> None:
    async with house(tmp_path, nodes=1, copies=1) as one:
        await one.upload([SMALL[0]])
        node, fleet = one.nodes["node0"], one.store.fleet
        [(id, followed)] = fleet.nodes.items()
        await _left_alone(one, monkeypatch)
        session = fleet.session(id)
        assert session is not None
        before = one.rows.all()
        _showing(monkeypatch, node, now)
        if where == "next answer":
            await fleet._ask(followed)
        else:
            with pytest.raises(ProblemError, match="is not what it was a moment ago"):
                if where == "receipt":
                    await fleet.place(id, one.put([SMALL[1]]))
                else:
                    await fleet.confirm(id, session)
        assert (fleet.session(id), one.rows.all()) == (None, before)
        await fleet._ask(followed)
        again = fleet.session(id)
        assert again is not None
        assert again.life > session.life, "its copies count when they are found"


def _spied(monkeypatch: pytest.MonkeyPatch, node: FolderNode, name: str) -> list[object]:
    """Notes each call of it."""
    calls, call = list[object](), getattr(node, name)

    def noted(*args: object) -> object:
        calls.append(args)
        return call(*args)

    monkeypatch.setattr(node, name, noted)
    return calls


def _showing(
    monkeypatch: pytest.MonkeyPatch, node: FolderNode, shown: Callable[[Life], Life | None]
) -> None:
    """The node shows something else of its folder in receipts, and in answers if it is a life."""
    place, status = node.place, node.status

    async def placed(contents: Sequence[Content]) -> Results:
        return (await place(contents))._replace(life=shown(node.life()))

    async def said() -> NodeStatus:
        return (await status())._replace(life=shown(node.life()) or node.life())

    monkeypatch.setattr(node, "place", placed)
    monkeypatch.setattr(node, "status", said)


FOUR = [bytes([number]) * 3_000 for number in range(4)]


async def test_what_fits_on_no_node_together_is_spread(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        for node in one.nodes.values():
            node.most = RESERVE + 10_000
        await one.until(lambda: set(one.free()) == {RESERVE + 10_000})
        contents = await one.upload(FOUR)
        assert [one.copies(content) for content in contents] == [2] * 4


async def test_a_repair_makes_as_many_copies_as_there_is_room_for(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload(FOUR)
        [empty] = [node for node in one.nodes.values() if not node.folder.has(contents)[0]]
        dead = next(node for node in one.nodes.values() if node is not empty)
        empty.most = RESERVE + 7_000
        await one.until(lambda: min(one.free()) == empty.most)
        dead.is_away = True
        one.now += 3_600.0
        await one.until(lambda: sum(empty.folder.has(contents)) == 2)


async def test_what_nobody_has_any_more_is_deleted(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload(SMALL)
        hashes = [content.hash for content in contents]
        one.blobs.condemn(1, hashes[1:], one.now)
        one.store.forget(1, hashes)
        await one.until(lambda: not any(one.copies(content) for content in contents[1:]))
        assert one.copies(contents[0]) == 2


async def test_a_server_that_was_recovered_deletes_nothing_for_a_while(tmp_path: Path) -> None:
    """Neither what nobody wants any more, nor what its old state does not know."""
    # As many copies as nodes: a repair that runs while the rows are forgotten makes no other one.
    async with house(tmp_path, copies=3) as one:
        one.deletes = False
        [known] = await one.upload(SMALL[:1])
        await one.until(lambda: one.copies(known) == 3)
        [unknown] = one.put(SMALL[1:2])
        for node in one.nodes.values():
            assert (await node.place([unknown])).problems == [None]
        for id in one.store.fleet.nodes:
            life = one.rows.forget_copies(id)
            assert one.store.fleet.joining is not None
            await one.store.fleet.joining.compare(id, life)
        assert one.copies(unknown) == 3 and one.blobs.find([unknown.hash])
        one.blobs.condemn(1, [known.hash], one.now)
        await one.until(partial(_is_leaving, one, known))
        one.now += 1.5 * DAY
        work = Deleting(one.store.cluster)
        for _ in range(3):
            assert (await work.age(), await work.step()) == (False, False)
        assert one.copies(known) == one.copies(unknown) == 3
        one.deletes = True
        one.store.release([unknown])
        await one.until(lambda: one.copies(known) == 0)
        assert not await work.age() and one.copies(unknown) == 3, "who restored the state needs it"
        one.now += DAY
        await one.until(lambda: one.copies(unknown) == 0)


def _is_leaving(one: House, content: Content) -> bool:
    """Forgets it, which does nothing while a repair uses it."""
    one.store.forget(1, [content.hash])
    return all(row.state == LEAVING for row in one.blobs.find([content.hash]))


async def test_a_node_is_drained_and_removed(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload(SMALL)
        [row] = [row for row in one.rows.all() if row.name == "node0"]
        await one.store.drain(row.id, draining=True)
        others = [one.nodes[name].folder for name in ("node1", "node2")]
        await one.until(lambda: all(all(folder.has(contents)) for folder in others))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await one.store.is_drained(row.id):
                await asyncio.sleep(0.01)
        await one.store.remove(row.id)
        assert (await one.store.look()).census.missing.blobs == 0
        assert "node0" not in {found.row.name for found in one.store.fleet.nodes.values()}


async def test_a_node_that_comes_back_old_is_compared_before_it_is_used(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload(SMALL)
        node = one.nodes["node1"]
        had = [content for content in contents if node.folder.has([content])[0]]
        node.is_away = True
        await one.until(lambda: one.up() == 2)
        node.folder.remove([content.hash for content in had])
        [row] = [row for row in one.rows.all() if row.name == "node1"]
        one.rows.heard(row.id, row.epoch, row.sequence + 99)  # as if it had been further
        node.is_away = False
        await one.until(lambda: all(one.copies(content) == 2 for content in contents))


async def test_who_waits_for_a_content_is_told_when_the_store_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def never(runs: object, take: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with house(tmp_path) as one:
        [content] = await one.upload([LARGE])
        for node in one.nodes.values():
            monkeypatch.setattr(node, "stream", never)
        reading = asyncio.create_task(asyncio.to_thread(one.read, content))
        await asyncio.wait_for(asked.wait(), PATIENCE_SECONDS)
    for late in (reading, asyncio.to_thread(one.read, content)):
        with pytest.raises(ProblemError) as caught:
            await asyncio.wait_for(late, PATIENCE_SECONDS)
        assert caught.value.problem.code == Code.STOPPED


@pytest.mark.parametrize("turns", range(3))
async def test_who_waits_is_told_when_the_server_stops(tmp_path: Path, turns: int) -> None:
    with ExitStack() as last:
        found = House(tmp_path, last, 1, 1)
        work = asyncio.create_task(found.store.run())
        await found.until(lambda: found.up() == 1)
        contents = found.put(SMALL)
        answers: list[Sequence[Secured | Problem]] = []
        if turns:
            work.cancel()
        for _ in range(turns - 1):
            await next_turn()
        found.store.secure(1, contents, answers.append)
        await next_turn()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        await found.until(lambda: bool(answers))
        [results] = answers
        assert [one.code for one in results if isinstance(one, Problem)] == [Code.STOPPED] * 20


async def test_a_copy_that_was_read_is_looked_for_elsewhere_when_its_node_is_gone(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, nodes=2, copies=1) as one:
        [content] = await one.upload([b"one"])
        one.put([b"one"])
        for row in one.rows.all():  # both have it now
            assert (await one.nodes[row.name].place([content])).problems == [None]
            one.blobs.found(row.id, row.life, [content.hash], [content.size], 0.0)
        late = content_of(b"not in the spool yet")
        waiting = asyncio.create_task(one.secured([content, late]))
        await one.until(lambda: any(node.given for node in one.nodes.values()))
        next(node for node in one.nodes.values() if node.given).is_away = True
        await one.until(lambda: one.up() == 1)
        one.put([b"not in the spool yet"])
        assert all(isinstance(result, Secured) for result in await waiting)
