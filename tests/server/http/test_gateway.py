"""The API as transcripts: who may see what, what changed, and what waits for it."""

import asyncio
import io
import json
import logging
import os
from pathlib import Path

import pytest

from cargo_sync.local.lock import lock_root
from cargo_sync.local.root import Root
from cargo_sync.local.system import System
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.accounts.logins import TOKEN_SECONDS
from cargo_sync.server.flows.flows import FlowRequest
from cargo_sync.server.http.browsing import browse, polls
from tests.server.house import Answer, House, living
from tests.server.surroundings import until

Rows = list[tuple[object, ...]]


async def changes(
    house: House, query: str = "since=0", user: str = "ana", name: str = "default"
) -> Rows:
    """(path, kind, version) of each change, oldest first."""
    answer = await house.call("GET", f"/v1/workspaces/{name}/changes?{query}", user=user)
    assert answer.status == 200, answer.body
    return [(row[0], row[1], row[5]) for row in zip(*answer.json["rows"], strict=True)]


async def test_login(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        right = {"username": "ana", "password": "correct horse"}
        answer = await house.call("POST", "/v1/login", right, user="")
        assert (answer.status, answer.json["user"], answer.json["expires_in"]) == (
            200,
            "ana",
            TOKEN_SECONDS,
        )
        header = {"Authorization": f"Bearer {answer.json['token']}"}
        assert (await house.call("GET", "/v1/workspaces", user="", headers=header)).status == 200
        for wrong in (
            {"username": "ana", "password": "x"},
            {"username": "nobody", "password": "x"},
        ):
            answer = await house.call("POST", "/v1/login", wrong, user="")
            assert (answer.status, answer.code) == (401, "unauthorized")
        assert "correct" not in answer.body.decode()


async def test_guessing_is_answered_with_429(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        wrong = {"username": "ana", "password": "x"}
        codes = [(await house.call("POST", "/v1/login", wrong, user="")).status for _ in range(6)]
        assert codes == [401] * 5 + [429]
        answer = await house.call("POST", "/v1/login", wrong, user="")
        assert (answer.code, answer.headers["Retry-After"]) == ("throttled", "1")


CLOSED = [
    ("GET", "/v1/workspaces"),
    ("GET", "/v1/workspaces/default/tree"),
    ("GET", "/v1/workspaces/default/changes"),
    ("POST", "/v1/workspaces/default/operations"),
    ("POST", "/v1/workspaces/default/hashes"),
    ("POST", "/v1/flows"),
    ("DELETE", "/v1/flows/f1"),
    ("POST", "/v1/logout"),
    ("POST", "/v1/tickets"),
    ("POST", "/v1/uploads"),
    ("GET", "/v1/uploads"),
    ("GET", "/v1/uploads/u1"),
    ("PATCH", "/v1/uploads/u1"),
    ("POST", "/v1/uploads/u1"),
    ("DELETE", "/v1/uploads/u1"),
    ("GET", "/v1/files/default/a"),
    ("PUT", "/v1/files/default/a"),
]


async def test_nothing_without_a_login(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        for method, path in CLOSED:
            for header in ({}, {"Authorization": "Bearer guessed"}, {"Authorization": "Basic !"}):
                answer = await house.call(method, path, user="", headers=header)
                assert (answer.status, answer.code) == (401, "unauthorized"), path
            asks = "Basic" if "/files/" in path else "Bearer"
            assert answer.headers["WWW-Authenticate"].startswith(asks)


async def test_who_sends_a_token_is_not_asked_for_a_password_by_the_browser(
    tmp_path: Path,
) -> None:
    async with living(tmp_path) as house:
        header = {"Authorization": "Bearer old"}
        answer = await house.call("GET", "/v1/files/default/a", user="", headers=header)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_a_login_ends_when_its_user_logs_out(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        assert (await house.call("POST", "/v1/logout")).status == 200
        assert (await house.call("GET", "/v1/workspaces")).status == 401
        assert (await house.call("POST", "/v1/logout")).status == 401
        assert (await house.call("GET", "/v1/workspaces", user="ben")).status == 200


async def test_each_sees_their_own(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "mine").write_text("ana's")
        house.intake("ana")
        seen = {}
        for user in ("ana", "ben"):
            answer = await house.call("GET", "/v1/workspaces", user=user)
            seen[user] = [
                (one["name"], one["access"], one["sequence"]) for one in answer.json["workspaces"]
            ]
        assert seen["ana"] == [("default", "rw", 1), ("shared", "rw", 0)]
        assert seen["ben"] == [("default", "rw", 0), ("shared", "ro", 0)]
        assert await changes(house) == [("mine", "f", 1)]
        assert await changes(house, user="ben") == []
        for name in ("ana", "nothing", "..", "%2e%2e%2fana"):
            answer = await house.call("GET", f"/v1/workspaces/{name}/tree", user="ben")
            assert (answer.status, answer.code) == (404, "unknown")
        assert (await house.call("GET", "/v1/files/default/mine", user="ben")).status == 404


async def test_what_is_granted_for_reading_is_not_written(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["shared"] / "notice").write_text("read me")
        house.intake("shared")
        assert await changes(house, user="ben", name="shared") == [("notice", "f", 1)]
        delete = {"operations": [{"op": "delete", "path": "notice", "expected": 1}]}
        for answer in (
            await house.call("POST", "/v1/workspaces/shared/operations", delete, user="ben"),
            await house.call("PUT", "/v1/files/shared/notice", b"changed", user="ben"),
        ):
            assert (answer.status, answer.code) == (403, "read_only")
        assert (house.folders["shared"] / "notice").read_text() == "read me"
        answer = await house.call("POST", "/v1/workspaces/shared/operations", delete)
        assert answer.json["results"][0]["code"] == "done"


async def test_a_folder_on_a_read_only_file_system_is_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(System, "read_only", lambda self, fd: True)
    (tmp_path / "ana").mkdir()
    (tmp_path / "ana" / "a").write_text("a")
    async with living(tmp_path) as house:
        rows = (await house.call("GET", "/v1/workspaces")).json["workspaces"]
        assert [row["access"] for row in rows] == ["ro", "ro"]
        assert (await house.call("GET", "/v1/files/default/a")).body == b"a"
        delete = {"operations": [{"op": "delete", "path": "a", "expected": 1}]}
        for method, path, body in (
            ("PUT", "/v1/files/default/b", b"b"),
            ("POST", "/v1/workspaces/default/operations", delete),
        ):
            refused = await house.call(method, path, body)
            assert (refused.status, refused.code) == (403, "read_only")
            told = 'the folder of the workspace "default" is on a read-only file system'
            assert refused.json["error"]["message"] == told
        assert house.spaces.only_reading() == {
            str(tmp_path / "ana"): ["ana"],
            str(tmp_path / "ben"): ["ben"],
            str(tmp_path / "shared"): ["ana"],
        }
    assert os.listdir(tmp_path / "ana") == ["a"]


async def test_a_tree_is_told_in_pages(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        for name in ("b", "a", "é", "c"):
            (house.folders["ana"] / name).mkdir()
        house.intake("ana")
        names, after = [], ""
        while after is not None:
            answer = (
                await house.call("GET", f"/v1/workspaces/default/tree?limit=3&after={after}")
            ).json
            assert len(answer["entries"]) == 9
            names.append(answer["entries"][0])
            after = answer["next"]
        assert names == [["a", "b", "c"], ["é"]]
        assert (await house.call("GET", "/v1/workspaces/default/tree?path=a")).json["entries"] == []
        assert (await house.call("GET", "/v1/workspaces/default/tree?path=z")).status == 404


async def test_one_entry_is_looked_at_in_the_folder_itself(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "d").mkdir()
        (house.folders["ana"] / "d" / "f").write_bytes(b"just now")
        found = (await house.call("GET", "/v1/workspaces/default/entry?path=d/f")).json["entry"]
        assert (found[0], found[1], found[2]) == ("f", "f", 8)
        (house.folders["ana"] / "d" / "f").write_bytes(b"and again")
        newer = (await house.call("GET", "/v1/workspaces/default/entry?path=d/f")).json["entry"]
        assert (newer[2], newer[5] > found[5], newer[6]) == (9, True, found[6])
        for path, status in (("d/g", 404), ("../x", 400), (".cargo_sync", 400), ("", 400)):
            answer = await house.call("GET", f"/v1/workspaces/default/entry?path={path}")
            assert answer.status == status
        assert (await house.call("GET", "/v1/workspaces/nobodys/entry?path=d")).status == 404


async def test_reserved_names_are_refused_at_every_door(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "old" / ".cargo_sync" / "trash").mkdir(parents=True)
        (house.folders["ana"] / "old" / ".cargo_sync" / "trash" / "x").write_bytes(b"secret")
        house.intake("ana")
        for path in ("old/.cargo_sync/trash/x", "old/.CARGO_sync", "new/.Cargo_Sync"):
            for method, place in (
                ("GET", f"files/default/{path}"),
                ("GET", f"files/default/{path}/"),
                ("PUT", f"files/default/{path}"),
                ("GET", f"workspaces/default/entry?path={path}"),
                ("GET", f"workspaces/default/tree?path={path}"),
                ("GET", f"workspaces/default/changes?under={path}"),
            ):
                answer = await house.call(method, f"/v1/{place}", io.BytesIO(b"x"))
                assert (answer.status, answer.json["error"]["code"]) == (400, "reserved_name")
        listed = await house.call("GET", "/v1/workspaces/default/tree?path=old")
        assert listed.json["entries"] == []


async def test_changes_are_told_in_pages_below_a_folder(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        folder = house.folders["ana"] / "photos"
        folder.mkdir()
        for name in ("1", "2", "3"):
            (folder / name).write_text(name)
        house.intake("ana")
        first = (
            await house.call("GET", "/v1/workspaces/default/changes?under=photos&limit=2")
        ).json
        assert (first["rows"][0], first["more"], first["next"], first["sequence"]) == (
            ["1", "2"],
            True,
            3,
            4,
        )
        (folder / "1").unlink()
        house.intake("ana")
        rest = await changes(house, f"under=photos&since={first['next']}")
        assert rest == [("3", "f", 4), ("1", "x", 0)]
        assert await changes(house, "under=elsewhere") == []


async def test_the_clients_own_changes_are_left_out(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        for name in "abcde":
            (house.folders["ana"] / name).write_text(name)
        house.intake("ana")
        where = "/v1/workspaces/default/changes?since=1&limit=2"
        first = (await house.call("GET", where)).json
        assert (first["rows"][0], first["own"]) == (["b", "c"], False)
        assert len(first["lineage"]) == len(first["known"]) == 32
        assert first["newest_lineage"] == first["lineage"]
        for newest, known in ((0, ""), (5, first["lineage"])):
            page = (await house.call("GET", f"{where}&newest={newest}")).json
            assert (page["known"], page["rows"]) == (known, first["rows"])
        asked = f"{where}&own=2-2,4-4&own_lineage={first['lineage']}"
        page = (await house.call("GET", asked)).json
        assert (page["rows"][0], page["own"], page["more"]) == (["c", "e"], True, False)
        for other in (f"{asked}x", f"{where}&own=2-2", asked.replace("4-4", "4-6")):
            page = (await house.call("GET", other)).json
            assert (page["rows"][0], page["own"]) == (["b", "c"], False), other


async def test_a_job_that_comes_with_an_older_state_is_not_let_in(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        where = "/v1/workspaces/shared/changes?client="

        async def come(starts: int, records: int, user: str = "ben", place: str = "a") -> Answer:
            nonce = f"{starts}".zfill(32)
            who = f"{'1' * 32}.{starts}.{records}.{nonce}.{place * 16}"
            return await house.call("GET", f"{where}{who}", user=user)

        assert (await come(5, 20)).status == 200, "ben may only read"
        answer = await come(4, 20, place="b")
        assert (answer.status, answer.json["error"]["code"]) == (409, "fenced")
        assert answer.json["fence"] == {"starts": 5, "records": 20, "elsewhere": True}
        assert (await come(4, 20, user="ana")).status == 200, "hers is another job"
        assert (await come(6, 20)).status == 200
        bad = await house.call("GET", f"{where}x")
        assert (bad.status, bad.json["error"]["code"]) == (400, "bad_request")


async def test_a_page_that_is_too_long_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "PAGE", 600)
    names = [f"{number}" * 200 for number in range(5)]
    async with living(tmp_path) as house:
        for name in names:
            (house.folders["ana"] / name).touch()
        house.intake("ana")
        listed: list[str] = []
        for what, mark in (("tree?", "after"), ("changes?", "since")):
            listed.clear()
            value: object = "" if mark == "after" else 0
            while len(listed) < len(names):
                page = (
                    await house.call("GET", f"/v1/workspaces/default/{what}{mark}={value}")
                ).json
                rows = page["entries" if mark == "after" else "rows"][0]
                assert rows and len(rows) < len(names), "each page has some, and none has all"
                listed += rows
                value = page["next"]
            assert sorted(listed) == names


async def test_a_poll_wakes_when_something_below_its_folder_changes(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        poll = asyncio.ensure_future(changes(house, "since=0&under=a/b&wait=50"))
        await until(lambda: len(house.polls) == 1, asyncio.sleep)
        (house.folders["ana"] / "elsewhere").write_text("x")
        house.intake("ana")
        await asyncio.sleep(0)
        assert not poll.done()
        (house.folders["ana"] / "a" / "b").mkdir(parents=True)
        (house.folders["ana"] / "a" / "b" / "file").write_text("x")
        house.intake("ana")
        assert [row[:2] for row in await poll] == [("file", "f")]
        assert len(house.polls) == 0


async def test_a_poll_of_a_newer_sequence_is_answered_at_once(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        assert (
            await changes(house, "since=99&wait=50") == []
        )  # an old backup came back: that is news


async def test_polls_are_bounded_and_end_with_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polls, "PER_USER", 2)
    async with living(tmp_path) as house:
        waiting = [asyncio.ensure_future(changes(house, "since=0&wait=50")) for _ in range(2)]
        await until(lambda: len(house.polls) == 2, asyncio.sleep)
        answer = await house.call("GET", "/v1/workspaces/default/changes?since=0&wait=50")
        assert (answer.status, answer.code) == (429, "busy")
        assert await changes(house, "since=0&wait=0", user="ben") == []
        house.polls.close()
        assert await asyncio.gather(*waiting) == [[], []]


async def test_operations_each_fail_alone(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        folder = house.folders["ana"]
        (folder / "old").write_text("old")
        (folder / "kept").write_text("kept")
        house.intake("ana")
        answer = await house.call(
            "POST",
            "/v1/workspaces/default/operations",
            {
                "run": "r1",
                "operations": [
                    {"op": "mkdir", "path": "a/b", "mode": 0o700},
                    {"op": "move", "path": "old", "to": "a/b/new", "expected": 2},
                    {"op": "delete", "path": "kept", "expected": 7},
                    {"op": "delete", "path": "kept"},
                    {"op": "delete", "path": "../ben", "expected": 1},
                    {"op": "delete", "path": ".cargo_sync/marker", "expected": 1},
                    {"op": "delete", "path": "", "expected": 1},
                    {"op": "mkdir", "path": "/etc/x"},
                    {"op": "burn", "path": "kept"},
                    "nonsense",
                ],
            },
        )
        codes = [result["code"] for result in answer.json["results"]]
        assert codes == [
            "done", "done", "changed", "bad_request", "bad_path", "reserved_name", "bad_request",
            "bad_path",
            "bad_request", "bad_request",
        ]  # fmt: skip
        assert (folder / "a/b/new").read_text() == "old"
        assert (folder / "kept").read_text() == "kept"
        made, moved = answer.json["results"][:2]
        assert await changes(house, "since=2") == [
            ("a", "d", made["version"] - 1), ("a/b", "d", made["version"]),
            ("a/b/new", "f", moved["version"]), ("old", "x", 0),
        ]  # fmt: skip
        assert moved["ident"] == 2


async def test_times_and_modes_are_set_one_by_one(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "a").write_text("x")
        house.intake("ana")
        meta = {"op": "meta", "path": "a", "expected": 1, "mode": 0o600, "mtime_ns": 10**18}
        changes: list[dict[str, object]] = [
            {},
            {"mode": 0o17777},
            {"mode": None},
            {"mtime_ns": 2**63},
            {"path": ""},
        ]
        answer = await house.call(
            "POST",
            "/v1/workspaces/default/operations",
            {"operations": [meta | change for change in changes]},
        )
        codes = [result["code"] for result in answer.json["results"]]
        assert codes == ["done", *["bad_request"] * 4]
        found = (house.folders["ana"] / "a").stat()
        assert (found.st_mtime_ns, found.st_mode & 0o7777) == (10**18, 0o600)


async def test_extended_attributes_are_set_and_read_within_bounds(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "a").write_text("one")
        house.intake("ana")
        meta = {"op": "meta", "path": "a", "expected": 1, "mode": 0o600}
        wanted = [{"user.tag": "cmVk"}, {"security.x": "AA=="}, {"user.": ""}, {"user.x": "?"}, 7]
        wanted.append({"user.x": "A" * 65_540})
        operations = {"operations": [meta | {"xattrs": one} for one in wanted]}
        answer = await house.call("POST", "/v1/workspaces/default/operations", operations)
        codes = [result["code"] for result in answer.json["results"]]
        assert codes == ["done", *["bad_request"] * 5]
        version = answer.json["results"][0]["version"]
        asked = {"files": [["a", version], ["a", 1], ["gone", 1]]}
        answer = await house.call("POST", "/v1/workspaces/default/xattrs", asked)
        found, changed, gone = (json.loads(line) for line in answer.body.splitlines())
        assert found == {"code": "done", "xattrs": {"user.tag": "cmVk"}}
        assert (changed["code"], gone["code"]) == ("changed", "changed")


async def test_a_file_is_read_again_if_it_is_asked_for(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        file = house.folders["ana"] / "a"
        file.write_text("one")
        house.intake("ana")
        asked = {"files": [["a", 1]]}
        first = await house.call("POST", "/v1/workspaces/default/hashes", asked)
        held = house.workspace("ana").entries(["a"])[0]
        assert held is not None and held.entry.hash
        # The disk has lost it: only the content is another one.
        house.workspace("ana")._folder.catalogue.set_hash(
            house.workspace("ana").id, "a", 1, "0" * 64
        )
        known = await house.call("POST", "/v1/workspaces/default/hashes", asked)
        again = await house.call("POST", "/v1/workspaces/default/hashes", asked | {"reread": True})
        assert json.loads(known.body)["hash"] == "0" * 64
        assert json.loads(again.body)["hash"] == json.loads(first.body)["hash"]
        refused = await house.call("POST", "/v1/workspaces/default/hashes", asked | {"reread": 1})
        assert (refused.status, refused.code) == (400, "bad_request")


async def test_hashes_come_line_by_line(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "empty").write_bytes(b"")
        (house.folders["ana"] / "folder").mkdir()
        house.intake("ana")
        files = [["empty", 1], ["folder", 2], ["empty", 9], ["gone", 3]]
        answer = await house.call("POST", "/v1/workspaces/default/hashes", {"files": files})
        lines = [line for line in answer.body.decode().split("\n") if line]
        assert len(lines) == 4
        assert "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262" in lines[0]
        codes = [line.split('"')[3] for line in lines]
        assert codes == ["done", "not_a_file", "changed", "vanished"]
        [entry] = [e for e in house.workspace("ana").listing("") or [] if e.name == "empty"]
        assert entry.hash.startswith("af1349b9")
        assert entry.version == 1


FLOW = {"direction": "download", "workspace": "default", "path": ""}

BAD_BODIES: list[tuple[str, object, str]] = [
    ("/v1/login", b"{", "not JSON"),
    ("/v1/login", [], "not a JSON object"),
    ("/v1/login", {"username": "ana"}, '"password"'),
    ("/v1/login", {"username": ["ana"], "password": "x"}, '"username"'),
    ("/v1/workspaces/default/operations", {"operations": {}}, '"operations" must be a list'),
    ("/v1/workspaces/default/operations", {"operations": [{}] * 2001}, "at most 2,000"),
    ("/v1/workspaces/default/operations", {"operations": [], "run": "../x"}, '"run"'),
    ("/v1/workspaces/default/hashes", {"files": [["a"]]}, "[path, version]"),
    ("/v1/workspaces/default/hashes", {"files": [["a", -1]]}, '"version"'),
    ("/v1/workspaces/default/hashes", {"files": [["a", True]]}, '"version"'),
    ("/v1/flows/f1/speed", {"speed": 0}, '"speed"'),
    ("/v1/flows/f1/speed", {}, '"speed"'),
    ("/v1/flows/f1/speed", {"speed": True}, '"speed" must be a whole number'),
    ("/v1/flows", {"workspace": "default", "path": ""}, '"direction" must be "upload" or'),
    ("/v1/flows", FLOW | {"direction": ["upload"]}, '"direction" must be "upload" or'),
    ("/v1/flows", FLOW | {"path": 7}, '"path" must be text'),
    ("/v1/flows", FLOW | {"workspace": "x" * 201}, '"workspace" must be text of at most 200'),
    ("/v1/flows", FLOW | {"run": "r1\n"}, '"run" must be 1 to 64'),
]


async def test_bad_bodies_name_the_field(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        for path, body, words in BAD_BODIES:
            answer = await house.call("POST", path, body)
            assert (answer.status, answer.code) == (400, "bad_request"), body
            assert words in answer.json["error"]["message"]


BAD_QUERIES = (
    "since=x",
    "since=-2",
    "since=1_0",
    "wait=56",
    "limit=10001",
    "until=3",
    "since=9223372036854775808",
    "own=5-3",
    "own=3",
    "own=3-5,4-9",
    "own=-1-5",
    "own=3-5,",
    "own=" + ",".join(f"{2 * n}-{2 * n}" for n in range(257)),
)


async def test_bad_queries_name_the_field(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        for query in BAD_QUERIES:
            answer = await house.call("GET", f"/v1/workspaces/default/changes?{query}")
            assert (answer.status, answer.code) == (400, "bad_request"), query
            assert f'"{query.partition("=")[0]}"' in answer.json["error"]["message"]


async def test_large_and_packed_bodies_are_refused(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        answer = await house.call("POST", "/v1/login", b'"' + b"x" * 9_000 + b'"', user="")
        assert (answer.status, answer.code) == (413, "too_large")
        answer = await house.call(
            "POST", "/v1/login", b"x", user="", headers={"Content-Encoding": "gzip"}
        )
        assert (answer.status, answer.code) == (415, "unsupported")


HERE = "127.0.0.1"


async def test_flows_are_handed_over(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        wanted = {
            "direction": "upload", "workspace": "default", "path": "a", "speed": 8, "sealed": False,
        }  # fmt: skip
        lane = {"port": 8444, "token": "74", "auth": "61"}
        opened = {"flow": "f1", "lane": lane, "granted": 8, "lineage": "a lineage", "first": 1}
        assert (await house.call("POST", "/v1/flows", wanted)).json == opened
        for speed in (8_000, None):
            answer = await house.call("POST", "/v1/flows/f1/speed", {"speed": speed})
            assert answer.json == {"granted": speed}
        assert (await house.call("DELETE", "/v1/flows/f1")).json == {}
        assert (await house.call("DELETE", "/v1/flows/f2")).code == "unknown"
        asked = FlowRequest(Mode.UPLOAD, "default", "a", "http", 8, address="127.0.0.1")
        assert house.flows.asked == [
            ("open", "ana", asked),
            ("speed", "ana", "f1", 8_000), ("speed", "ana", "f1", None), ("end", "ana", "f1"),
        ]  # fmt: skip


@pytest.mark.parametrize("says", [{}, {"X-Forwarded-Proto": "http"}], ids=["nothing", "http"])
async def test_a_client_says_whether_it_uses_tls_and_a_proxy_is_not_asked(
    tmp_path: Path, says: dict[str, str]
) -> None:
    async with living(tmp_path, proxies=["127.0.0.0/8"]) as house:
        lanes = {}  # an older client says nothing
        for sealed in (None, True, False):
            body = FLOW if sealed is None else FLOW | {"sealed": sealed}
            opened = await house.call("POST", "/v1/flows", body, headers=says)
            lanes[sealed] = sorted(opened.json["lane"])
        with_keys = ["auth", "down", "port", "token", "up"]
        assert lanes == {None: with_keys, True: with_keys, False: ["auth", "port", "token"]}
        answer = await house.call("POST", "/v1/flows", FLOW | {"sealed": "yes"})
        assert (answer.status, answer.code) == (400, "bad_request")


async def test_it_lives_under_a_prefix(tmp_path: Path) -> None:
    async with living(tmp_path, prefix="/cargo") as house:
        assert (await house.call("GET", "/cargo/v1/workspaces")).status == 200
        answer = await house.call("GET", "/v1/workspaces")
        assert (answer.status, answer.code) == (404, "unknown")
        assert (await house.call("DELETE", "/cargo/v1/workspaces")).code == "method"


UNREADABLE = [
    b"GET / HTTP/1.1\r\nbad header\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
    b"GET / HTTP/1.1\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n",
    b"GET\r\n",
    b"\x16\x03\x01\x02\x00\r\n",
    b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: a\r\n",
    b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n",
    b"POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n",
    b"POST /v1/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]
STRANGE = [
    b"GET /v1/workspaces HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\xff\r\n",
    b"GET /v1/files/default/a HTTP/1.1\r\nHost: a\r\nAuthorization: Basic \xff\xff\r\n",
]


@pytest.mark.parametrize(
    ("sent", "status"), [*((one, 400) for one in UNREADABLE), *((one, 401) for one in STRANGE)]
)
async def test_a_malformed_request_is_the_clients_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sent: bytes, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    async with living(tmp_path) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(sent + b"\r\n")
        async with asyncio.timeout(60):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.close()
    assert head.split()[1] == str(status)
    assert "\r\nServer: Cargo\r\nCross-Origin-Resource-Policy: same-origin\r\n" in head
    assert not any(record.exc_info for record in caplog.records)


async def test_headers_of_every_answer(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "f").write_text("x")
        house.intake("ana")
        for method, path, status in (
            ("GET", "/v1/workspaces", 200),
            ("GET", "/v1/files/default/f", 200),
            ("GET", "/v1/files/default/", 200),
            ("GET", "/v1/files/default/none", 404),
            ("GET", "/v1/none", 404),
            ("DELETE", "/v1/workspaces", 405),
        ):
            answer = await house.call(method, path)
            assert answer.status == status, path
            assert answer.headers["Server"] == "Cargo"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_what_nobody_foresaw_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with living(tmp_path) as house:
        house.flows.asked = None  # type: ignore[assignment]
        answer = await house.call("POST", "/v1/flows", FLOW)
        assert answer.code == "failed"
        assert "NoneType" not in answer.body.decode()
        assert "NoneType" in caplog.text


async def test_a_folder_that_is_away_is_said_so_and_the_catalogue_still_answers(
    tmp_path: Path,
) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "file").write_text("x")
        house.intake("ana")
        house.folders["ana"].rename(tmp_path / "unmounted")
        answer = await house.call("PUT", "/v1/files/default/new", b"x")
        assert (answer.status, answer.code) == (503, "root_gone")
        assert str(tmp_path) not in answer.body.decode()
        delete = {"operations": [{"op": "delete", "path": "file", "expected": 1}]}
        answer = await house.call("POST", "/v1/workspaces/default/operations", delete)
        assert answer.json["results"][0]["code"] == "root_gone"
        assert str(tmp_path) not in answer.body.decode()
        with pytest.raises(ProblemError):
            house.intake("ana")
        assert await changes(house) == [("file", "f", 1)]
        (tmp_path / "unmounted").rename(house.folders["ana"])
        answer = await house.call("POST", "/v1/workspaces/default/operations", delete)
        assert answer.json["results"][0]["code"] == "done"


async def test_a_folder_that_another_program_holds_is_answered_with_503_until_it_ends(
    tmp_path: Path,
) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "file").write_text("x")
        house.intake("ana")
        mine = house.workspace("ana")
        mine.close()
        other = Root.open(str(house.folders["ana"]))
        held = lock_root(other, "another server", leave_name=False)
        with pytest.raises(ProblemError, match=f"in use by process {os.getpid()}"):
            mine.attach()
        for method, path, body in (
            ("GET", "/v1/files/default/file", None),
            ("PUT", "/v1/files/default/new", b"x"),
            ("GET", "/v1/workspaces/default/changes?since=0", None),
            ("GET", "/v1/workspaces/default/tree", None),
            ("POST", "/v1/workspaces/default/operations", {"operations": []}),
        ):
            answer = await house.call(method, path, body)
            assert (answer.status, answer.code) == (503, "root_held"), path
            assert str(tmp_path) not in answer.body.decode()
        rows = (await house.call("GET", "/v1/workspaces")).json["workspaces"]
        assert [row.get("problem", {}).get("code") for row in rows] == ["root_held", None]
        assert await changes(house, user="ben") == []
        held.release()
        other.close()
        mine.attach()
        assert (await house.call("GET", "/v1/files/default/file")).body == b"x"
        rows = (await house.call("GET", "/v1/workspaces")).json["workspaces"]
        assert not any("problem" in row for row in rows)
