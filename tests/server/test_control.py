"""A server's commands, over its sockets: users, workspaces and limits, live and over restarts."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
import argon2
import pytest

from cargo_sync.api.client import Client, subscribe
from cargo_sync.api.server_commands import COMMANDS
from cargo_sync.config.server import load_server
from cargo_sync.control.endpoint import EndpointError
from cargo_sync.local.lock import lock_root
from cargo_sync.local.root import Root
from cargo_sync.server import app
from cargo_sync.server.server import Up
from tests.descriptors import open_below
from tests.server.admin import ask, governed
from tests.server.surroundings import CHEAP, until
from tests.server.test_app import running, settings

CANARY = "canary-5c1e-word"
OTHER = "canary-77aa-word"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)


def plain(place: Path, **changed: Any) -> Path:
    return settings(place, plain=True, **changed)


async def http(up: Up, path: str, token: str = "", **body: Any) -> tuple[int, Any]:
    """A POST of `body`, or a GET without one."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            "POST" if body else "GET", f"{up.api}/v1/{path}", data=json.dumps(body), headers=headers
        ) as response,
    ):
        return response.status, await response.json()


async def login(up: Up, user: str, password: str) -> str:
    """The token, or "" when there is none to be had."""
    status, answer = await http(up, "login", username=user, password=password)
    return str(answer["token"]) if status == 200 else ""


async def spaces(up: Up, token: str) -> dict[str, str]:
    _, answer = await http(up, "workspaces", token)
    return {one["name"]: one["access"] for one in answer["workspaces"]}


async def added(up: Up, token: str) -> list[str]:
    """What the user sees in the workspace "music"."""
    _, answer = await http(up, "workspaces/music/tree", token)
    names: list[str] = answer["entries"][0] if answer["entries"] else []
    return names


