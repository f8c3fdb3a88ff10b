"""A node and its coordinator: contents over lanes, everything else over its API."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model.problems import Problem
from cargo_sync.stores.blob_pieces import PIECE
from tests.node.coordinator import BEARER, SECONDS, Coordinator, running
from tests.stores.blobs import LARGE, content_of, flip, place_of, staged_in

SMALL = [f"content {number}".encode() for number in range(40)]


async def test_contents_come_and_go_over_lanes(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        receipts = await coordinator.send([*SMALL, LARGE])
        assert {receipt.code for receipt in receipts} == {"done"}
        assert [receipt.hash for receipt in receipts][-1] == content_of(LARGE).hash
        _, before = await coordinator.call("GET", "/n1/status")
        assert (before["blobs"], before["used"]) == (41, sum(map(len, SMALL)) + len(LARGE))
        assert {one.code for one in await coordinator.send([*SMALL, LARGE, b"new"])} == {"done"}
        _, after = await coordinator.call("GET", "/n1/status")
        assert (after["blobs"], after["sequence"]) == (42, before["sequence"] + 1)
        known = [content_of(each) for each in (*SMALL, LARGE)]
        found = await coordinator.fetch(known)
        assert list(found.values()) == [*SMALL, LARGE]


async def test_what_is_rotten_or_unknown_does_not_leave(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        await coordinator.send([*SMALL, LARGE])
        small, large = content_of(SMALL[3]), content_of(LARGE)
        flip(place_of(tmp_path / "kept", small), 1)
        flip(place_of(tmp_path / "kept", large), PIECE + 1)
        wanted = [content_of(SMALL[0]), small, large, content_of(b"unknown"), content_of(SMALL[1])]
        found = await coordinator.fetch(wanted)
        assert list(found.values()) == [SMALL[0], "damaged", "damaged", "vanished", SMALL[1]]
        _, state = await coordinator.call("GET", "/n1/status")
        hashes = sorted([small.hash, large.hash])
        assert state["damaged"] == {"count": 2, "found": 2, "hashes": hashes}
        await coordinator.send([SMALL[3], LARGE])
        assert list((await coordinator.fetch([small, large])).values()) == [SMALL[3], LARGE]
        _, state = await coordinator.call("GET", "/n1/status")
        assert state["damaged"] == {"count": 0, "found": 2, "hashes": []}


async def test_what_is_not_the_announced_content_is_not_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        receipts = await coordinator.send_as([(content_of(b"right"), b"wrong")])
        assert [receipt.code for receipt in receipts] == ["corrupt"]
        for path, code in (
            ("../../x", "bad_path"),
            ("x", "bad_request"),
            ("a" * 64, "bad_request"),
        ):
            receipts = await coordinator.send_as([(content_of(b"x"), b"x")], path)
            assert [receipt.code for receipt in receipts] == [code]
        assert staged_in(tmp_path / "kept") == set()
        _, state = await coordinator.call("GET", "/n1/status")
        assert state["blobs"] == 0


async def test_capacity_is_kept_over_all_that_is_on_its_way(tmp_path: Path) -> None:
    async with running(tmp_path, capacity=len(LARGE) + 10) as coordinator:
        both = [b"ten bytes.", LARGE, b"more"]
        receipts = await coordinator.send(both)
        assert [receipt.code for receipt in receipts] == ["done", "done", "disk_full"]
        _, state = await coordinator.call("GET", "/n1/status")
        assert (state["free"], state["capacity"]) == (0, len(LARGE) + 10)
        status, answer = await coordinator.call(
            "POST", "/n1/delete", {"hashes": [content_of(b"ten bytes.").hash]}
        )
        assert (status, answer["failed"]) == (200, {})
        assert [one.code for one in await coordinator.send([b"more"])] == ["done"]


async def test_the_inventory_in_pages(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        await coordinator.send(SMALL)
        found: list[str] = []
        sizes: list[int] = []
        more = True
        while more:
            after = found[-1] if found else ""
            _, page = await coordinator.call("GET", f"/n1/inventory?after={after}&limit=9")
            found, sizes, more = found + page["hashes"], sizes + page["sizes"], page["more"]
        known = sorted(map(content_of, SMALL))
        assert (found, sizes) == ([one.hash for one in known], [one.size for one in known])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/n1/inventory?after=../..", None),
        ("/n1/inventory?limit=all", None),
        ("/n1/inventory?who=me", None),
        ("/n1/delete", {}),
        ("/n1/delete", {"hashes": "all"}),
        ("/n1/delete", {"hashes": [7]}),
        ("/n1/flows", {"mode": "both"}),
        ("/n1/scrub", {"rate": 0}),
    ],
)
async def test_what_makes_no_sense_is_refused(
    tmp_path: Path, path: str, body: dict[str, object] | None
) -> None:
    async with running(tmp_path) as coordinator:
        status, answer = await coordinator.call("GET" if body is None else "POST", path, body)
        assert (status, answer["error"]["code"]) == (400, "bad_request")


async def test_what_is_no_hash_is_never_removed(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        (tmp_path / "kept" / "notes").write_text("somebody's")
        _, answer = await coordinator.call("POST", "/n1/delete", {"hashes": ["../kept/notes"]})
        assert answer["failed"]["../kept/notes"]["code"] == "bad_request"
        assert (tmp_path / "kept" / "notes").exists()


async def test_a_deletion_that_was_overtaken_does_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        await coordinator.send([b"one"])
        hashes = [content_of(b"one").hash]
        for order, expected in ((7, 200), (7, 412), (6, 412)):
            body = {"hashes": hashes, "order": order}
            assert (await coordinator.call("POST", "/n1/delete", body))[0] == expected
            await coordinator.send([b"one"])
        _, state = await coordinator.call("GET", "/n1/status")
        assert state["blobs"] == 1


@pytest.mark.parametrize(
    "bearer", [None, "", "wrong", BEARER + "x", BEARER[:-1], BEARER.upper(), "\u00e9"]
)
async def test_whoever_else_asks_gets_no_words(tmp_path: Path, bearer: str | None) -> None:
    async with running(tmp_path) as coordinator:
        for method, path in (("GET", "/n1/status"), ("POST", "/n1/flows"), ("PUT", "/else")):
            assert await coordinator.call(method, path, None, bearer) == (401, None)
        assert (await coordinator.call("GET", "/n1/status"))[0] == 200
        assert (await coordinator.call("GET", "/else"))[0] == 404
        assert (await coordinator.call("PUT", "/n1/status"))[0] == 405


async def test_a_scrub_by_order_finds_what_is_rotten(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        await coordinator.send([*SMALL, LARGE])
        known = content_of(SMALL[7])
        flip(place_of(tmp_path / "kept", known), 1)
        flip(await snapshot_of(coordinator, tmp_path / "kept"), 1)
        scrubbing = asyncio.ensure_future(coordinator.node.scrubbing.run())
        try:
            state = await done(coordinator)
            assert (state["scrub"]["blobs"], state["scrub"]["damaged"]) == (41, 2)
            assert state["damaged"]["hashes"] == [known.hash]
            await coordinator.send([SMALL[7]])
            _, asked = await coordinator.call("POST", "/n1/scrub", {"rate": 8_000_000_000})
            assert asked["under_way"] and asked["rate"] == 8_000_000_000
            state = await done(coordinator)
            assert (state["scrub"]["damaged"], state["damaged"]["count"]) == (0, 0)
        finally:
            scrubbing.cancel()


async def snapshot_of(coordinator: Coordinator, folder: Path) -> Path:
    """The file of a snapshot, which the node gets."""
    content = content_of(b"a snapshot")
    await coordinator.send([b"a snapshot"])
    asked = {"number": 1, "made": 1.0, "verifier": "00" * 32, **content._asdict()}
    status, _ = await coordinator.call("POST", "/n1/snapshots", asked)
    assert status == 200
    [found] = (folder / ".cargo_sync" / "snapshots").iterdir()
    return found


async def done(coordinator: Coordinator) -> dict[str, Any]:
    """The state when the scrub that is under way has ended."""
    while True:
        state: dict[str, Any]
        _, state = await coordinator.call("GET", "/n1/status")
        if not state["scrub"]["under_way"] and state["scrub"]["ended"] is not None:
            return state


async def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        (tmp_path / "kept").rename(tmp_path / "away")
        status, answer = await coordinator.call("GET", "/n1/status")
        assert (status, answer["error"]["code"]) == (503, "root_gone")


async def test_flows_that_nobody_uses_are_dropped(tmp_path: Path) -> None:
    async with running(tmp_path) as coordinator:
        codes = [
            (await coordinator.call("POST", "/n1/flows", {"mode": "upload"}))[0] for _ in range(33)
        ]
        assert codes == [200] * 32 + [429]


async def test_when_an_order_is_done_no_earlier_one_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as coordinator:
        begun, may_go_on = threading.Event(), threading.Event()
        real = coordinator.blobs.remove

        def slow(hashes: Sequence[str]) -> list[Problem | None]:
            if hashes:
                begun.set()
                assert may_go_on.wait(SECONDS)
            return real(hashes)

        monkeypatch.setattr(coordinator.blobs, "remove", slow)
        [known] = [content_of(b"content")]
        await coordinator.send([b"content"])

        async def order(number: int, hashes: Sequence[str]) -> tuple[int, bool]:
            body = {"hashes": hashes, "order": number}
            status, _ = await coordinator.call("POST", "/n1/delete", body)
            return status, may_go_on.is_set()

        first = asyncio.create_task(order(1, [known.hash]))
        assert await coordinator.offload(begun.wait, SECONDS)
        second = asyncio.create_task(order(2, []))
        for _ in range(20):  # time enough to be answered too early
            _, state = await coordinator.call("GET", "/n1/status")
            assert state["blobs"] == 1 and not second.done()
        may_go_on.set()
        assert [await first, await second] == [(200, True), (200, True)]
        assert coordinator.blobs.has([known]) == [False]
