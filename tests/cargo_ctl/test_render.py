"""Results in, the exact text out."""

from cargo_ctl.render import bandwidth, jobs, plan, servers, transfers
from tests.cargo_ctl.examples import (
    FAILING,
    NOW,
    PLAN_TOTALS,
    PLANNED,
    SHOWN,
    STATUS,
    SYNCING,
    TRANSFERS,
)


def test_status() -> None:
    assert jobs.status(STATUS) == (
        "error: 2 jobs (1 syncing, 1 error)\n"
        "120 of 3,000 files, 64.0 MB of 256.0 MB (25%), 12.3 MB/s, 16 s left\n"
        "up for 3 h 25 min"
    )


def test_status_with_nothing_to_do() -> None:
    assert jobs.status({"state": "synced", "jobs": {"synced": 1}, "totals": {}, "uptime_s": 3}) == (
        "synced: 1 job (1 synced)\nup for 3 s"
    )


def test_status_says_what_drifted() -> None:
    synced = {"state": "synced", "jobs": {"synced": 1}, "totals": {}, "uptime_s": 3}
    assert jobs.status(synced | {"drifted": 1_200}) == (
        "synced: 1 job (1 synced)\n"
        "1,200 delivered files were changed or removed at the destination since: see job list\n"
        "up for 3 s"
    )


def test_job_list() -> None:
    assert jobs.job_list({"jobs": [SYNCING, FAILING]}, NOW) == (
        "NAME             MODE      STATE    DONE      SPEED  ERRORS  DETAIL\n"
        "nightly          upload    syncing   25%  12.3 MB/s\n"
        "my docs\\x1b[31m  download  error                          1  "
        "1 file could not be read; next try in 40 s"
    )
    assert jobs.job_list({"jobs": []}, NOW) == "there are no jobs"


def test_a_job_outside_its_window() -> None:
    waiting = SYNCING | {"state": "waiting", "detail": "waits until 22:00", "next_at": NOW + 11_100}
    assert jobs.explained(waiting, NOW) == "waits until 22:00 (in 3 h 5 min)"
    window = {"words": "22:00 to 02:30", "zone": "UTC", "open": False, "changes_at": NOW + 11_100}
    rows = [{"from": "08:00", "to": "18:00", "speed": 10_000_000}]
    shown = jobs.job_show(
        waiting | {"window": window, "speed": {"file": rows, "now": None}}, NOW
    ).splitlines()
    assert "  window    22:00 to 02:30, opens in 3 h 5 min" in shown
    assert "  speed     no limit now (the file says 08:00 to 18:00 10mbps)" in shown


def test_speeds() -> None:
    def said(**shown: object) -> str:
        return jobs.speed_set({"job": "nightly", "speed": shown})

    assert said(file=None, now=None) == "nightly: no limit"
    assert said(file=50_000_000, now=50_000_000) == "nightly: 50mbps"
    assert said(file=50_000_000, override=None, now=None, granted=None) == (
        "nightly: no limit by command (the file says 50mbps)"
    )
    assert said(file=None, override=10_000_000, now=10_000_000, granted=5_000_000) == (
        "nightly: 10mbps by command (the file says no limit), 5mbps granted of the daemon's "
        "bandwidth"
    )


def test_jobs_that_wait_for_their_turn() -> None:
    assert transfers.transfer_list({"transfers": [], "waiting": ["b", "a\n"]}) == (
        "no transfers; waiting for their turn: b, a\\x0a"
    )
    assert transfers.transfer_list(TRANSFERS | {"waiting": ["b"]}).endswith(
        "\nwaiting for their turn: b"
    )