async def test_it_says_where_it_is_and_who(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with governed(plain(tmp_path)) as up:
        app.announce(up)
        assert (
            f"control: commands {up.control[0].commands}, feed {up.control[0].feed}\n"
            in capsys.readouterr().out
        )
        hello = await ask(up, "hello")
        assert (hello["kind"], hello["instance"], hello["pid"]) == ("server", "server", os.getpid())
        assert hello["supports"] == sorted(COMMANDS)
        status = await ask(up, "status")
        assert status.pop("uptime_s") >= 0
        assert status.pop("address") == up.api.rstrip("/")
        assert status == {
            "kind": "server", "users": {"enabled": 1, "disabled": 0}, "workspaces": 0, "away": 0,
            "errors": [], "unoffered": 0, "flows": 0,
            "data_connections": {"open": 0, "most": 100},
            "totals": {"uploads": 0, "downloads": 0, "upload_bps": 0, "download_bps": 0},
            "warnings": [], "nodes": {"away": 0, "count": 0, "missing": 0, "warnings": []},
            "buckets": [],
        }  # fmt: skip
        assert (await ask(up, "user.lst"))[0] == "unknown_command"


async def test_a_second_server_is_refused_and_told_how(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    second = plain(tmp_path / "two")
    async with governed(plain(tmp_path)):
        with pytest.raises(EndpointError, match=r'a server is already running .*"runtime_dir"'):
            async with governed(second):
                pass
        with_own = plain(
            tmp_path / "two", control={"runtime_dir": os.environ["CARGO_RUNTIME_DIR"] + "/b"}
        )
        async with governed(with_own) as up:
            assert (await ask(up, "hello"))["kind"] == "server"


async def test_shutdown_is_answered_and_ends_it(tmp_path: Path) -> None:
    up: asyncio.Future[Up] = asyncio.get_running_loop().create_future()
    settings = load_server(str(plain(tmp_path)), os.environ)
    server = asyncio.ensure_future(app.run(settings, ready=up.set_result))
    assert await ask(await up, "shutdown") == {}
    await asyncio.wait_for(server, 60)


async def test_a_user_is_made_changed_and_removed(tmp_path: Path) -> None:
    file, folder = plain(tmp_path), str(tmp_path / "ben")
    row = {
        "user": "ben", "path": folder, "enabled": True, "upload_speed": 5_000,
        "download_speed": None,
        "upload_bandwidth": None, "download_bandwidth": None, "from": "command", "flows": 0,
        "quota": None, "used": {"bytes": 0, "files": 0}, "expires": None, "expired": False,
        "networks": [],
    }  # fmt: skip
    async with governed(file) as up:
        assert (
            await ask(
                up, "user.add", user="ben", path=folder, password=CANARY, upload_speed="5kbps"
            )
            == row
        )
        assert (tmp_path / "ben").is_dir()
        assert (await ask(up, "user.add", user="ben", path=folder, password=CANARY))[
            0
        ] == "user_exists"
        token = await login(up, "ben", CANARY)
        assert await spaces(up, token) == {"default": "rw"}
        changed = row | {"upload_speed": None, "download_bandwidth": 9}
        asked = {"user": "ben", "upload_speed": "none", "download_bandwidth": "9bps"}
        assert await ask(up, "user.set", **asked) == changed
        assert (await spaces(up, token)) == {"default": "rw"}  # rates end no login
        users = (await ask(up, "user.list"))["users"]
        assert [(one["user"], one["from"]) for one in users] == [
            ("ana", "file"),
            ("ben", "command"),
        ]
    async with governed(file) as up:
        assert (await ask(up, "user.list"))["users"][1] == changed
        token = await login(up, "ben", CANARY)
        assert await ask(up, "user.disable", user="ben") == changed | {"enabled": False}
        assert (await http(up, "workspaces", token))[0] == 401
        assert not await login(up, "ben", CANARY)
        await ask(up, "user.enable", user="ben")
        token = await login(up, "ben", CANARY)
        await ask(up, "user.passwd", user="ben", password=OTHER)
        assert (await http(up, "workspaces", token))[0] == 401
        assert not await login(up, "ben", CANARY)
        token = await login(up, "ben", OTHER)
        (tmp_path / "ben" / "kept.txt").write_text("theirs")
        assert await ask(up, "user.remove", user="ben") == {"user": "ben", "path": folder}
        assert (await http(up, "workspaces", token))[0] == 401
        assert (tmp_path / "ben" / "kept.txt").read_text() == "theirs"
        assert await ask(up, "user.show", user="ben") == ("unknown_user", 'there is no user "ben"')
        # Whoever has the folder next has the files.
        await ask(up, "user.add", user="eva", path=folder, password=CANARY)
        token = await login(up, "eva", CANARY)

        for _ in range(500):
            _, tree = await http(up, "workspaces/default/tree", token)
            if "kept.txt" in str(tree):
                break
            await asyncio.sleep(0.01)
        assert "kept.txt" in str(tree)


async def test_what_the_file_says_wins_and_is_named(tmp_path: Path) -> None:
    users: list[dict[str, Any]] = [
        {
            "username": "ana",
            "password": CANARY,
            "path": str(tmp_path / "ana"),
            "upload_speed": "1mbps",
        },
        {"username": "eva", "path": str(tmp_path / "eva"), "enabled": True},
    ]
    shared = [{"name": "music", "path": str(tmp_path / "music"), "grants": {"ana": "ro"}}]
    file = plain(tmp_path, users=users, workspaces=shared)
    async with governed(file) as up:
        for cmd, args, what in (
            (
                "user.set",
                {"user": "ana", "upload_speed": "9bps"},
                '"upload_speed" of the user "ana" is',
            ),
            ("user.set", {"user": "ana", "path": "/tmp/x"}, '"path" of the user "ana" is'),
            (
                "user.passwd",
                {"user": "ana", "password": OTHER},
                '"password" of the user "ana" is',
            ),
            ("user.disable", {"user": "eva"}, '"enabled" of the user "eva" is'),
            ("user.remove", {"user": "ana"}, 'the user "ana" is'),
            ("workspace.remove", {"workspace": "music"}, 'the workspace "music" is'),
            (
                "workspace.revoke",
                {"workspace": "music", "user": "ana"},
                'the grant of "music" to "ana" is',
            ),
        ):
            assert await ask(up, cmd, **args) == ("in_file", f"{what} in {file}, and the file wins")
        assert (await ask(up, "user.set", user="ana", download_speed="9bps"))["download_speed"] == 9
        assert not (await ask(up, "user.disable", user="ana"))["enabled"]
        await ask(up, "user.enable", user="ana")
        await ask(up, "user.passwd", user="eva", password=OTHER)
        assert await login(up, "eva", OTHER)
        await ask(up, "workspace.grant", workspace="music", user="eva", access="rw")
        shown = await ask(up, "user.show", user="eva")
        assert shown["in_file"] == ["enabled", "path", "username"] and shown["file"] == str(file)
        assert [(one["name"], one["access"]) for one in shown["workspaces"]] == [
            ("default", "rw"), ("music", "rw"),
        ]  # fmt: skip
    users[0]["download_speed"] = "2mbps"
    async with governed(plain(tmp_path, users=users, workspaces=shared)) as up:
        assert (await ask(up, "user.show", user="ana"))["download_speed"] == 2_000_000
        assert await login(up, "eva", OTHER)


async def test_what_a_user_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with governed(plain(tmp_path)) as up:
        for changed, words in (
            ({"user": "a/b"}, '"user" may not contain "/"'),
            ({"user": " ben"}, '"user" begins or ends with a space'),
            ({"path": "ben"}, '"path": ben is not an absolute path'),
            ({"path": f"{tmp_path}/no/such"}, f"there is no folder {tmp_path}/no to make such in"),
            ({"path": f"{tmp_path}/file"}, "is not a folder"),
            ({"path": f"{tmp_path}/ana/ben"}, "there is no folder"),
            ({"path": f"{tmp_path}"}, "overlap"),
            ({"path": f"{tmp_path}/state"}, "the server's state_dir"),
            ({"password": "x" * 2_000}, '"password" has more than 1024 characters'),
            ({"password": ""}, '"password" must be text'),
            ({"upload_speed": 5_000}, '"upload_speed" must be text'),
            ({"upload_speed": None}, '"upload_speed" must be text'),
            ({"upload_speed": "fast"}, '`user.add`: "upload_speed": "fast" is not a speed'),
            ({"upload_speed": "0kbps"}, '`user.add`: "upload_speed": a speed must be more than 0'),
        ):
            if "ana/ben" in str(changed):
                words = "overlap" if (tmp_path / "ana").is_dir() else words
            args = {"user": "ben", "path": f"{tmp_path}/ben", "password": CANARY} | changed
            code, message = await ask(up, "user.add", **args)
            assert (code, words in message) == ("bad_argument", True), message
            assert "canary" not in message
        assert [one["user"] for one in (await ask(up, "user.list"))["users"]] == ["ana"]
        assert (await ask(up, "user.set", user="anna", upload_speed="1bps"))[0] == "unknown_user"
        assert (await ask(up, "user.set", user="ana"))[0] == "bad_argument"


async def test_a_folder_that_cannot_be_served_makes_no_user(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    own = plain(tmp_path / "two", control={"runtime_dir": os.environ["CARGO_RUNTIME_DIR"] + "/b"})
    async with governed(own), governed(plain(tmp_path)) as up:
        folder = str(tmp_path / "two" / "ana")  # the other server has it
        code, _ = await ask(up, "user.add", user="ben", path=folder, password=CANARY)
        assert code == "root_in_use"
        assert [one["user"] for one in (await ask(up, "user.list"))["users"]] == ["ana"]
        assert not await login(up, "ben", CANARY)


async def test_workspaces_are_made_granted_and_taken_back(tmp_path: Path) -> None:
    file, folder = plain(tmp_path), str(tmp_path / "music")
    async with governed(file) as up:
        token = await login(up, "ana", "correct horse")
        row: dict[str, Any] = {
            "workspace": "music", "path": folder, "grants": {}, "from": "command", "in_file": [],
            "quota": None, "used": {"bytes": 0, "files": 0},
        }  # fmt: skip
        assert await ask(up, "workspace.add", workspace="music", path=folder) == row
        assert (await ask(up, "workspace.add", workspace="music", path=folder))[
            0
        ] == "workspace_exists"
        assert (await ask(up, "workspace.add", workspace="default", path=folder))[
            0
        ] == "bad_argument"
        assert (await ask(up, "workspace.add", workspace="b", path=folder))[0] == "bad_argument"
        assert await spaces(up, token) == {"default": "rw"}
        granted = await ask(up, "workspace.grant", workspace="music", user="ana", access="ro")
        assert granted["grants"] == {"ana": "ro"}
        assert await spaces(up, token) == {"default": "rw", "music": "ro"}
        box = {"workspace": "music", "user": "ana", "access": "wo", "path": "/in/ana"}
        granted = await ask(up, "workspace.grant", **box)
        assert granted["grants"] == {"ana": {"access": "wo", "path": "in/ana"}}
        assert await spaces(up, token) == {"default": "rw", "music": "wo"}
        shown = (await ask(up, "user.show", user="ana"))["workspaces"][1]
        assert (shown["access"], shown["subfolder"]) == ("wo", "in/ana")
        assert await ask(up, "workspace.grant", **box | {"path": "in/../x"}) == (
            "bad_argument",
            '"path": ".." is not allowed',
        )
        assert (await ask(up, "workspace.grant", workspace="music", user="ana", access="w"))[
            0
        ] == "bad_argument"
        assert await ask(up, "workspace.grant", workspace="musik", user="ana", access="ro") == (
            "unknown_workspace",
            'there is no workspace "musik"',
        )
        _, own = await ask(up, "trash.list", workspace="default")
        assert own.startswith('"default" is how each user calls their own workspace')
    async with governed(file) as up:
        token = await login(up, "ana", "correct horse")
        assert await spaces(up, token) == {"default": "rw", "music": "wo"}
        await ask(up, "workspace.revoke", workspace="music", user="ana")
        assert await spaces(up, token) == {"default": "rw"}
        assert await ask(up, "workspace.remove", workspace="music") == {
            "workspace": "music",
            "path": folder,
        }
        assert (await ask(up, "workspace.list")) == {"workspaces": []}
        again = await ask(up, "workspace.add", workspace="songs", path=folder, grants={"ana": "rw"})
        assert again["grants"] == {"ana": "rw"}
        assert await spaces(up, token) == {"default": "rw", "songs": "rw"}


async def test_a_folder_that_is_not_served_any_more_is_let_go(tmp_path: Path) -> None:
    async with governed(plain(tmp_path)) as up:
        ben = tmp_path / "ben"
        await ask(up, "user.add", user="ben", path=str(ben), password=CANARY)
        await ask(up, "workspace.add", workspace="music", path=str(tmp_path / "music"))
        assert open_below(ben) and open_below(tmp_path / "music")
        await ask(up, "workspace.remove", workspace="music")
        await ask(up, "user.disable", user="ben")
        for folder in (ben, tmp_path / "music"):
            assert open_below(folder) == []
            other = Root.open(str(folder))
            lock_root(other, "another program", leave_name=False).release()
            other.close()
        await ask(up, "user.enable", user="ben")
        assert open_below(ben)
        assert await spaces(up, await login(up, "ben", CANARY)) == {"default": "rw"}


async def test_who_has_a_name_again_has_nothing_of_who_had_it_before(tmp_path: Path) -> None:
    async with governed(plain(tmp_path)) as up:
        ben = {"user": "ben", "path": str(tmp_path / "ben"), "password": CANARY}
        await ask(up, "user.add", **ben, upload_speed="5bps")
        await ask(
            up,
            "workspace.add",
            workspace="music",
            path=str(tmp_path / "music"),
            grants={"ben": "wo"},
        )
        token = await login(up, "ben", CANARY)
        made = {"operations": [{"op": "mkdir", "path": "a"}]}
        await http(up, "workspaces/music/operations", token, **made)
        assert await added(up, token) == ["a"]
        await ask(up, "user.remove", user="ben")
        assert (await ask(up, "workspace.list"))["workspaces"][0]["grants"] == {}
        await ask(up, "user.add", **(ben | {"password": OTHER}))
        assert (await ask(up, "user.show", user="ben"))["upload_speed"] is None
        assert not await login(up, "ben", CANARY)
        assert await spaces(up, await login(up, "ben", OTHER)) == {"default": "rw"}
        await ask(up, "workspace.grant", workspace="music", user="ben", access="wo")
        assert await added(up, await login(up, "ben", OTHER)) == []


async def test_the_file_is_read_again(tmp_path: Path) -> None:
    file = plain(tmp_path)
    async with governed(file) as up:
        await ask(up, "user.add", user="ben", path=str(tmp_path / "ben"), password=CANARY)
        file.write_text("{ nonsense")
        bad = await ask(up, "reload")
        assert bad["errors"] and bad["users"] == []
        assert await login(up, "ana", "correct horse")
        eva = {"username": "eva", "path": str(tmp_path / "ben" / "eva"), "password": OTHER}
        plain(tmp_path, users=[eva], total_connections=5)
        told = await ask(up, "reload")
        assert told["users"] == [
            {"user": "ana", "result": "removed"},
            {"user": "ben", "result": "removed"},
            {"user": "eva", "result": "added"},
        ]
        assert told["errors"] == []
        left_out, waits = told["notices"]
        assert 'the user "ben" was made by command and is left out' in left_out
        assert waits == f"{file}: changes of total_connections take effect at the next start"
        assert not await login(up, "ben", CANARY) and await login(up, "eva", OTHER)
        plain(tmp_path)
        told = await ask(up, "reload")
        assert {one["user"]: one["result"] for one in told["users"]} == {
            "ana": "added", "ben": "added", "eva": "removed",
        }  # fmt: skip
        assert await login(up, "ben", CANARY)
        assert {one["result"] for one in (await ask(up, "reload"))["users"]} == {"unchanged"}


async def test_totals_are_taken_over_live_and_overrides_go_with_the_files_change(
    tmp_path: Path,
) -> None:
    file = plain(tmp_path, global_upload_bandwidth="100mbps")
    async with governed(file) as up:
        upload = {"name": "upload", "file": 100_000_000}
        download = {"name": "download", "file": None}
        of_file = {"bandwidth": [upload | {"now": 100_000_000}, download | {"now": None}]}
        assert await ask(up, "bandwidth.show") == of_file
        for refused in (
            {},
            {"upload": 7_000},
            {"upload": "1kbps", "download": "fast"},
            {"bandwidth": "1kbps"},
        ):
            assert (await ask(up, "bandwidth.set", **refused))[0] == "bad_argument"
        assert await ask(up, "bandwidth.show") == of_file
        told = await ask(up, "bandwidth.set", upload="none", download="7kbps")
        by_order = [
            upload | {"override": None, "now": None},
            download | {"override": 7_000, "now": 7_000},
        ]
        assert told == {"bandwidth": by_order}
    async with governed(file) as up:
        assert await ask(up, "bandwidth.show") == told
        plain(tmp_path, global_upload_bandwidth="200mbps")
        assert (await ask(up, "reload"))["notices"] == []
        upload = {"name": "upload", "file": 200_000_000, "now": 200_000_000}
        assert await ask(up, "bandwidth.show") == {"bandwidth": [upload, by_order[1]]}
        told = await ask(up, "bandwidth.set", download=None)
        assert told == {"bandwidth": [upload, download | {"now": None}]}


@pytest.mark.sqlite
async def test_a_repeated_request_is_done_once_and_no_secret_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with governed(plain(tmp_path)) as up:

        def twice() -> tuple[dict[str, Any], dict[str, Any]]:
            args = {"user": "ben", "path": str(tmp_path / "ben"), "password": CANARY}
            with Client(up.control[0].commands, new_id=lambda: "same") as client:
                return client.call("user.add", args), client.call("user.add", args)

        first, second = await asyncio.to_thread(twice)
        assert first == second
        await ask(up, "user.passwd", user="ben", password=OTHER)
        await ask(up, "user.add", user="ben", path="/", password=CANARY)
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert b"same" in written
    assert b"canary" not in written
    assert "canary" not in caplog.text


async def test_the_feed(tmp_path: Path) -> None:
    async with governed(plain(tmp_path)) as up:

        def listen() -> list[tuple[str, dict[str, Any]]]:
            heard: list[tuple[str, dict[str, Any]]] = []
            with subscribe(up.control[0]) as feed:
                while (
                    not heard or heard[-1][0] != "notice/ben/" or heard[-1][1]["kind"] != "removed"
                ):
                    message = feed.receive(60)
                    assert message is not None, heard
                    heard.append((message.topic, message.fields))
                    if len(heard) == 1:
                        asyncio.run_coroutine_threadsafe(change(), loop)
            return heard

        async def change() -> None:
            await ask(up, "user.add", user="ben", path=str(tmp_path / "ben"), password=CANARY)
            await ask(up, "user.set", user="ben", upload_speed="5bps")
            await ask(up, "user.disable", user="ben")
            await ask(up, "user.disable", user="ben")
            await ask(up, "user.enable", user="ben")
            await ask(up, "user.passwd", user="ben", password=OTHER)
            await ask(up, "user.remove", user="ben")

        loop = asyncio.get_running_loop()
        heard = await asyncio.to_thread(listen)
    status = [fields["users"] for topic, fields in heard if topic == "status/"]
    assert status[:3] == [
        {"enabled": 1, "disabled": 0}, {"enabled": 2, "disabled": 0}, {"enabled": 1, "disabled": 1},
    ]  # fmt: skip
    kinds = [fields["kind"] for topic, fields in heard if topic == "notice/ben/"]
    assert kinds == ["added", "changed", "disabled", "enabled", "password", "removed"]
    assert "canary" not in str(heard)


async def test_the_history_over_a_restart(tmp_path: Path) -> None:
    file = plain(tmp_path)

    def listen(up: Up) -> dict[str, Any]:
        """The notice of the download."""
        with subscribe(up.control[0], ["notice/ana%3Adefault/"]) as feed:
            while (message := feed.receive(60)) is not None:
                if message.fields["kind"] == "downloaded":
                    return {**message.fields, "cursor": message.cursor}
        raise AssertionError("no notice came")

    async with governed(file) as up:
        heard = asyncio.ensure_future(asyncio.to_thread(listen, up))
        token = await login(up, "ana", "correct horse")
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            place = f"{up.api}/v1/files/default/clip"
            async with session.put(place, data=b"0123456789") as response:
                assert response.status == 201
            async with session.get(place) as response:
                assert len(await response.read()) == 10
        notice = await heard
    async with governed(file) as up:
        answer = await ask(up, "history", workspace="ana:default", path="clip")
        user = await ask(up, "user.show", user="ana")
        unknown = await ask(up, "history", workspace="ana:defualt")
        both = await ask(up, "history", since=0, before=3)
        since = await ask(up, "history", since=1, limit=1)
    rows = [(row["cursor"], row["kind"], row["user"], row["address"]) for row in answer["rows"]]
    assert rows == [(2, "downloaded", "ana", "127.0.0.1"), (1, "uploaded", "ana", "127.0.0.1")]
    assert answer["rows"][1]["hash"] and answer["rows"][1]["origin"] == "http"
    assert (answer["next"], answer["before"], answer["oldest"], answer["more"]) == (
        2,
        None,
        1,
        False,
    )
    assert (since["rows"], since["next"], since["more"]) == (answer["rows"][:1], 2, False)
    assert unknown == ("unknown_workspace", 'there is no workspace "ana:defualt"')
    assert both[0] == "bad_argument"
    assert user["last_seen"]["address"] == "127.0.0.1"
    assert user["moved"]["kept"] == {
        "files_up": 1, "bytes_up": 10, "files_down": 1, "bytes_down": 10,
    }  # fmt: skip
    told = [notice[name] for name in ("workspace", "kind", "user", "count", "paths", "cursor")]
    assert told == ["ana:default", "downloaded", "ana", 1, ["clip"], 2]


async def test_a_signal_reads_it_again_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with running(plain(tmp_path)) as up:
        plain(tmp_path, global_download_bandwidth="5mbps")
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: "were read again" in caplog.text, asyncio.sleep)
        assert (await ask(up, "bandwidth.show"))["bandwidth"][1]["now"] == 5_000_000
