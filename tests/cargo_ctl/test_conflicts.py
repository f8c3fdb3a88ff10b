"""`cargo_ctl conflict …`: its requests, its output, its exit codes."""

from datetime import UTC
from typing import Any

import pytest

from cargo_ctl.render import conflicts
from cargo_sync.api.messages import ControlError
from tests.cargo_ctl.answers import CONFLICT, CONFLICTS, RESOLVED, SIDE
from tests.cargo_ctl.test_commands import run
from tests.control.canned import canned

DONE = CONFLICT | {
    "id": 8, "path": "x.txt", "state": "resolved", "choice": "keep_both", "by": "policy",
    "copy": "x (conflict pc 2026-11-28 1543).txt", "remote": {"kind": "folder"},
}  # fmt: skip
OVER = CONFLICT | {"id": 9, "state": "resolved"}


def listed(args: dict[str, Any]) -> dict[str, Any]:
    """The list in pages of one."""
    rows, after = [CONFLICT, DONE], args["after"]
    more = after + 1 if after + 1 < len(rows) else None
    return {
        "conflicts": rows[after : after + 1], "totals": {"open": 1, "resolved": 1}, "next": more,
    }  # fmt: skip


def test_the_list() -> None:
    rows = [CONFLICT, DONE, OVER, CONFLICT | {"choice": "local"}]
    result = {"conflicts": rows, "totals": {"open": 2, "resolved": 1200}}
    assert conflicts.conflict_list(result, UTC).splitlines() == [
        "ID  JOB   SEEN                  LOCAL  REMOTE  PATH        WHAT",
        " 7  docs  2023-11-14 22:13:20  1.2 kB     9 B  report.odt  waits for a decision",
        " 8  docs  2023-11-14 22:13:20  1.2 kB          x.txt       both are kept: x (conflict pc"
        " 2026-11-28 1543).txt",
        " 9  docs  2023-11-14 22:13:20  1.2 kB     9 B  report.odt  ended by itself",
        " 7  docs  2023-11-14 22:13:20  1.2 kB     9 B  report.odt  the local version will win",
        "2 open, 1,200 resolved",
    ]
    nothing: dict[str, Any] = {"conflicts": [], "totals": {"open": 0, "resolved": 0}}
    assert conflicts.conflict_list(nothing) == "there are no conflicts"
    nothing["totals"]["resolved"] = 3
    assert conflicts.conflict_list(nothing) == "0 open, 3 resolved"


def test_what_both_sides_have() -> None:
    assert conflicts.conflict_show(CONFLICT, UTC).splitlines() == [
        "conflict 7: report.odt of docs",
        "  seen    2023-11-14 22:13:20, in the run r",
        "  policy  ask",
        "  state   waits for a decision",
        "          KIND    SIZE  MODIFIED             HASH",
        "  base    file  1.2 kB  2023-11-14 22:13:20  abababababab",
        "  local   file  1.2 kB  2023-11-14 22:13:20  abababababab",
        "  remote  file     9 B  2023-11-14 22:13:20  not computed",
        "to decide: cargo_ctl conflict resolve 7 keep-both (or local, or remote)",
    ]
    link = SIDE | {"kind": "link", "target": "../x", "hash": None}
    shown = conflicts.conflict_show(DONE | {"base": None, "local": link}, UTC).splitlines()
    assert shown[5:] == [
        "  base    never agreed on",
        "  local   link to ../x",
        "  remote  folder",
    ]
    far_away = CONFLICT | {"local": SIDE | {"mtime": 1e15}}
    assert "1000000000000000" in conflicts.conflict_show(far_away, UTC)


def test_pages_are_put_together(runtime: str) -> None:
    with canned(runtime, {"conflict.list": listed}) as daemon:
        assert len(run("conflict", "list").stdout.splitlines()) == 4
        run("conflict", "list", "docs", "--all", "--limit", "1", "--json")
        assert daemon.asked[-1] == (
            "conflict.list",
            {"job": "docs", "state": "all", "after": 0, "limit": 1},
        )


@pytest.mark.parametrize("choice", ["keep-both", "local", "remote"])
def test_a_choice(runtime: str, choice: str) -> None:
    with canned(runtime, {"conflict.resolve": RESOLVED}) as daemon:
        result = run("conflict", "resolve", "7", choice)
        sent = {"id": 7, "choice": choice.replace("-", "_")}
        assert daemon.asked[-1] == ("conflict.resolve", sent)
    assert result.stdout == "report.odt of docs: the local version will win; run r2 does it\n"
    waits = RESOLVED | {"run": None, "waits": 'the job "docs" is paused'}
    assert conflicts.resolved(waits) == (
        "report.odt of docs: the local version will win, as soon as the job runs: "
        'the job "docs" is paused'
    )


def test_several_are_decided(runtime: str) -> None:
    def resolve(args: dict[str, Any]) -> dict[str, Any]:
        if args["id"] == 8:
            raise ControlError("changed", "it has changed", "look again")
        return RESOLVED

    with canned(runtime, {"conflict.resolve": resolve}) as daemon:
        result = run("conflict", "resolve", "7", "8", "9", "local")
        assert [args["id"] for _, args in daemon.asked] == [7, 8, 9]
    line = "report.odt of docs: the local version will win; run r2 does it\n"
    assert result.stdout == f"{line}8: it has changed\n{line}2 decided, 1 not\n"
    assert result.exit_code == 1


def test_all_of_a_job_are_decided(runtime: str) -> None:
    with canned(runtime, {"conflict.list": listed, "conflict.resolve": RESOLVED}) as daemon:
        assert run("conflict", "resolve", "--all", "keep-both").exit_code == 2
        asked = len(daemon.asked)
        result = run("conflict", "resolve", "--all", "--job", "docs", "--yes", "keep-both")
        assert [name for name, _ in daemon.asked[asked:]] == [
            *["conflict.list"] * 2,
            *["conflict.resolve"] * 2,
        ]
        assert daemon.asked[-1] == ("conflict.resolve", {"id": 8, "choice": "keep_both"})
    assert result.stdout.splitlines()[-1] == "2 decided"


EITHER = [["local"], ["7", "--all", "local"], ["7", "--job", "d", "local"]]


@pytest.mark.parametrize("words", EITHER)
def test_either_ids_or_all(runtime: str, words: list[str]) -> None:
    with canned(runtime, {"conflict.resolve": RESOLVED}) as daemon:
        assert run("conflict", "resolve", *words).exit_code == 2
        assert not daemon.asked


def test_what_is_refused(runtime: str) -> None:
    refused: dict[str, Any] = {
        "conflict.show": ControlError("unknown_conflict", "there is no conflict 7", "look"),
        "conflict.resolve": ControlError("changed", "it has changed", "look again"),
        "conflict.list": CONFLICTS,
    }
    with canned(runtime, refused):
        unknown = run("conflict", "show", "7")
        changed = run("conflict", "resolve", "7", "local")
        wrong = run("conflict", "resolve", "7", "both")
        odd = run("conflict", "show", "x")
    assert (unknown.exit_code, unknown.stderr) == (2, "cargo_ctl: there is no conflict 7 (look)\n")
    assert (changed.exit_code, changed.stderr) == (1, "cargo_ctl: it has changed (look again)\n")
    assert wrong.exit_code == odd.exit_code == 2
    assert "a conflict has a number, not 'x'" in odd.stderr
