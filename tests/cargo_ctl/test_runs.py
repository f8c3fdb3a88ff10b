"""`cargo_ctl run …`: its requests and its output."""

from datetime import UTC
from typing import Any

from cargo_ctl.render import runs
from tests.cargo_ctl.answers import RUN, TRASH, VERSION
from tests.cargo_ctl.test_commands import run
from tests.control.canned import canned


def test_the_list() -> None:
    rows = [RUN, RUN | {"run": "s", "problem": "", "errors": 0, "ended": RUN["started"]}]
    assert runs.run_list({"runs": rows}, UTC).splitlines() == [
        "RUN  STARTED              TOOK  FILES    SIZE  ERRORS  PROBLEM",
        "r    2023-11-14 22:13:20   5 s      2  1.2 kB       1  the disk is full",
        "s    2023-11-14 22:13:20   0 s      2  1.2 kB       0",
    ]
    assert runs.run_list({"runs": []}) == "no run of this job has done anything yet"


def test_one_run_and_where_what_it_displaced_is_now() -> None:
    freed = VERSION | {"id": "3", "state": "freed", "user": None}
    shown = runs.run_show({"run": RUN, "versions": [freed, VERSION], "more": False}, UTC)
    assert shown.splitlines() == [
        "run r of docs",
        "  started  2023-11-14 22:13:20",
        "  ended    2023-11-14 22:13:25",
        "  moved    2 files, 1.2 kB",
        "  errors   1",
        "  problem  the disk is full",
        "it displaced 2 versions:",
        "ID  WHEN                 WHY               SIZE  STATE             PATH",
        " 3  2023-11-14 22:13:20  deleted         1.2 kB  freed             docs/plan.odt",
        "s7  2023-11-14 22:13:20  deleted by ana  1.2 kB  at back/plan.odt  docs/plan.odt",
    ]


def test_what_is_asked(runtime: Any) -> None:
    rows = {"runs": [RUN], "next": 3}
    with canned(runtime, {"run.list": rows, "run.show": RUN, "trash.list": TRASH}) as daemon:
        run("run", "list", "docs", "--limit", "2")
        assert daemon.asked[-1] == ("run.list", {"job": "docs", "limit": 1, "before": 3})
        run("run", "show", "r", "--json")
        asked = [args for name, args in daemon.asked if name == "trash.list"]
        assert [(args["side"], args["run"], args["all"]) for args in asked] == [
            ("near", "r", True), ("far", "r", True),
        ]  # fmt: skip
