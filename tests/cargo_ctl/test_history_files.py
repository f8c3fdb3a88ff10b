"""`cargo_ctl history --server`; the server answers from a table."""

import csv
import io
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from cargo_ctl.commands import history_files
from cargo_ctl.main import cargo_ctl
from cargo_ctl.render.history_files import CSV_HEAD, csv_line, happened
from cargo_ctl.render.users import user_show
from cargo_sync.api.client import Subscription
from cargo_sync.api.messages import FeedMessage
from tests.cargo_ctl.server_examples import ANA, FILE_ROW, HELLO, PAST
from tests.control.canned import canned


def run(*words: str) -> Result:
    return CliRunner().invoke(cargo_ctl, words)


def row(cursor: int) -> dict[str, Any]:
    return FILE_ROW | {"cursor": cursor, "kind": "deleted", "path": f"{cursor}", "from": None}


def served(newest: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A `history` with the rows 1 to `newest`."""

    def history(args: dict[str, Any]) -> dict[str, Any]:
        limit, every = args["limit"], range(1, newest + 1)
        if "since" in args:
            found = [one for one in every if one > args["since"]][:limit]
            last = found[-1] if found else newest
            place = {"next": last, "more": last < newest, "before": None}
        else:
            found = [one for one in reversed(every) if one < args.get("before", 99)][:limit]
            more = bool(found) and found[-1] > 1
            place = {"next": newest, "more": False, "before": found[-1] if more else None}
        return {"rows": [row(one) for one in found], "oldest": 1, **place}

    return history


def cursors(text: str) -> list[int]:
    return [int(line.split()[0]) for line in text.splitlines()]


def test_the_newest_rows_come_in_the_order_in_which_they_happened(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_files, "_PAGE", 2)
    with canned(runtime, {"hello": HELLO, "history": served(9)}, "server") as server:
        assert cursors(run("history", "--server", "-n", "5").stdout) == [5, 6, 7, 8, 9]
        assert cursors(run("history", "--server").stdout) == list(range(1, 10))
        assert cursors(run("history", "--server", "--since", "6").stdout) == [7, 8, 9]
    assert ("history", {"limit": 1, "before": 6}) in server.asked
    assert ("history", {"limit": 2, "since": 8}) in server.asked


def test_what_is_asked_for(runtime: str) -> None:
    with canned(runtime, {"hello": HELLO, "history": served(0)}, "server") as server:
        filters = ["--user", "ana", "--workspace", "ben:default", "--kind", "deleted"]
        times = ["--since", "2026-01-01T00:00:00+00:00", "--until", "2026-01-02T00:00:00+00:00"]
        assert run("history", "--server", "clip 12*", *filters, *times).stdout == ""
    assert server.asked[-1] == (
        "history",
        {
            "path": "clip 12*", "user": "ana", "workspace": "ben:default", "kind": "deleted",
            "start": 1_767_225_600, "end": 1_767_312_000, "limit": 100,
        },
    )  # fmt: skip


def test_a_line_says_who_did_what(greenwich: None) -> None:
    moved = "4711 2023-11-14 22:13:20 music moved in/clip 12.mov -> live/clip 12.mov (4.2 MB)"
    assert happened(FILE_ROW) == f"{moved} by ana (10.0.0.7), 11.9 MB/s"
    others = FILE_ROW | {
        "kind": "deleted", "from": None, "user": None, "address": None, "speed_bps": None,
        "path": "live/", "bytes": 0, "workspace": None,
    }  # fmt: skip
    assert happened(others) == "4711 2023-11-14 22:13:20 - deleted live/ by another program"
    assert happened(others | {"origin": "control"}).endswith("live/ by a command")


def test_csv_and_json(runtime: str, greenwich: None) -> None:
    with canned(runtime, {"hello": HELLO, "history": served(2)}, "server"):
        table = list(csv.DictReader(io.StringIO(run("history", "--server", "--csv").stdout)))
        lines = run("history", "--server", "--json").stdout.splitlines()
    assert [(one["time"], one["path"], one["user"]) for one in table] == [
        ("2023-11-14T22:13:20+00:00", "1", "ana"), ("2023-11-14T22:13:20+00:00", "2", "ana"),
    ]  # fmt: skip
    assert [orjson.loads(line) for line in lines] == [row(1), row(2)]


@pytest.mark.parametrize("path", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_name_is_a_formula_for_a_spreadsheet(path: str, greenwich: None) -> None:
    lines = [CSV_HEAD, *(csv_line(FILE_ROW | {"path": one}) for one in (path, 'a, "b"'))]
    hostile, plain = csv.DictReader(lines)
    assert hostile["path"][0] not in "=+-@\t\r"
    assert plain["path"] == 'a, "b"'


def test_following(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = [2]

    def history(args: dict[str, Any]) -> dict[str, Any]:
        return served(newest[0])(args)

    def receive(self: Subscription, timeout: float | None = None) -> FeedMessage | None:
        """A notice about one row after three new ones; then Ctrl-C."""
        if timeout == 0:
            return None
        if newest[0] == 5:
            raise KeyboardInterrupt
        newest[0] = 5
        return FeedMessage("notice/music/", "notice", "e1", 9, 0.0, {"count": 1}, 5, missed=2)

    monkeypatch.setattr(Subscription, "receive", receive)
    with canned(runtime, {"hello": HELLO, "history": history}, "server"):
        told = run("history", "--server", "--follow")
    assert cursors(told.stdout) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["pattern"], "PATTERN needs --server"),
        (["--user", "ana"], "--user needs --server"),
        (["--csv"], "--csv needs --server"),
        (["--until", "2d"], "--until needs --server"),
        (["--since", "2d"], "times need --server"),
    ],
)
def test_what_only_a_server_knows(runtime: str, words: list[str], says: str) -> None:
    with canned(runtime, {"hello": {"kind": "daemon"}}):
        result = run("history", *words)
    assert result.exit_code == 2 and says in result.stderr


def test_what_only_a_daemon_knows(runtime: str) -> None:
    with canned(runtime, {"hello": HELLO}, "server"):
        result = run("history", "--server", "--job", "a")
        assert result.exit_code == 2 and "--job is for a daemon" in result.stderr
        result = run("history", "--server", "--csv", "--json")
        assert result.exit_code == 2 and "cannot be used together" in result.stderr


def test_a_users_past(greenwich: None) -> None:
    told = user_show(ANA | {"flows": [], "workspaces": []} | PAST).splitlines()
    assert [line.split(None, 1) for line in told[-3:]] == [
        ["last", "seen   2023-11-14 22:13:20 from 10.0.0.7"],
        ["today", "up 1 file, 4.2 kB; down 0 files, 0 B"],
        ["in", "all      up 3 files, 9.0 kB; down 2 files, 5 B"],
    ]
    never = ANA | {"flows": [], "last_seen": None, "moved": {"today": {"files_up": 0}}}
    assert user_show(never).splitlines()[-1] == "  last seen   never"