def test_open_conflicts_are_shown_everywhere() -> None:
    job = {"name": "a b", "state": "error", "detail": "no", "next_at": NOW + 60, "conflicts": 1}
    assert jobs.explained(job, NOW) == "no; next try in 1 min; 1 open conflict"
    assert jobs.explained({"state": "synced", "conflicts": 1200}, NOW) == "1,200 open conflicts"
    assert "  conflicts 1 path changed on both sides: cargo_ctl conflict list 'a b'\n" in (
        jobs.job_show(job | {"held": None, "settings": {"x": 1}}, NOW)
    )
    state = {"state": "synced", "jobs": {"synced": 1}, "totals": {}, "conflicts": 2, "uptime_s": 3}
    assert jobs.status(state).splitlines()[1] == "2 open conflicts: cargo_ctl conflict list"


def test_job_show() -> None:
    assert jobs.job_show(SHOWN, NOW) == (
        "my docs\\x1b[31m (download): error\n"
        "  local     /home/ana/docs\n"
        "  remote    https://files.example/docs\n"
        "  next run  in 40 s\n"
        "  last run  3,000 files, 256.0 MB in 12 s, 1 error, 1 min ago: the server does not "
        "answer\n"
        "  warning   start_time and end_time are checked, but not acted on yet\n"
        "  held      the job would delete 120 ('a\\x1b[31m')\n"
        "    its id: 5f0c2a91\n"
        "    to see all of it: cargo_ctl job plan 'my docs\\x1b[31m'\n"
        "    to let exactly these pass: cargo_ctl job approve 'my docs\\x1b[31m'\n"
        "    to keep what is there: cargo_ctl job reject 'my docs\\x1b[31m'\n"
        "  failing\n"
        "    a\\x0ab.txt: permission denied (tried 3 times, next try in 1 min 5 s)\n"
        "    the server does not answer (tried 1 time)\n"
        "  settings\n"
        "    sleep = 3\n"
        "    filters = exclude *.tmp, .DS_Store\n"
        "    speed = no limit\n"
        "    watch = yes"
    )


def test_what_holds_a_job_is_said_once() -> None:
    last = FAILING["last_run"] | {"problem": "restored", "files": 0}
    causes = [{"path": "", "message": "restored", "tries": 2}]
    job = FAILING | {"state": "held", "detail": "restored", "last_run": last, "causes": causes}
    assert jobs.job_show(job, NOW).count("restored") == 1


def test_settings_are_shown_as_people_write_them() -> None:
    shown = SYNCING | {
        "settings": {"speed": 1_500_000, "include": [], "trash_days": 14.0, "settle": 0.5}
    }
    assert jobs.job_show(shown, NOW).splitlines()[-4:] == [
        "    speed = 1.5mbps",
        "    include = everything",
        "    trash_days = 14",
        "    settle = 0.5",
    ]


def test_a_run_that_moved_nothing_has_only_failed() -> None:
    last = FAILING["last_run"] | {"files": 0, "bytes": 0}
    assert "  last run  failed 1 min ago: the server does not answer\n" in jobs.job_show(
        SHOWN | {"last_run": last}, NOW
    )


def test_a_run_that_only_found_that_all_is_well_again() -> None:
    last = FAILING["last_run"] | {"files": 0, "bytes": 0, "errors": 0, "problem": ""}
    assert "  last run  nothing to transfer, 1 min ago\n" in jobs.job_show(
        SHOWN | {"last_run": last}, NOW
    )


def test_when_all_was_well_is_said() -> None:
    shown = jobs.job_show(SHOWN | {"succeeded_at": NOW - 3_600}, NOW)
    assert "  in step   1 h ago\n" in shown


def test_what_is_due_is_now() -> None:
    assert "  next run  now\n" in jobs.job_show(FAILING | {"next_at": NOW - 1}, NOW) + "\n"


def test_what_became_of_jobs() -> None:
    assert jobs.states(
        {"jobs": [{"name": "a", "state": "paused"}, {"name": "b", "state": "held"}]}
    ) == ("a: paused\nb: held")
    assert jobs.started("a", {"run": "3f2a"}) == "a: run 3f2a starts; to watch it: cargo_ctl watch"
    reloaded = {
        "jobs": [{"name": "a", "result": "unchanged"}],
        "errors": [{"file": "b.json", "message": "sleep must be a number"}],
    }
    assert jobs.reloaded(reloaded) == (
        "a: unchanged\nerror: file b.json, message sleep must be a number"
    )


