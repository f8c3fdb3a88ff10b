"""What a Pydio server tells of changes."""

from pathlib import Path

import orjson
import pytest
from aiohttp import web

from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.pydio.addresses import PydioPlace
from cargo_sync.trees.pydio.changes import BEYOND, ChangeLog
from cargo_sync.trees.remote.feed import ChangedFolders
from tests.trees.pydio.test_folder import opened, put

DIRECTORY = "directory"


def log(text: bytes, folder: str = "f", most: int = 100) -> ChangeLog:
    read = ChangeLog(PydioPlace("https://x", "p", "w", folder), most)
    step = max(7, len(text) // 100)
    for at in range(0, len(text), step):
        read.feed(text[at : at + step])
    read.end()
    return read


def row(source: str, target: str, md5: str | None = "0" * 32) -> bytes:
    line = {"seq": "7", "type": "path", "source": source, "target": target, "node": {"md5": md5}}
    return orjson.dumps(line) + b"\nLAST_SEQ:9"


@pytest.mark.parametrize(
    ("source", "target", "md5", "folders", "below"),
    [
        ("NULL", "/f/a/x", "0" * 32, {"a"}, set()),
        ("/f/x", "/f/x", "0" * 32, {""}, set()),
        ("/f/a/x", "/f/b/x", "0" * 32, {"a", "b"}, set()),
        ("/f/a", "/f/b/a", DIRECTORY, {"", "b"}, {"b/a"}),
        ("/f/a", "NULL", None, {""}, set()),
        ("NULL", "/f/a", None, {""}, {"a"}),
        ("/elsewhere/x", "/f/x", "0" * 32, {""}, set()),
        ("/elsewhere", "/fe/x", DIRECTORY, set(), set()),
        ("/f/.cargo_sync/staging/x", "/f/a/x", "0" * 32, {"a"}, set()),
        ("NULL", "/f/.cargo_sync/trash", DIRECTORY, set(), set()),
        ("NULL", "/f/a/../b/c", DIRECTORY, {"a"}, set()),
        ("NULL", "/f//b", DIRECTORY, {""}, set()),
        ("/f", "/g", DIRECTORY, None, None),
    ],
)
def test_a_row_says_which_folders_are_listed(
    source: str, target: str, md5: str, folders: set[str] | None, below: set[str] | None
) -> None:
    read = log(row(source, target, md5))
    assert (read.rows, read.last, read.whole) == (1, 9, folders is None)
    if folders is not None:
        assert (read.folders, read.below) == (folders, below)


def test_pydios_own_trash_is_no_change_and_the_folder_above_is_a_large_one() -> None:
    assert not log(row("/recycle_bin/x", "/a/x"), "").below
    assert log(row("NULL", "/recycle_bin/x"), "").folders == set()
    assert log(row("/a", "/b", DIRECTORY), "b/c").whole
    assert log(row("/f/a/x", "/f/b/x"), most=1).whole


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[1]\nLAST_SEQ:3", b"<tree/>", b"LAST_SEQ:x", b"x" * 70_000]
)
def test_a_log_that_is_not_complete_says_nothing(text: bytes) -> None:
    with pytest.raises(ProblemError):
        log(text)


async def test_the_server_tells_where_something_changed(tmp_path: Path) -> None:
    top, calls = tmp_path / "p", list[str]()

    async def answer(request: web.Request) -> web.Response | None:
        calls.append(request.path)
        back = restored and f"/changes/{since}/" in request.path
        return web.Response(body=b"LAST_SEQ:1") if back else None

    restored, since = False, 0
    async with opened(tmp_path, answer=answer) as folder:
        await folder.open(make=False)
        assert folder.abilities.feed
        assert await folder.newest_change(0) == 0, "an empty log: the first change has number 1"
        (top / "a/b").mkdir(parents=True)
        entry = await put(folder, "a/x", b"1")
        since = await folder.newest_change(0)
        assert since > 0 and await folder.newest_change(since) == since
        before = len(calls)
        assert await folder.changes(since, 9) == ChangedFolders(set(), set(), since)
        assert calls[before:] == [f"/p/api/default/changes/{since}/"]
        await folder.move("a/x", "a/b/x", entry)
        (top / "y").write_bytes(b"2")
        told = await folder.changes(since, 9)
        assert told is not None and told.cursor > since
        assert (told.folders, told.below) == ({"a", "a/b", ""}, set())
        assert await folder.changes(since, 2) is None
        restored = True
        assert await folder.changes(since, 9) is None
        assert await folder.newest_change(since) == told.cursor
        assert await folder.changes(BEYOND, 9) is None


async def test_a_workspace_without_a_log_is_listed(tmp_path: Path) -> None:
    async with opened(tmp_path, "plain") as folder:
        await folder.open(make=False)
        assert not folder.abilities.feed
        assert await folder.changes(5, 9) is None and await folder.newest_change(5) == 0
