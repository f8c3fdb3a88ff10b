"""Plain files over HTTP, as curl and browsers use them."""

import asyncio
import base64
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import aiohttp
import pytest
from blake3 import blake3
from multidict import CIMultiDict

from cargo_sync.local.system import System, Volume
from cargo_sync.process.http.limits import sent
from cargo_sync.server.http.content import files
from cargo_sync.server.workspace.folder.upload import FolderUpload
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.state.history import HistoryFilter
from tests.local.samples import IN_2300, dated
from tests.server.house import NOW, PASSWORDS, House, living

FILES = "/v1/files/default"


async def put(house: House, name: str, content: bytes, **headers: str) -> tuple[int, str]:
    """The status, and the ETag of what is there now."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await house.call("PUT", f"{FILES}/{name}", content, headers=sent)
    return answer.status, answer.headers.get("ETag", "")


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def trash(house: House) -> list[bytes]:
    """What was displaced."""
    place = house.folders["ana"] / ".cargo_sync" / "trash"
    return sorted(path.read_bytes() for path in place.rglob("*") if path.is_file())


async def test_a_file_goes_in_and_comes_out(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        content = os.urandom(3 * files.CHUNK + 17)
        answer = await house.call("PUT", f"{FILES}/a%20b/%C3%A9.jpg", io.BytesIO(content))
        assert answer.status == 201
        assert answer.headers["X-Blake3"] == blake3(content).hexdigest()
        there = house.folders["ana"] / "a b" / "é.jpg"
        assert there.read_bytes() == content
        assert there.stat().st_mtime == NOW
        back = await house.call("GET", f"{FILES}/a%20b/%C3%A9.jpg")
        assert (back.status, back.body == content) == (200, True)
        assert back.headers["ETag"] == answer.headers["ETag"]
        assert back.headers["Content-Type"] == "image/jpeg"
        assert back.headers["Content-Security-Policy"] == "sandbox"
        assert back.headers["X-Content-Type-Options"] == "nosniff"
        assert back.headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
        head = await house.call("HEAD", f"{FILES}/a%20b/%C3%A9.jpg")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == str(len(content))
        staging = house.folders["ana"] / ".cargo_sync" / "staging"
        assert list(staging.iterdir()) == []


async def test_basic_logins_as_curl_sends_them(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await put(house, "file", b"x")
        for name, password, status in (
            ("ana", PASSWORDS["ana"], 200),
            ("ana", "wrong", 401),
            ("nobody", "x", 401),
        ):
            answer = await house.call(
                "GET", f"{FILES}/file", user="", headers=basic(name, password)
            )
            assert answer.status == status
        header = basic("ana", PASSWORDS["ana"])
        answer = await house.call("GET", "/v1/workspaces", user="", headers=header)
        assert answer.status == 401  # the API takes tokens


RANGES = [
    ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
    ("bytes=7-", 206, b"789", "bytes 7-9/10"),
    ("bytes=-2", 206, b"89", "bytes 8-9/10"),
    ("bytes=0-1,3-4", 200, b"0123456789", None),
    ("bytes=10-", 416, None, "bytes */10"),
]


async def test_ranges(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await put(house, "digits", b"0123456789")
        for asked, status, body, shown in RANGES:
            answer = await house.call("GET", f"{FILES}/digits", headers={"Range": asked})
            assert (answer.status, answer.headers.get("Content-Range")) == (status, shown)
            assert answer.code == "bad_range" if body is None else answer.body == body


async def test_conditional_reads(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        _, tag = await put(house, "file", b"one")
        answer = await house.call("GET", f"{FILES}/file", headers={"If-None-Match": tag})
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
        answer = await house.call("GET", f"{FILES}/file", headers={"If-Match": '"other"'})
        assert (answer.status, answer.code) == (412, "stale")
        old = {"Range": "bytes=0-0", "If-Range": '"other"'}
        assert (await house.call("GET", f"{FILES}/file", headers=old)).status == 200


async def test_conditional_writes(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        created, first = await put(house, "file", b"one", If_None_Match="*")
        assert created == 201
        assert (await put(house, "file", b"two", If_None_Match="*"))[0] == 412
        replaced, second = await put(house, "file", b"two", If_Match=first)
        assert (replaced, second != first) == (204, True)
        assert (await put(house, "file", b"three", If_Match=first))[0] == 412
        assert (await put(house, "other", b"three", If_Match="*"))[0] == 412
        assert (house.folders["ana"] / "file").read_bytes() == b"two"
        assert trash(house) == [b"one"]
        assert (await put(house, "file", b"four"))[0] == 204
        assert trash(house) == [b"one", b"two"]


async def test_the_folder_is_the_truth(tmp_path: Path) -> None:
    """Another program writes: the next reader gets that, and a writer who has not seen it is
    refused."""
    async with living(tmp_path) as house:
        _, tag = await put(house, "file", b"one")
        (house.folders["ana"] / "file").write_bytes(b"by hand")
        assert (await put(house, "file", b"two", If_Match=tag))[0] == 412
        answer = await house.call("GET", f"{FILES}/file")
        assert (answer.body, answer.headers["ETag"] != tag) == (b"by hand", True)
        assert (await put(house, "file", b"two", If_Match=answer.headers["ETag"]))[0] == 204
        assert trash(house) == [b"by hand"]
        (house.folders["ana"] / "file").unlink()
        assert (await house.call("GET", f"{FILES}/file")).status == 404
        assert (await put(house, "file", b"three", If_None_Match="*"))[0] == 201


async def test_conditions_are_looked_at_again_when_it_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with living(tmp_path) as house:
        _, tag = await put(house, "file", b"one")
        admitted, going = asyncio.Event(), asyncio.Event()
        stage = FolderWorkspace.stage

        def staged(workspace: FolderWorkspace, *args: Any) -> FolderUpload:
            upload = stage(workspace, *args)
            admitted.set()
            return upload

        async def body() -> AsyncIterator[bytes]:
            yield b"tw"
            await going.wait()
            yield b"o"

        monkeypatch.setattr(FolderWorkspace, "stage", staged)
        headers = {"If-Match": tag, "Content-Length": "3"}
        writing = asyncio.ensure_future(house.call("PUT", f"{FILES}/file", body(), headers=headers))
        await admitted.wait()
        (house.folders["ana"] / "file").write_bytes(b"meanwhile")
        going.set()
        answer = await writing
        assert (answer.status, answer.code) == (412, "stale")
        assert (house.folders["ana"] / "file").read_bytes() == b"meanwhile"
        assert list((house.folders["ana"] / ".cargo_sync" / "staging").iterdir()) == []


OUTSIDE = [
    "../ben/secret",
    "%2e%2e/ben/secret",
    "..%2fben%2fsecret",
    "a/../../ben/secret",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "a%00b",
    ".cargo_sync/marker",
    ".cargo_sync%2fmarker",
    "a//b",
    "x" * 300,
]


async def test_no_way_out_of_the_folder(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ben"] / "secret").write_text("ben's")
        before = _standing(tmp_path)
        for path in OUTSIDE:
            for method, body in (("GET", None), ("HEAD", None), ("PUT", b"x")):
                answer = await house.call(method, f"{FILES}/{path}", body)
                assert answer.status in (400, 404), (method, path)
                assert b"ben's" not in answer.body
        assert _standing(tmp_path) == before


def _standing(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if "state.db" not in path.name)


async def test_links_are_not_followed(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ben"] / "secret").write_text("ben's")
        (house.folders["ana"] / "out").symlink_to(house.folders["ben"])
        (house.folders["ana"] / "file").symlink_to(house.folders["ben"] / "secret")
        for path in ("file", "out", "out/secret"):
            answer = await house.call("GET", f"{FILES}/{path}")
            assert (answer.status, answer.code) == (409, "symlink")
        assert (await put(house, "out/new", b"x"))[0] == 409
        assert (await put(house, "file", b"mine"))[
            0
        ] == 204  # the link makes way, what it led to does not
        assert (house.folders["ben"] / "secret").read_text() == "ben's"
        assert sorted(os.listdir(house.folders["ben"])) == [".cargo_sync", "secret"]


async def test_a_folder_that_a_link_took_the_place_of_is_not_reached_any_more(
    tmp_path: Path,
) -> None:
    """The path leads to the same folder as a moment before, which is now outside."""
    async with living(tmp_path) as house:
        assert (await put(house, "a/b/file", b"mine"))[0] == 201
        assert (await house.call("GET", f"{FILES}/a/b/file")).status == 200
        (house.folders["ana"] / "a").rename(tmp_path / "outside")
        (house.folders["ana"] / "a").symlink_to(tmp_path / "outside")
        for path in ("a/b/file", "a/b/new", "a/b/c/new"):
            assert (await put(house, path, b"through"))[0] == 409
        for path in ("a/b/file", "a/b"):
            answer = await house.call("GET", f"{FILES}/{path}")
            assert (answer.status, answer.code) == (409, "symlink")
        assert (tmp_path / "outside" / "b" / "file").read_bytes() == b"mine"
        assert os.listdir(tmp_path / "outside" / "b") == ["file"]


async def test_folders_are_listed(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await put(house, "docs/%3Cscript%3E", b"x")
        await put(house, "docs/a", b"abc")
        await put(house, "docs/photo%E2%80%AEgpj.exe", b"xy")
        answer = await house.call("GET", f"{FILES}/docs/")
        shown = [(e["name"], e["kind"], e["size"]) for e in answer.json["entries"]]
        assert shown == [("<script>", "f", 1), ("a", "f", 3), ("photo\u202egpj.exe", "f", 2)]
        more = await house.call("GET", f"{FILES}/docs?after=%3Cscript%3E")
        assert [e["name"] for e in more.json["entries"]] == ["a", "photo\u202egpj.exe"]
        assert [e["name"] for e in (await house.call("GET", FILES)).json["entries"]] == ["docs"]


async def test_a_name_may_have_any_character(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        assert await put(house, "two%0Alines", b"x") == (201, ANY)
        assert (house.folders["ana"] / "two\nlines").read_bytes() == b"x"
        assert (await house.call("GET", f"{FILES}/two%0Alines")).body == b"x"


async def test_a_path_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        for method in ("GET", "PUT"):
            for name in ("caf%E9.txt", "%ff", "a%C3/b"):
                body = b"x" if method == "PUT" else None
                answer = await house.call(method, f"{FILES}/{name}", body)
                assert (answer.status, answer.code) == (400, "bad_path"), name
        assert os.listdir(house.folders["ana"]) in ([], [".cargo_sync"])


async def test_a_file_with_a_slash_after_it_is_no_file(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await put(house, "file", b"x")
        assert (await house.call("GET", f"{FILES}/file/")).status == 404
        assert (await house.call("GET", f"{FILES}/file")).status == 200


@pytest.mark.parametrize(
    ("name", "content", "type"),
    [
        ("a.txt", "héllo".encode(), "text/plain; charset=utf-8"),
        ("a.txt", "é".encode() * 40_000, "text/plain; charset=utf-8"),
        ("b.txt", b"x" + "é".encode() * 40_000, "text/plain; charset=utf-8"),
        ("a.txt", b"h\xe9llo", "text/plain"),
        ("a.bin", "héllo".encode(), "application/octet-stream"),
        ("a.csv", b"", "text/csv; charset=utf-8"),
    ],
)
async def test_a_text_says_that_it_is_utf_8(
    tmp_path: Path, name: str, content: bytes, type: str
) -> None:
    async with living(tmp_path) as house:
        await put(house, name, content)
        answer = await house.call("GET", f"{FILES}/{name}")
        assert (answer.headers["Content-Type"], answer.body) == (type, content)


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("a.html", "sandbox"),
        ("a.svg", "sandbox"),
        ("a.pdf", "sandbox"),
        ("a.mp4", "sandbox allow-same-origin"),
        ("a.wav", "sandbox allow-same-origin"),
    ],
)
async def test_browsers_play_files_and_never_run_them(
    tmp_path: Path, name: str, policy: str
) -> None:
    async with living(tmp_path) as house:
        await put(house, name, b"x")
        answer = await house.call("HEAD", f"{FILES}/{name}")
        assert answer.headers["Content-Security-Policy"] == policy


async def test_no_file_was_modified_in_the_future(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await put(house, "file", b"x", X_Mtime=str(int(NOW) + 86_400))
        answer = await house.call("HEAD", f"{FILES}/file")
        assert answer.headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"


async def test_conditions_are_obeyed_or_refused(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        _, first = await put(house, "file", b"1")
        date = "Tue, 14 Nov 2023 22:13:20 GMT"
        wrong = {"If-Match": "no quotes"}, {"If-None-Match": '*, "a"'}
        for headers in (*wrong, {"If-Unmodified-Since": date}):
            answer = await house.call("PUT", f"{FILES}/file", b"2", headers=headers)
            assert (answer.status, answer.code) == (400, "bad_request"), headers
        tags = [("If-None-Match", '"other"'), ("If-None-Match", first)]
        answer = await house.call("PUT", f"{FILES}/file", b"2", headers=CIMultiDict(tags))
        assert answer.status == 412
        assert (house.folders["ana"] / "file").read_bytes() == b"1"
        for since, status in ((date, 200), ("Tue, 14 Nov 2023 22:13:19 GMT", 412)):
            headers = {"If-Unmodified-Since": since}
            assert (await house.call("GET", f"{FILES}/file", headers=headers)).status == status


async def test_a_body_is_asked_for_when_it_is_wanted(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await put(house, "file", b"1")
        wrong = basic("ana", "wrong")
        right = basic("ana", PASSWORDS["ana"])
        cases: list[tuple[dict[str, str], bytes]] = [
            (wrong, b"HTTP/1.1 401 "),
            (right | {"If-None-Match": "*"}, b"HTTP/1.1 412 "),
            (right, b"HTTP/1.1 100 Continue\r\n\r\n"),
        ]
        for headers, begin in cases:
            reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            head = f"PUT {FILES}/file HTTP/1.1\r\nHost: a\r\n{lines}"
            writer.write(f"{head}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n".encode())
            assert (await reader.readexactly(len(begin))) == begin
            if headers is right:
                writer.write(b"new")
                assert (await reader.readline()).startswith(b"HTTP/1.1 204 ")
            writer.close()
        assert (house.folders["ana"] / "file").read_bytes() == b"new"


async def test_a_method_that_is_not_allowed_names_those_that_are(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        answer = await house.call("POST", f"{FILES}/file")
        assert (answer.status, answer.code) == (405, "method")
        assert answer.headers["Allow"] == "GET,HEAD,PUT"


UNFIT: list[tuple[str, dict[str, str], int, str]] = [
    ("folder", {}, 409, "is_a_folder"),
    ("folder/", {}, 400, "bad_request"),
    ("file/below", {}, 409, "not_a_folder"),
    ("new", {"Content-Range": "bytes 0-1/3"}, 400, "bad_request"),
    ("new", {"Content-Encoding": "gzip"}, 415, "unsupported"),
    ("new", {"X-Mtime": "yesterday"}, 400, "bad_request"),
    ("new", {"X-Mtime": "1e9"}, 400, "bad_request"),
    ("new", {"X-Mtime": ""}, 400, "bad_request"),
]


async def test_what_cannot_be_put(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "folder").mkdir()
        (house.folders["ana"] / "file").write_text("x")
        for path, headers, status, code in UNFIT:
            answer = await house.call("PUT", f"{FILES}/{path}", b"x", headers=headers)
            assert (answer.status, answer.code) == (status, code)
        assert not (house.folders["ana"] / "new").exists()


async def test_the_time_of_last_change_can_be_given(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await put(house, "file", b"x", X_Mtime="1234567890.123456789")
        assert (house.folders["ana"] / "file").stat().st_mtime_ns == 1234567890123456789


async def test_a_file_of_the_year_2300_can_be_read(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "odd").write_text("odd")
        dated(house.folders["ana"] / "odd", IN_2300)
        answer = await house.call("GET", f"{FILES}/odd")
        assert (answer.status, answer.body) == (200, b"odd")
        names = [one["name"] for one in (await house.call("GET", FILES)).json["entries"]]
        assert names == ["odd"]


async def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await put(house, "run", b"x")
        (house.folders["ana"] / "run").chmod(0o755)
        await put(house, "run", b"y")
        assert (house.folders["ana"] / "run").stat().st_mode & 0o777 == 0o755


async def test_a_new_file_and_a_new_folder_get_what_the_umask_allows(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        before = os.umask(0o027)
        try:
            await put(house, "new", b"x")
            operations = [
                {"op": "mkdir", "path": "a/b"},
                {"op": "mkdir", "path": "c", "mode": 0o777},
            ]
            asked = {"operations": operations}
            await house.call("POST", "/v1/workspaces/default/operations", asked)
        finally:
            os.umask(before)
        modes = {name: (house.folders["ana"] / name).stat().st_mode & 0o777 for name in MADE}
        assert modes == MADE


MADE = {"new": 0o640, "a": 0o750, "a/b": 0o750, "c": 0o775}


async def test_no_length_no_file(tmp_path: Path) -> None:
    async with living(tmp_path) as house:

        async def body() -> AsyncIterator[bytes]:
            yield b"x"

        answer = await house.call("PUT", f"{FILES}/new", body())
        assert (answer.status, answer.code) == (411, "no_length")


async def test_a_full_disk_is_said_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with living(tmp_path) as house:
        with monkeypatch.context() as patched:
            patched.setattr(System, "volume", lambda self, fd: Volume(2**20, 2**20, 4096))
            answer = await house.call("PUT", f"{FILES}/new", b"x" * 2**20)
            assert (answer.status, answer.code) == (507, "disk_full")
            assert "free" not in answer.json["error"]["message"]
            assert (await house.call("PUT", f"{FILES}/small", b"x" * 2**19)).status == 201
            # What the first one would have needed, and the second one has used, is free again.
            assert (await house.call("PUT", f"{FILES}/other", b"x" * 2**19)).status == 201
        assert (await house.call("PUT", f"{FILES}/new", b"x")).status == 201


async def test_a_file_that_changes_while_it_is_read_is_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with living(tmp_path) as house:
        monkeypatch.setattr(files, "CHUNK", 4)
        await put(house, "file", b"0123456789")
        pieces = 0

        async def meanwhile(writing: object) -> None:
            nonlocal pieces
            pieces += 1
            await sent(writing)  # type: ignore[arg-type]
            if pieces == 1:
                (house.folders["ana"] / "file").write_bytes(b"ABCDEFGHIJ")

        monkeypatch.setattr(files, "sent", meanwhile)
        with pytest.raises(aiohttp.ClientError):
            await house.call("GET", f"{FILES}/file")
        assert pieces == 2  # the last one was never sent


# -- the history -----------------------------------------------------------------------------------


def told(house: House) -> list[str]:
    """Who downloaded or uploaded what, from where, and how many bytes."""
    house.downloads.write()
    return [
        f"{row.batch.user} {row.batch.kind} {row.path} {row.size} {row.batch.address}"
        for row in house.history.after(0, HistoryFilter(), 100).rows
    ]


async def test_what_is_sent_whole_is_in_the_history(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await put(house, "file", b"0123456789")
        await house.call("HEAD", f"{FILES}/file")
        await house.call("GET", f"{FILES}/file", headers={"If-Match": '"other"'})
        await house.call("GET", f"{FILES}/file", headers={"Range": "bytes=0-3"})
        assert told(house) == ["ana uploaded file 10 127.0.0.1"]
        await house.call("GET", f"{FILES}/file", headers={"Range": "bytes=4-"})
        await house.call("GET", f"{FILES}/file")
        assert told(house)[1:] == ["ana downloaded file 10 127.0.0.1"] * 2
