"""`cargo_ctl trash …`: its requests, its output, its exit codes."""

from datetime import UTC
from typing import Any

import pytest

from cargo_ctl.render import trash
from cargo_sync.api.messages import ControlError
from cargo_sync.model.displaced import TrashFilter
from tests.cargo_ctl.answers import EMPTIED, NOT_BACK, RESTORED, TRASH, VERSION
from tests.cargo_ctl.test_commands import run
from tests.control.canned import canned

KEPT = VERSION | {"state": "kept", "moved_to": None, "ended": None}
ROWS = [
    KEPT | {"id": "9", "path": "docs/a", "user": None, "cause": "overwritten", "size": None},
    KEPT | {"id": "8", "path": "docs/b"},
    KEPT | {"id": "7", "path": "docs/a"},
]


def listed(args: dict[str, Any]) -> dict[str, Any]:
    """The list, in pages of two."""
    rows = [row for row in ROWS if args.get("before") is None or int(row["id"]) < args["before"]]
    page = rows[: min(2, args["limit"])]
    more = int(page[-1]["id"]) if len(page) < len(rows) else None
    return TRASH | {"versions": page, "totals": {"files": 3, "bytes": 99}, "next": more}


def test_the_list() -> None:
    result = TRASH | {"versions": [*ROWS, VERSION], "totals": {"files": 3, "bytes": 3_702}}
    assert trash.versions(result, UTC).splitlines() == [
        "ID  WHEN                 WHY               SIZE  STATE             PATH",
        " 9  2023-11-14 22:13:20  overwritten             kept              docs/a",
        " 8  2023-11-14 22:13:20  deleted by ana  1.2 kB  kept              docs/b",
        " 7  2023-11-14 22:13:20  deleted by ana  1.2 kB  kept              docs/a",
        "s7  2023-11-14 22:13:20  deleted by ana  1.2 kB  at back/plan.odt  docs/plan.odt",
        "3 versions, 3.7 kB in the trash of /srv/ana",
    ]
    nothing = TRASH | {"versions": [], "totals": {"files": 0, "bytes": 0}}
    assert trash.versions(nothing) == "the trash of /srv/ana is empty"
    other = TRASH | {"versions": []}
    assert (
        trash.versions(other)
        == "nothing is found; in all 1 version, 1.2 kB in the trash of /srv/ana"
    )


def test_it_is_read_in_pages_up_to_the_limit(runtime: Any) -> None:
    with canned(runtime, {"trash.list": listed}) as daemon:
        assert len(run("trash", "list", "docs").stdout.splitlines()) == 5
        run("trash", "list", "docs", "*.odt", "--run", "r", "--all", "--limit", "1", "--json")
        assert daemon.asked[-1] == (
            "trash.list",
            {"job": "docs", "pattern": "*.odt", "run": "r", "all": True, "limit": 1},
        )
        run("trash", "list", "docs", "--side", "server", "--since", "1970-01-02T00:00:00+00:00")
        asked = next(args for name, args in reversed(daemon.asked) if "before" not in args)
        assert (asked["side"], asked["since"]) == ("far", 86_400)


def test_both_sides_of_a_two_way_job_are_listed(runtime: Any) -> None:
    def both(args: dict[str, Any]) -> dict[str, Any]:
        if args.get("side") == "far":
            return TRASH
        return TRASH | {"versions": [KEPT | {"id": "1"}], "where": "/here", "other": "far"}

    with canned(runtime, {"trash.list": both}):
        out = run("trash", "list", "docs").stdout
        assert "/here" in out and "/srv/ana" in out


def test_of_a_path_the_newest_version_is_restored(runtime: Any) -> None:
    with canned(runtime, {"trash.list": listed, "trash.restore": RESTORED}) as daemon:
        result = run("trash", "restore", "docs", "docs", "--to", "back")
        assert daemon.asked[-1] == (
            "trash.restore",
            {"job": "docs", "ids": ["9", "8"], "to": "back"},
        )
        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            "restored on the server: docs/plan.odt; 1 version that stood there went to the trash",
            "1 version restored",
        ]


def test_of_a_path_that_both_sides_have_displaced_the_newest_version_is_restored(
    runtime: Any,
) -> None:
    def both(args: dict[str, Any]) -> dict[str, Any]:
        far = args.get("side") == "far"
        prefix = "s" if far else ""
        versions = [
            KEPT | {"id": prefix + id, "path": path, "time": time, "hash": content}
            for id, path, times, contents in (
                ("5", "here newer", (30.5, 20.0), "ab"),
                ("4", "there newer", (20.5, 30.0), "ab"),
                ("3", "alike", (20.0, 30.0), "aa"),
                ("2", "unknown", (30.0, 20.0), (None, None)),
            )
            for time, content in [(times[far], contents[far])]
        ]
        return TRASH | {"versions": versions, "other": None if far else "far"}

    with canned(runtime, {"trash.list": both, "trash.restore": RESTORED}) as daemon:
        run("trash", "restore", "docs", "d")
        near, far = [args["ids"] for name, args in daemon.asked if name == "trash.restore"]
        assert (near, far) == (["5", "3", "2"], ["s4", "s3"])


