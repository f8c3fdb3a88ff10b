"""A drop box: names of what one added, nothing else, and only where nothing is."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from cargo_sync.config.grants import Grant
from cargo_sync.lanes.waiting import commit
from cargo_sync.local.staging_sink import LOOKED_AT
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.workspace.folder.commit import WorkspaceCommit
from tests.server.grants.test_subfolder import ask, house_has, offer, operate, rows, upload
from tests.server.house import Answer, Headers, House, living


@pytest.fixture(params=["", "in/ben"])
async def house(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async with living(tmp_path) as one:
        house_has(one, "others/file", "in/ben/others/file", "in/ben/taken", "taken")
        one.share({"ana": "rw", "ben": Grant("wo", request.param)})
        yield one


def place(house: House) -> Path:
    """The folder that ben sees as the workspace."""
    return house.folders["shared"] / house.spaces.get("ben", "shared").view.path


async def put(house: House, path: str, content: bytes = b"x", headers: Headers = None) -> Answer:
    return await house.call("PUT", f"/v1/files/shared/{path}", content, user="ben", headers=headers)


async def test_they_see_what_they_added(house: House) -> None:
    assert await rows(house) == []
    assert (await ask(house, "tree")).json["entries"] == []
    assert (await put(house, "new/a", b"one")).status == 201
    assert await rows(house) == [("new", "d"), ("new/a", "f")]
    entry = (await ask(house, "entry?path=new/a")).json["entry"]
    assert entry[:3] == ["a", "f", 3]
    page = (await house.call("GET", "/v1/files/shared/new/", user="ben")).json
    assert [one["name"] for one in page["entries"]] == ["a"]
    for path in ("new/a", "taken", "nothing"):
        answer = await house.call("GET", f"/v1/files/shared/{path}", user="ben")
        assert (answer.status, answer.code) == (403, "write_only")


async def test_a_poll_wakes_for_what_they_add_alone(house: House) -> None:
    poll = asyncio.ensure_future(ask(house, "changes?since=0&wait=50"))
    while not house.polls:
        await asyncio.sleep(0)
    house_has(house, "others/new", "in/ben/others/new")
    await asyncio.sleep(0.01)
    assert not poll.done()
    await put(house, "mine")
    assert (await poll).json["rows"][0] == ["mine"]


@pytest.mark.parametrize("path", ["taken", "others", "taken/below"])
async def test_what_is_there_is_told_by_one_word(house: House, path: str) -> None:
    for headers in ({}, {"If-None-Match": "*"}):
        answer = await put(house, path, headers=headers)
        assert (answer.status, answer.code) == (409, "occupied")
        assert answer.json["error"]["message"] == (
            f"something is at {path!r} already, and you may only add files here"
        )
    assert (place(house) / "taken").read_text() == "taken"
    sink = upload(house.spaces.get("ben", "shared").view)
    same = offer(path, b"taken")
    large = same._replace(size=LOOKED_AT, transfer="cd" * 16, hash="")
    wants = sink.begin(1, [same._replace(expected=3), large])
    assert {want.code for want in wants} <= {"occupied", "all"}
    for index, want in enumerate(wants):
        if want.code == "all":  # that a folder above it is a file shows when it is published
            sink.whole(1, index, memoryview(bytes(LOOKED_AT) if index else b"taken"))
    for told in commit(sink, 1):
        assert (told.code, told.hash, told.version, told.mtime_ns) == ("occupied", "", 0, 0)
        assert told.message.startswith(f"something is at {path!r} already, and you may only")


async def test_the_same_content_is_not_told_from_another(house: House) -> None:
    """Who guesses what is there must not be able to find out whether the guess is right."""
    content = (place(house) / "taken").read_bytes()
    there = (place(house) / "taken").stat()
    right = offer("taken", content)._replace(
        mtime_ns=there.st_mtime_ns, mode=there.st_mode & 0o7777
    )
    wrong = right._replace(hash="00" * 32)
    answers = []
    for number, guess in enumerate((right, wrong)):
        sink = upload(house.spaces.get("ben", "shared").view)
        answers.append(sink.begin(number, [guess]))
    assert answers[0] == answers[1]


async def test_a_lane_adds(house: House) -> None:
    view = house.spaces.get("ben", "shared").view
    sink = upload(view, "sub")
    assert [want.code for want in sink.begin(1, [offer("a", b"a"), offer("b", b"b", 7)])] == [
        "all",
        "all",
    ]
    for index, content in enumerate((b"a", b"b")):
        sink.whole(1, index, memoryview(content))
    receipts = commit(sink, 1)
    assert [one.code for one in receipts] == ["done", "done"]
    shown = (await ask(house, "changes?since=0&under=sub")).json["rows"]
    assert shown[0] == ["a", "b"] and shown[5] == [one.version for one in receipts]
    assert (place(house) / "sub/b").read_bytes() == b"b"
    with pytest.raises(ProblemError, match="add files"):
        view.source()


async def test_what_others_do_with_it_is_not_told(house: House) -> None:
    await put(house, "a", b"one")
    before = await rows(house)
    (place(house) / "a").rename(place(house) / "collected")
    house.intake("shared")
    assert await rows(house) == before
    assert (await put(house, "a", b"second")).status == 201  # nothing is there any more
    (place(house) / "a").write_bytes(b"changed by others")
    house.intake("shared")
    entry = (await ask(house, "entry?path=a")).json["entry"]
    assert entry[2] == len(b"second")
    assert (await put(house, "a", b"third")).code == "occupied"


async def test_folders_are_made_once(house: House) -> None:
    async def mkdir(path: str, **more: Any) -> dict[str, Any]:
        return await operate(house, op="mkdir", path=path, mode=0o750, **more)

    made = await mkdir("new")
    again = await mkdir("new", expected=made["version"])
    assert (made["code"], again) == ("done", made)
    assert (await mkdir("others"))["code"] == "done"  # others made it: now ben has it, too
    taken = await mkdir("taken", expected=1)
    assert taken["code"] == "occupied" and (place(house) / "taken").is_file()
    assert await rows(house) == [("new", "d"), ("others", "d")]


async def test_it_stays_over_a_restart_of_the_grants(house: House) -> None:
    await put(house, "a")
    first = (await ask(house, "changes?since=0")).json
    path = house.spaces.get("ben", "shared").view.path
    house.share({"ben": Grant("ro", path)})
    house.share({"ben": Grant("wo", path)})
    second = (await ask(house, "changes?since=0")).json
    assert second | {"life": ""} == first | {"life": ""}  # it was opened anew
    house.share({"ana": Grant("wo", path)})
    assert (await ask(house, "changes?since=0", user="ana")).json["rows"] == [[]] * 9


class KilledError(Exception):
    """The server is killed here."""


@pytest.mark.parametrize(
    ("others", "code"),
    [("", "done"), ("another content", "occupied"), ("theirs", "occupied"), ("gone", "done")],
)
async def test_a_kill_before_the_receipt_does_not_take_the_place_from_its_owner(
    house: House, monkeypatch: pytest.MonkeyPatch, others: str, code: str
) -> None:
    def cut(*_: object) -> None:
        raise KilledError

    mine = offer("new/a", b"one")._replace(hash="")
    sink = upload(house.spaces.get("ben", "shared").view)
    with monkeypatch.context() as patched:
        patched.setattr(WorkspaceCommit, "record", cut)
        sink.begin(1, [mine])
        sink.whole(1, 0, memoryview(b"one"))
        with pytest.raises(KilledError):
            commit(sink, 1)
    there = place(house) / "new/a"
    assert there.read_bytes() == b"one"
    if others == "another content":
        there.write_bytes(b"two")
        os.utime(there, ns=(mine.mtime_ns, mine.mtime_ns))
        mine = mine._replace(hash=blake3(b"one").hexdigest())
    elif others == "theirs":
        there.write_bytes(b"of another size")
    elif others == "gone":
        there.unlink()
    house.intake("shared")
    sink = upload(house.spaces.get("ben", "shared").view)
    if sink.begin(1, [mine])[0].code == "all":
        sink.whole(1, 0, memoryview(b"one"))
    [receipt] = commit(sink, 1)
    assert receipt.code == code
    assert await rows(house) == ([("new", "d"), ("new/a", "f")] if code == "done" else [])
    if code == "done":
        assert receipt.hash == blake3(b"one").hexdigest() and there.read_bytes() == b"one"
        sink = upload(house.spaces.get("ben", "shared").view)
        assert sink.begin(1, [mine])[0].code == "occupied"  # it was said once


async def test_what_did_not_come_is_not_said_to_have_come(house: House) -> None:
    sink = upload(house.spaces.get("ben", "shared").view)
    mine = offer("taken", b"taken")
    (place(house) / "taken").rename(place(house) / "away")
    house.intake("shared")
    sink.begin(1, [mine])
    sink.whole(1, 0, memoryview(b"taken"))
    (place(house) / "away").rename(place(house) / "taken")
    os.utime(place(house) / "taken", ns=(mine.mtime_ns, mine.mtime_ns))
    assert [one.code for one in commit(sink, 1)] == ["occupied"]
    house.intake("shared")
    sink = upload(house.spaces.get("ben", "shared").view)
    assert sink.begin(1, [mine])[0].code == "occupied"
