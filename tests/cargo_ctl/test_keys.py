"""`cargo_ctl key`, `audit` and `history`, and how a TCP port is reached."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from cargo_ctl.commands import history as history_module
from cargo_sync.api.client import Subscription
from cargo_sync.api.keys import read_key
from cargo_sync.api.messages import FeedMessage
from cargo_sync.config.control import ControlSettings
from tests.cargo_ctl.test_commands import run
from tests.control.canned import Answer, canned

KEYED = ControlSettings(port=0)
STATUS: dict[str, Answer] = {"status": {"state": "synced"}, "job.pause": {"jobs": []}}


def test_a_key_is_made_used_and_revoked(runtime: str) -> None:
    path = f"{runtime}/laptop.key"
    with canned(runtime, STATUS, control=KEYED) as daemon:
        port = daemon.ports[0].commands
        added = run("key", "add", "laptop", "--role", "watch", "--out", path)
        assert added.stdout == (
            f"laptop: added with the role watch, for {port}\n"
            f"The key is in {path}. Use it with: cargo_ctl --connect {path} status\n"
        )
        key = read_key(path)
        assert (key.address, key.name, key.role) == (port, "laptop", "watch")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert daemon.keyring is not None and daemon.keyring.of(key.public) is not None
        for line in (
            ["--connect", path],
            ["--connect", port, "--key", path],
            ["--key", path],
            ["--connect", port],  # this user's key is in the same folder as the daemon's
        ):
            assert run(*line, "status").stdout.startswith("synced")
        refused = run("job", "pause", "--all", "--connect", path)
        assert (refused.exit_code, refused.stderr) == (
            1,
            "cargo_ctl: this key may only watch; job.pause changes something\n",
        )
        listed = run("key", "list").stdout.splitlines()
        assert [line.split()[:2] for line in listed] == [
            ["NAME", "ROLE"], ["laptop", "watch"], ["local", "control"],
        ]  # fmt: skip
        assert run("key", "revoke", "laptop").stdout == "laptop: revoked\n"
        gone = run("--connect", path, "status")
        assert (gone.exit_code, gone.stderr) == (
            1,
            f"cargo_ctl: the daemon at {port} does not know this key "
            "(somebody with the role control can add it there: `cargo_ctl key add`)\n",
        )
        told = orjson.loads(run("--connect", path, "status", "--json").stdout)
        assert told["error"]["code"] == "not_admitted"
    assert run("--connect", path, "status").exit_code == 3


def test_a_key_that_is_refused_leaves_no_file(runtime: str) -> None:
    path = Path(runtime, "laptop.key")
    add = ["key", "add", "laptop", "--role", "watch", "--out", str(path)]
    with canned(runtime, STATUS, control=KEYED):
        assert run(*add).exit_code == 0
        secret = path.read_bytes()
        again = run(*add)
        assert (again.exit_code, again.stderr) == (
            2,
            f"cargo_ctl: {path} already exists (choose another file)\n",
        )
        assert path.read_bytes() == secret
        other = run(*add[:-1], f"{runtime}/other.key")
        assert (other.exit_code, other.stderr) == (
            2,
            'cargo_ctl: the key "laptop" exists already (revoke it first)\n',
        )
        assert (
            run("key", "add", "a b", "--role", "watch", "--out", f"{runtime}/other.key").exit_code
            == 2
        )
        unknown = run("key", "revoke", "laptp")
        assert unknown.stderr == 'cargo_ctl: there is no key "laptp" (did you mean "laptop"?)\n'
        assert (
            run("key", "add", "x", "--role", "watch", "--out", f"{runtime}/none/x.key").exit_code
            == 2
        )
    assert run(*add[:-1], f"{runtime}/other.key").exit_code == 3
    assert not os.path.exists(f"{runtime}/other.key")


def test_the_address_in_a_key_file_can_be_given(runtime: str) -> None:
    with canned(runtime, STATUS, control=KEYED):
        out = f"{runtime}/a.key"
        line = ["key", "add", "a", "--role", "control", "--out", out, "--address"]
        assert run(*line, "box").exit_code == 2
        assert run(*line, "tcp://192.0.2.7:5556").exit_code == 0
        assert read_key(out).address == "tcp://192.0.2.7:5556"


def test_the_audit_is_a_table(runtime: str) -> None:
    row = {"number": 7, "time": 1_700_000_000.0, "who": 'key "\x1b[2J"', "command": "job.pause",
           "args": {"job": "a\nb"}, "outcome": ""}  # fmt: skip
    with canned(runtime, {"audit": {"rows": [row], "next": 7}}) as daemon:
        lines = run("audit", "--since", "3").stdout.splitlines()
        assert daemon.asked == [("audit", {"since": 3, "limit": 100})]
    assert lines[0].split() == ["NUMBER", "TIME", "WHO", "COMMAND", "OUTCOME", "ARGUMENTS"]
    assert 'key "\\x1b[2J"  job.pause  ?        job=a\\x0ab' in lines[1]
    numbers = row | {"args": {"job": "a", "speed": None, "limit": 20, "paused": True}}
    with canned(runtime, {"audit": {"rows": [numbers], "next": 7}}):
        assert run("audit").stdout.endswith("job=a speed=reset limit=20 paused=true\n")
    grants = row | {"args": {"workspace": "m", "grants": {"ben": "ro", "eva": "rw"}}}
    with canned(runtime, {"audit": {"rows": [grants], "next": 7}}):
        assert run("audit").stdout.endswith("workspace=m grants=ben:ro,eva:rw\n")
    session = row | {"command": "session.speed", "args": {"session": "1", "speed": None}}
    with canned(runtime, {"audit": {"rows": [session], "next": 7}}):
        assert run("audit").stdout.endswith("session=1 speed=none\n")
    with canned(runtime, {"audit": {"rows": [], "next": 0}}):
        assert run("audit").stdout == "nothing was changed\n"


def row(cursor: int) -> dict[str, Any]:
    return {"cursor": cursor, "job": "a", "kind": "uploaded", "time": 0.0,
            "path": f"{cursor}\x07.txt",
            "bytes": 5, "message": "", "details": {}}  # fmt: skip


def history(newest: int, oldest: int = 1) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """History in pages of two."""

    def events(args: dict[str, Any]) -> dict[str, Any]:
        since = args.get("since", newest - args["limit"])
        found = [row(cursor) for cursor in range(max(since + 1, oldest), newest + 1)][:2]
        more = len(found) == 2 and "since" in args
        after = found[-1]["cursor"] if more else newest
        return {"rows": found, "next": after, "more": more, "oldest": oldest}

    return events


def test_history_since_a_cursor_are_all_printed(runtime: str) -> None:
    with canned(runtime, {"history": history(9, oldest=5)}):
        told = run("history", "--since", "2", "--job", "a")
        as_json = run("history", "--since", "7", "--json")
        newest = run("history", "--limit", "1")
    assert told.stderr == "cargo_ctl: rows 3 to 4 are no longer kept\n"
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["5", "6", "7", "8", "9"]
    assert told.stdout.splitlines()[0].endswith(" a uploaded 5\\x07.txt (5 B)")
    assert [orjson.loads(line)["cursor"] for line in as_json.stdout.splitlines()] == [8, 9]
    assert [line.split()[0] for line in newest.stdout.splitlines()] == ["9"]


def test_more_of_the_newest_rows_than_a_page_has(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_PAGE", 2)
    rows = [row(cursor) for cursor in (9, 7, 4, 2)]

    def page(args: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in rows if one["cursor"] < args.get("before", 99)][: args["limit"]]
        return {"job": "a", "rows": found, "next": found[-1]["cursor"]}

    with canned(runtime, {"history": history(9), "job.history": page}) as daemon:
        of_all = run("history", "-n", "5")
        run("history", "-n", "3", "--job", "a")
        assert ("history", {"job": "a", "since": 3, "limit": 2}) in daemon.asked
    assert [line.split()[0] for line in of_all.stdout.splitlines()] == ["5", "6", "7", "8", "9"]


def test_following_prints_each_row_once_whatever_the_feed_lost(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"newest": 3}

    def events(args: dict[str, Any]) -> dict[str, Any]:
        return history(rows["newest"])(args)

    def receive(self: Subscription, timeout: float | None = None) -> FeedMessage | None:
        """A notice about one row after five new rows; then Ctrl-C."""
        if timeout == 0:
            return None
        if rows["newest"] == 8:
            raise KeyboardInterrupt
        rows["newest"] = 8
        return FeedMessage("notice/a/", "notice", "e1", 9, 0.0, {"count": 1}, 8, missed=4)

    monkeypatch.setattr(Subscription, "receive", receive)
    with canned(runtime, {"history": events}):
        told = run("history", "--since", "1", "--follow")
    assert (told.exit_code, [line.split()[0] for line in told.stdout.splitlines()]) == (
        0,
        ["2", "3", "4", "5", "6", "7", "8"],
    )