def test_where_a_version_was_restored_is_said(runtime: Any) -> None:
    rows = [{"id": id, "code": "done", "path": "a", "displaced": 0} for id in ("s4", "3")]
    with canned(runtime, {"trash.restore": {"results": rows}}):
        lines = run("trash", "restore", "docs", "3").stdout.splitlines()
    assert lines[:2] == ["restored on the server: a", "restored: a"]


def test_of_a_run_the_version_from_before_it_is_restored(runtime: Any) -> None:
    with canned(runtime, {"trash.list": listed, "trash.restore": RESTORED}) as daemon:
        run("trash", "restore", "docs", "--run", "r")
        assert daemon.asked[-1][1]["ids"] == ["7", "8"]


def test_ids_are_of_one_side_each(runtime: Any) -> None:
    with canned(runtime, {"trash.list": listed, "trash.restore": RESTORED}) as daemon:
        run("trash", "restore", "docs", "s7", "12", "s8", "12")
        sent = [args["ids"] for name, args in daemon.asked if name == "trash.restore"]
        assert sent == [["12"], ["s7", "s8"]]
        run("trash", "restore", "docs", "./12")
        assert daemon.asked[-2][1]["pattern"] == "12", "a file that is called like an id"


def test_only_what_is_inside_a_folder_is_restored(runtime: Any) -> None:
    with canned(runtime, {"trash.list": listed, "trash.restore": RESTORED}) as daemon:
        run("trash", "restore", "docs", "12", "s7", "--path", "b/c", "--to", "found")
        near, far = [args for name, args in daemon.asked if name == "trash.restore"]
        assert near == {"job": "docs", "ids": ["12"], "to": "found", "inside": "b/c"}
        assert far["ids"] == ["s7"] and far["inside"] == "b/c"


def test_a_file_that_went_with_its_folder_is_taken_out_of_the_newest(runtime: Any) -> None:
    folders = [
        KEPT | {"id": "3", "path": "d*", "kind": "folder", "time": 10.0},
        KEPT | {"id": "4", "path": "d*/b", "kind": "folder", "time": 30.0},
        KEPT | {"id": "5", "path": "d*/b", "kind": "folder", "time": 20.0},
        KEPT | {"id": "6", "path": "d*/b", "kind": "file", "time": 90.0},
        KEPT | {"id": "7", "path": "elsewhere/d*", "kind": "folder", "time": 90.0},
    ]

    def above(args: dict[str, Any]) -> dict[str, Any]:
        wanted = TrashFilter(args["pattern"])
        return TRASH | {"versions": [one for one in folders if wanted.matches(one["path"])]}

    with canned(runtime, {"trash.list": above, "trash.restore": RESTORED}) as daemon:
        run("trash", "restore", "docs", "d*/b/c/e")
        sent = daemon.asked[-1][1]
        assert (sent["ids"], sent["inside"]) == (["4"], "c/e")
        assert run("trash", "restore", "docs", "x/y").exit_code == 1


def test_what_was_not_restored_is_said(runtime: Any) -> None:
    failed = {"trash.restore": RESTORED | {"results": [NOT_BACK]}}
    with canned(runtime, failed):
        result = run("trash", "restore", "docs", "s8")
        assert result.exit_code == 1
        assert result.stdout == ("not restored: a folder (elsewhere)\n0 versions restored, 1 not\n")
    with canned(runtime, {"trash.list": TRASH | {"versions": []}}):
        result = run("trash", "restore", "docs", "nothing")
        assert result.exit_code == 1 and "nothing called 'nothing' is in the trash" in result.stderr
        assert run("trash", "restore", "docs", "--run", "r").exit_code == 1
    with canned(runtime, {"trash.list": ControlError("unknown_job", "no such job")}):
        assert run("trash", "list", "x").exit_code == 2


def test_it_is_emptied_until_nothing_is_left(runtime: Any) -> None:
    left = [EMPTIED | {"more": True}, EMPTIED]

    def emptied(args: dict[str, Any]) -> dict[str, Any]:
        return left.pop(0)

    with canned(runtime, {"trash.list": TRASH, "trash.empty": emptied}) as daemon:
        result = run("trash", "empty", "docs", "--older", "7d")
        assert result.exit_code == 2 and "older than 7 d" in result.stderr, "it asks first"
        result = run("trash", "empty", "docs", "--older", "7d", "--yes")
        assert result.stdout == "2 versions removed for good (2.5 kB)\n"
        assert daemon.asked[-1] == ("trash.empty", {"job": "docs", "older": 604_800})


@pytest.mark.parametrize(
    "line",
    [
        "trash list",
        "trash list docs --user ana",
        "trash list --server",
        "trash list --server music --side local",
        "trash restore docs",
        "trash restore docs a --run r",
        "trash restore docs a --path b",
        "trash restore docs --run r --path b",
        "trash list docs --since yesterday",
        "trash empty docs --older 2026-11-28",
    ],
)
def test_what_makes_no_sense_is_refused(runtime: Any, line: str) -> None:
    with canned(runtime, {"trash.list": TRASH}) as daemon:
        assert run(*line.split()).exit_code == 2
        assert not [name for name, _ in daemon.asked if name.startswith("trash")]
