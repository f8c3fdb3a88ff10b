"""Who has one folder of a workspace: it is their root, and nothing is beside it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from cargo_sync.config.grants import Grant
from cargo_sync.lanes.waiting import commit
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.server.flows.public_ends import PublicSink, PublicSource
from cargo_sync.server.grants.view import WorkspaceView
from cargo_sync.trees.placed import below
from tests.server.house import Answer, House, living

WORKSPACE = "/v1/workspaces/shared"
TRASH = ".cargo_sync/trash/20231114T221320Z"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with living(tmp_path) as one:
        house_has(one, "in/ben/a", "in/ben/sub/b", "in/eva/secret")
        one.share({"ana": "rw", "ben": Grant("rw", "in/ben")})
        yield one


def house_has(house: House, *files: str) -> None:
    for path in files:
        place = house.folders["shared"] / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(path.rpartition("/")[2])
    house.intake("shared")


async def ask(house: House, path: str, body: object = None, user: str = "ben") -> Answer:
    return await house.call(
        "GET" if body is None else "POST", f"{WORKSPACE}/{path}", body, user=user
    )


async def operate(house: House, user: str = "ben", **operation: Any) -> dict[str, Any]:
    answer = await ask(house, "operations", {"operations": [operation]}, user)
    result: dict[str, Any] = answer.json["results"][0]
    return result


async def rows(house: House, since: int = 0) -> list[tuple[object, ...]]:
    """Path and kind of each change."""
    answer = await ask(house, f"changes?since={since}")
    return [row[:2] for row in zip(*answer.json["rows"], strict=True)]


async def version(house: House, path: str, user: str = "ben") -> int:
    return int((await ask(house, f"entry?path={path}", user=user)).json["entry"][5])


async def test_it_is_their_root(house: House) -> None:
    tree = (await ask(house, "tree")).json["entries"]
    assert tree[0] == ["a", "sub"]
    assert sorted(await rows(house)) == [("a", "f"), ("sub", "d"), ("sub/b", "f")]
    assert (await house.call("GET", "/v1/files/shared/sub/b", user="ben")).body == b"b"
    page = await house.call("GET", "/v1/files/shared", user="ben")
    assert (page.json["path"], [one["name"] for one in page.json["entries"]]) == ("", ["a", "sub"])
    for path in ("..", "../eva/secret", "in/ben/a", "%2e%2e/eva/secret", "/in/ben/a"):
        for call in (f"/v1/files/shared/{path}", f"{WORKSPACE}/entry?path={path}"):
            answer = await house.call("GET", call, user="ben")
            assert answer.status in (400, 404), call
            assert b"eva/secret' is" not in answer.body


async def test_a_link_leads_nowhere(house: House) -> None:
    (house.folders["shared"] / "in/ben/link").symlink_to("../eva")
    house.intake("shared")
    answer = await house.call("GET", "/v1/files/shared/link/secret", user="ben")
    assert answer.status in (404, 409) and b"eva" not in answer.body


async def test_moves_stay_inside(house: House) -> None:
    at = await version(house, "a")
    assert (await operate(house, op="move", path="a", expected=at, to="../eva/a"))["code"] == (
        "bad_path"
    )
    taken = await operate(house, op="move", path="a", expected=at, to="sub/b")
    assert (taken["code"], taken["message"]) == ("occupied", "'sub/b' exists already")
    moved = await operate(house, op="move", path="a", expected=at, to="new/a")
    assert moved["code"] == "done"
    assert (house.folders["shared"] / "in/ben/new/a").exists()


async def test_what_comes_from_beside_is_new_and_what_goes_there_is_gone(house: House) -> None:
    since = (await ask(house, "changes?since=0")).json["sequence"]
    secret = await version(house, "in/eva/secret", "ana")
    await operate(house, "ana", op="move", path="in/eva/secret", expected=secret, to="in/ben/c")
    a = await version(house, "a")
    await operate(house, "ana", op="move", path="in/ben/a", expected=a, to="in/eva/hidden")
    assert await rows(house, since) == [("c", "f"), ("a", "x")]


async def test_only_their_changes_wake_a_poll(house: House) -> None:
    since = (await ask(house, "changes?since=0")).json["sequence"]
    poll = asyncio.ensure_future(ask(house, f"changes?since={since}&wait=50"))
    while not house.polls:
        await asyncio.sleep(0)
    house_has(house, "in/eva/other")
    await asyncio.sleep(0.01)
    assert not poll.done()
    house_has(house, "in/ben/new")
    answer = await poll
    assert answer.json["rows"][0] == ["new"]


async def test_while_the_folder_is_away_nothing_is_deleted_and_nothing_made(house: House) -> None:
    since = (await ask(house, "changes?since=0")).json["sequence"]
    ben = house.folders["shared"] / "in/ben"
    shutil.move(ben, ben.with_name("elsewhere"))
    house.intake("shared")
    answer = (await ask(house, f"changes?since={since}")).json
    assert (answer["problem"]["code"], answer["rows"]) == ("root_gone", [])
    [space] = [
        one
        for one in (await house.call("GET", "/v1/workspaces", user="ben")).json["workspaces"]
        if one["name"] == "shared"
    ]
    assert space["problem"]["code"] == "root_gone"
    for refused in (
        await ask(house, "tree"),
        await house.call("PUT", "/v1/files/shared/x", b"x", user="ben"),
        await ask(house, "operations", {"operations": [{"op": "mkdir", "path": "x"}]}),
        await ask(house, "trash/restore", {"ids": [1]}),
    ):
        assert refused.code == "root_gone" and b"in/" not in refused.body
    with pytest.raises(ProblemError, match="not there"):
        house.spaces.get("ben", "shared").view.sink("run")
    assert not ben.exists()
    shutil.move(ben.with_name("elsewhere"), ben)
    house.intake("shared")
    back = (await ask(house, f"changes?since={since}")).json
    assert "problem" not in back and "x" not in back["rows"][1]


@pytest.mark.parametrize(("access", "made"), [("rw", True), ("wo", True), ("ro", False)])
async def test_a_folder_that_never_was_is_made_for_who_writes(
    house: House, access: str, made: bool
) -> None:
    house.share({"ana": "rw", "ben": Grant(access, "drop/new/ben")})  # type: ignore[arg-type]
    answer = await ask(house, "changes?since=0")
    assert (house.folders["shared"] / "drop/new/ben").is_dir() == made
    assert ("problem" in answer.json) == (not made)
    if made:
        gone = await version(house, "drop/new/ben", "ana")
        await operate(house, "ana", op="delete", path="drop/new/ben", expected=gone)
        assert (await ask(house, "changes?since=0")).json["problem"]["code"] == "root_gone"
        assert not (house.folders["shared"] / "drop/new/ben").exists()


async def test_what_others_put_in_its_place_is_not_entered(house: House) -> None:
    ben = house.folders["shared"] / "in/ben"
    shutil.rmtree(ben)
    ben.symlink_to("eva")
    house.intake("shared")
    for call in ("tree", "changes?since=0", "entry?path=secret"):
        answer = await ask(house, call)
        assert b"secret'" not in answer.body and b'"secret"' not in answer.body
    assert (await house.call("GET", "/v1/files/shared/secret", user="ben")).status in (
        404,
        409,
        503,
    )


async def test_the_trash_is_that_of_the_folder(house: House) -> None:
    for path, user in (("in/eva/secret", "ana"), ("in/ben/sub/b", "ana"), ("a", "ben")):
        at = await version(house, path, user)
        result = await operate(house, user, op="delete", path=path, expected=at)
        assert result["code"] == "done"
    assert result["displaced"] == f"{TRASH}-http/a"
    page = (await ask(house, "trash")).json
    assert [row["path"] for row in page["rows"]] == ["a", "sub/b"]
    assert (page["files"], page["bytes"]) == (2, 2)
    assert all("in/" not in row["place"] for row in page["rows"])
    ids = {row["path"]: row["id"] for row in (await ask(house, "trash", user="ana")).json["rows"]}
    asked = {"ids": [ids["in/eva/secret"], ids["in/ben/a"]], "to": "again"}
    other, own = (await ask(house, "trash/restore", asked)).json["results"]
    assert (other["code"], other["message"].partition(" (")[0]) == (
        "vanished",
        f"version {ids['in/eva/secret']} is not in the trash",
    )
    assert (own["code"], own["path"]) == ("done", "again/a")
    freed = (await ask(house, "trash/empty", {"ids": [ids["in/eva/secret"]]})).json
    assert freed["files"] == 0
    assert (await ask(house, "trash/empty", {"older": 0})).json["files"] == 1
    left = (await ask(house, "trash", user="ana")).json["rows"]
    assert [row["path"] for row in left] == ["in/eva/secret"]


async def test_where_others_restored_their_version_is_not_told(house: House) -> None:
    at = await version(house, "a")
    await operate(house, op="delete", path="a", expected=at)
    [row] = (await ask(house, "trash")).json["rows"]
    await ask(house, "trash/restore", {"ids": [row["id"]], "to": "secret"}, "ana")
    [row] = (await ask(house, "trash?all=1")).json["rows"]
    assert (row["state"], row["moved_to"]) == ("restored", "")


async def test_the_folder_itself_in_the_trash_is_not_theirs(house: House) -> None:
    at = await version(house, "in/ben", "ana")
    seen = (await ask(house, "changes?since=0")).json["sequence"]
    gone = await operate(house, "ana", op="delete", path="in/ben", expected=at, seen=seen)
    assert gone["code"] == "done"
    [row] = (await ask(house, "trash", user="ana")).json["rows"]
    (house.folders["shared"] / "in/ben").mkdir()
    house.intake("shared")
    assert (await ask(house, "trash")).json["rows"] == []
    restored = (await ask(house, "trash/restore", {"ids": [row["id"]]})).json["results"]
    assert restored[0]["code"] == "vanished"
    assert (await ask(house, "trash/empty", {"older": 0})).json["files"] == 0


async def test_another_folder_is_another_workspace(house: House) -> None:
    def epoch() -> str:
        return house.spaces.get("ben", "shared").view.epoch

    before = epoch()
    house.share({"ben": Grant("rw", "in/ben")})
    assert epoch() == before != house.workspace("shared").epoch
    for other in (Grant("rw", "in/eva"), Grant("rw"), Grant("wo", "in/ben")):
        house.share({"ben": other})
        assert epoch() != before


def offer(path: str, content: bytes, expected: int = 0) -> Offer:
    digest = blake3(content).hexdigest()
    return Offer(path, len(content), 10**18, 0o640, 1, 1, "ab" * 16, expected, hash=digest)


def upload(view: WorkspaceView, folder: str = "") -> PublicSink:
    """The sink of a flow, as the port for lanes makes it."""
    return PublicSink(
        view.sink("run", lambda: None, ChangeCause("ben")), below(view.inside(folder)), view.words
    )


async def test_a_lane_ends_in_the_folder(house: House) -> None:
    view = house.spaces.get("ben", "shared").view
    sink, source = upload(view), PublicSource(view.source(), below(view.inside("")), view.words)
    offers = [
        offer("a", b"two", await version(house, "a")),
        offer("../eva/x", b"x"),
        offer("c/d", b"d"),
    ]
    assert [want.code for want in sink.begin(1, offers)] == ["all", "bad_path", "all"]
    sink.whole(1, 0, memoryview(b"two"))
    sink.whole(1, 2, memoryview(b"d"))
    replaced, bad, new = commit(sink, 1)
    assert (replaced.code, replaced.displaced) == ("done", f"{TRASH}-run/a")
    assert (bad.code, new.code) == ("bad_path", "done")
    assert (house.folders["shared"] / "in/ben/c/d").read_bytes() == b"d"
    [stale] = sink.begin(2, [offer("a", b"three", 1)])
    assert (stale.code, stale.message.partition(" (")[0]) == (
        "changed",
        "'a' has changed: it is not the expected version any more",
    )
    wanted = (await ask(house, "entry?path=c/d")).json["entry"]
    there = offer("c/d", b"d")._replace(version=wanted[5], ident=wanted[6])
    piece = bytearray(1)
    assert source.read([there], [memoryview(piece)]) is None and piece == b"d"
    for bad_path in ("../eva/secret", "x/../../eva/secret", "/in/eva/secret"):
        unread = source.read([there._replace(path=bad_path)], [memoryview(piece)])
        assert unread is not None and unread.problem is not None
        assert unread.problem.code in ("bad_path", "changed")


async def test_a_lane_does_not_make_the_folder_anew(house: House) -> None:
    sink = upload(house.spaces.get("ben", "shared").view)
    sink.begin(1, [offer("new", b"x")])
    sink.whole(1, 0, memoryview(b"x"))
    ben = house.folders["shared"] / "in/ben"
    shutil.move(ben, ben.with_name("elsewhere"))
    assert [one.code for one in commit(sink, 1)] == ["root_gone"]
    assert not ben.exists()
