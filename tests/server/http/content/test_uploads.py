"""Uploads in pieces: as a page in a browser sends them."""

import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.model import checkpoints
from cargo_sync.server.http.content import unfinished, uploads
from tests.server.house import NOW, Answer, House, living

UPLOADS = "/v1/uploads"
CONTENT = bytes(range(100))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes files resumable, and pieces small, so that nothing large is written."""
    monkeypatch.setattr(checkpoints, "RESUMABLE", 32)
    monkeypatch.setattr(unfinished, "PIECE", 40)
    monkeypatch.setattr(uploads, "PIECE", 40)
    yield


async def begin(
    house: House,
    path: str = "in/big.bin",
    *,
    expected: int = 0,
    user: str = "ana",
    ws: str = "default",
) -> Answer:
    body = {
        "workspace": ws, "path": path, "size": len(CONTENT), "mtime_ns": 5 * 10**9,
        "expected": expected,
    }  # fmt: skip
    return await house.call("POST", UPLOADS, body, user=user)


async def piece(
    house: House, id: str, at: int, content: bytes, *, digest: str | None = None, user: str = "ana"
) -> Answer:
    if digest is None:
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
    headers = {"Upload-Offset": f"{at}", "Content-Digest": digest}
    return await house.call("PATCH", f"{UPLOADS}/{id}", content, user=user, headers=headers)


async def sent(house: House, id: str, start: int = 0, end: int = len(CONTENT)) -> Answer:
    """Sends a part of the content; the last answer."""
    for at in range(start, end, 40):
        answer = await piece(house, id, at, CONTENT[at : min(at + 40, end)])
    return answer


def staged(house: House) -> list[str]:
    return os.listdir(house.folders["ana"] / ".cargo_sync" / "staging")


async def test_a_file_comes_in_pieces(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        begun = await begin(house)
        assert begun.status == 201
        assert (begun.json["offset"], begun.json["piece"]) == (0, 40)
        id = begun.json["id"]
        first = await piece(house, id, 0, CONTENT[:40])
        assert (first.status, first.json, first.headers["Upload-Offset"]) == (
            200,
            {"offset": 40},
            "40",
        )
        assert not (house.folders["ana"] / "in").exists()
        last = await sent(house, id, 40)
        assert last.status == 201
        there = house.folders["ana"] / "in" / "big.bin"
        assert there.read_bytes() == CONTENT
        assert there.stat().st_mtime_ns == 5 * 10**9
        held = await house.call("HEAD", "/v1/files/default/in/big.bin")
        assert last.json["published"]["etag"] == last.headers["ETag"] == held.headers["ETag"]
        assert last.headers["X-Blake3"] == held.headers["X-Blake3"]
        assert staged(house) == []
        assert (await house.call("GET", UPLOADS)).json == {"uploads": []}
        assert (await house.call("GET", f"{UPLOADS}/{id}")).code == "unknown"


async def test_it_goes_on_after_a_restart_of_the_server(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        id = (await begin(house)).json["id"]
        await sent(house, id, 0, 80)
    async with living(tmp_path) as house:
        [row] = (await house.call("GET", UPLOADS)).json["uploads"]
        assert row == {
            "id": id, "workspace": "default", "path": "in/big.bin", "size": 100,
            "mtime_ns": 5 * 10**9, "expected": 0, "offset": 80,
        }  # fmt: skip
        looked = await house.call("GET", f"{UPLOADS}/{id}")
        assert looked.headers["Upload-Offset"] == "80"
        assert looked.json == row | {
            "digests": [
                {
                    "start": start,
                    "end": end,
                    "digest": hashlib.sha256(CONTENT[start:end]).hexdigest(),
                }
                for start, end in ((0, 40), (40, 80))
            ]
        }
        assert (await sent(house, id, 80)).status == 201
        assert (house.folders["ana"] / "in" / "big.bin").read_bytes() == CONTENT


async def test_what_the_disk_has_lost_is_asked_for_again(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        id = (await begin(house)).json["id"]
        await sent(house, id, 0, 80)
        [part] = (house.folders["ana"] / ".cargo_sync" / "staging").iterdir()
    part.write_bytes(CONTENT[:20])
    async with living(tmp_path) as house:
        late = await piece(house, id, 80, CONTENT[80:])
        assert (late.status, late.code) == (412, "stale")
        at = int(late.headers["Upload-Offset"])
        assert at == 0
        assert (await sent(house, id, at)).status == 201
        assert (house.folders["ana"] / "in" / "big.bin").read_bytes() == CONTENT


async def test_a_piece_at_another_place_is_refused_and_told_where(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        id = (await begin(house)).json["id"]
        await piece(house, id, 0, CONTENT[:40])
        for at in (0, 39, 41, 60):
            answer = await piece(house, id, at, CONTENT[at : at + 10])
            assert (answer.status, answer.code) == (412, "stale")
            assert answer.headers["Upload-Offset"] == "40"
        assert (await sent(house, id, 40)).status == 201


async def test_a_damaged_piece_is_not_taken(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        id = (await begin(house)).json["id"]
        good = base64.b64encode(hashlib.sha256(CONTENT[:40]).digest()).decode()
        answer = await piece(house, id, 0, CONTENT[1:41], digest=f"sha-256=:{good}:")
        assert (answer.status, answer.code) == (400, "corrupt")
        for bad in ("", "sha-256=abc", "md5=:AAAA:", f"sha-256=:{good}", f"sha-512=:{good}:"):
            answer = await piece(house, id, 0, CONTENT[:40], digest=bad)
            assert (answer.status, answer.code) == (400, "bad_request"), bad
        both = f"md5=:AAAA:, sha-256=:{good}:"
        assert (await piece(house, id, 0, CONTENT[:40], digest=both)).status == 200


async def test_more_than_was_said_is_refused(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        id = (await begin(house)).json["id"]
        await sent(house, id, 0, 80)
        assert (await piece(house, id, 80, b"x" * 40)).code == "too_large"
        assert (await piece(house, id, 80, b"x" * 41)).code == "too_large"
        assert (await sent(house, id, 80)).status == 201


async def test_nothing_is_overwritten_that_the_user_has_not_seen(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await house.call("PUT", "/v1/files/default/in/big.bin", b"before")
        assert (await begin(house)).code == "occupied"
        assert (await begin(house, expected=77)).code == "changed"
        assert (await house.call("GET", UPLOADS)).json == {"uploads": []}
        held = (await house.call("GET", "/v1/workspaces/default/entry?path=in/big.bin")).json
        version = held["entry"][5]
        id = (await begin(house, expected=version)).json["id"]
        await sent(house, id, 0, 80)
        await house.call("PUT", "/v1/files/default/in/big.bin", b"meanwhile")
        last = await sent(house, id, 80)
        assert (last.status, last.code) == (409, "changed")
        there = house.folders["ana"] / "in" / "big.bin"
        assert there.read_bytes() == b"meanwhile"
        # What was sent is not lost: the user looks again, and decides.
        [row] = (await house.call("GET", UPLOADS)).json["uploads"]
        assert row["offset"] == 100
        held = (await house.call("GET", "/v1/workspaces/default/entry?path=in/big.bin")).json
        over = {"expected": held["entry"][5]}
        assert (await house.call("POST", f"{UPLOADS}/{id}", over)).status == 200
        assert there.read_bytes() == CONTENT
        trash = house.folders["ana"] / ".cargo_sync" / "trash"
        found = {file.read_bytes() for file in trash.rglob("*") if file.is_file()}
        assert found == {b"before", b"meanwhile"}


async def test_what_it_replaces_may_be_said_anew(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        id = (await begin(house)).json["id"]
        await sent(house, id, 0, 80)
        wrong = await house.call("POST", f"{UPLOADS}/{id}", {"expected": 5})
        assert (wrong.status, wrong.code) == (409, "changed")
        await house.call("PUT", "/v1/files/default/in/big.bin", b"meanwhile")
        held = (await house.call("GET", "/v1/workspaces/default/entry?path=in/big.bin")).json
        over = await house.call("POST", f"{UPLOADS}/{id}", {"expected": held["entry"][5]})
        assert (over.status, over.json) == (200, {"offset": 80})
        assert (house.folders["ana"] / "in" / "big.bin").read_bytes() == b"meanwhile"
        assert (await sent(house, id, 80)).status == 200
        assert (house.folders["ana"] / "in" / "big.bin").read_bytes() == CONTENT


async def test_it_is_given_up_with_what_has_arrived(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        id = (await begin(house)).json["id"]
        await sent(house, id, 0, 80)
        assert len(staged(house)) == 1
        assert (await house.call("DELETE", f"{UPLOADS}/{id}")).status == 200
        assert staged(house) == []
        assert (await piece(house, id, 80, CONTENT[80:])).code == "unknown"


async def test_nobody_else_may_use_it(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        id = (await begin(house)).json["id"]
        assert (await piece(house, id, 0, CONTENT[:40], user="ben")).code == "unknown"
        for method in ("GET", "DELETE"):
            assert (await house.call(method, f"{UPLOADS}/{id}", user="ben")).code == "unknown"
        assert (await house.call("GET", UPLOADS, user="ben")).json == {"uploads": []}
        assert (await house.call("GET", UPLOADS, user="")).status == 401
        assert (await sent(house, id)).status == 201


async def test_who_may_only_read_begins_none_and_who_loses_it_goes_on_with_none(
    tmp_path: Path,
) -> None:
    async with living(tmp_path) as house:
        assert (await begin(house, user="ben", ws="shared")).code == "read_only"
        id = (await begin(house, ws="shared")).json["id"]
        assert (await piece(house, id, 0, CONTENT[:40])).status == 200
        house.share({"ana": "ro"})
        assert (await piece(house, id, 40, CONTENT[40:80])).code == "read_only"
        house.share({})
        assert (await piece(house, id, 40, CONTENT[40:80])).code == "unknown"
        assert (await house.call("DELETE", f"{UPLOADS}/{id}")).status == 200


async def test_a_path_is_checked(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        for path, code in (
            ("", "bad_request"), ("../x", "bad_path"), ("a//b", "bad_path"),
            (".cargo_sync/x", "reserved_name"),
        ):  # fmt: skip
            assert (await begin(house, path)).code == code
        await house.call("PUT", "/v1/files/default/folder/x", b"x")
        assert (await begin(house, "folder")).code == "is_a_folder"


async def test_a_user_has_a_hundred_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "PER_USER", 2)
    async with living(tmp_path) as house:
        for number in range(2):
            assert (await begin(house, f"{number}")).status == 201
        full = await begin(house, "3")
        assert (full.status, full.code) == (429, "busy")
        assert (await begin(house, "3", user="ben")).status == 201


async def test_an_idle_one_gives_its_room_back_and_goes_on(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        id = (await begin(house)).json["id"]
        await sent(house, id, 0, 80)
        house.clock.now += unfinished.IDLE + 1
        house.uploads.close_idle()
        assert house.uploads.open_now == 0
        assert (await sent(house, id, 80)).status == 201


async def test_a_file_that_replaces_another_one_keeps_its_mode(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        there = house.folders["ana"] / "in" / "big.bin"
        there.parent.mkdir()
        there.write_bytes(b"before")
        there.chmod(0o750)
        house.intake("ana")
        held = (await house.call("GET", "/v1/workspaces/default/entry?path=in/big.bin")).json
        id = (await begin(house, expected=held["entry"][5])).json["id"]
        assert (await sent(house, id)).status == 200
        assert there.stat().st_mode & 0o777 == 0o750
        assert there.read_bytes() == CONTENT


async def test_one_that_nobody_goes_on_with_is_forgotten_after_a_week(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        id = (await begin(house)).json["id"]
        await sent(house, id, 0, 80)
        house.wall.now = NOW + 7 * 86_400 + 1
        assert house.uploads.purge(house.wall.now - 7 * 86_400, 10) == 1
        assert (await piece(house, id, 80, CONTENT[80:])).code == "unknown"