def test_transfer_list() -> None:
    assert transfers.transfer_list(TRANSFERS) == (
        "ID        JOB        SIZE  DONE       SPEED  LEFT      RTT  LOST  PATH\n"
        "1f2e3d4c  nightly  2.1 GB   50%  100.0 MB/s  11 s  12.3 ms     0  video/long.mov\n"
        "99        docs       10 B    0%                                   b\\x07"
    )
    assert transfers.transfer_list({"transfers": []}) == "no transfers"


def test_plan() -> None:
    assert plan.heading(two_way=False) + "\n" + plan.actions(PLANNED) + "\n" + plan.totals(
        "my job", PLAN_TOTALS, 4, False
    ) == (
        "OP            SIZE  WHY                       PATH\n"
        "mkdir               new                       new\n"
        "put        12.3 MB  new                       new/a b.bin\n"
        "overwrite      5 B  changed                   old\\x1b.txt\n"
        "delete         7 B  gone at the source        gone.txt\n"
        "1 put, 1 mkdir, 1 delete, 1 overwrite, 12.3 MB\n"
        "nothing was done; to do it now: cargo_ctl job sync 'my job'"
    )
    both = [
        dict(PLANNED[2], direction="upload"),
        dict(PLANNED[3], direction="download"),
        {
            "op": "conflict",
            "size": 5,
            "why": "new on both sides",
            "path": "x",
            "direction": "upload",
        },
    ]
    assert plan.heading(two_way=True) + "\n" + plan.actions(both) == (
        "OP              SIZE  WHY                       PATH\n"
        "↑ overwrite      5 B  changed                   old\\x1b.txt\n"
        "↓ delete         7 B  gone at the source        gone.txt\n"
        "↕ conflict       5 B  new on both sides         x"
    )
    assert plan.totals("a", {"put": 0, "bytes": 0, "held": 0}, 0, False) == "a: nothing to do"
    assert plan.totals("a", {"put": 0, "waiting": 1}, 0, False) == (
        "a: nothing to do yet, 1 file still being written"
    )
    assert plan.totals("a", {"put": 1, "bytes": 5, "waiting": 2}, 1, False).startswith(
        "1 put, 5 B, 2 files still being written\n"
    )
    assert plan.totals("a", {"delete": 12, "bytes": 0, "held": 1}, 12, False) == (
        "12 delete, 0 B\n"
        "nothing was done; this run is held until you approve it: cargo_ctl job approve a"
    )
    assert plan.totals("a", {"put": 3_000, "bytes": 5}, 20, True) == (
        "3,000 put, 5 B (the first 20 are listed)\n"
        "nothing was done; to do it now: cargo_ctl job sync a"
    )
    assert "(the first is listed)" in plan.totals("a", {"put": 2, "bytes": 5}, 1, True)


def test_names_that_a_server_does_not_offer_are_counted_in_its_status() -> None:
    assert servers.served({"users": {"enabled": 1}, "workspaces": 0, "unoffered": 1_200}) == (
        "1 user, 0 workspaces, 1,200 names not offered"
    )


def test_figures_of_one_of_several_servers_say_whose_they_are() -> None:
    among = {"among": {"server": "a", "servers": 3}}
    assert servers.status({"users": {"enabled": 1}, "uptime_s": 3, **among}) == (
        "the server a, one of 3; of all: cargo_ctl server list, flow list\n"
        "serving 1 user, 0 workspaces\n"
        "no transfers; 0 of 0 data connections\n"
        "up for 3 s"
    )
    assert bandwidth.bandwidth({"bandwidth": [], **among}).endswith(
        "\neach of the 3 servers has as much for itself"
    )
