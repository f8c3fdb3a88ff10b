"""Feed messages in, lines and pictures out."""

import io
from typing import Any

import pytest
from rich.console import Console
from rich.live import Live

from cargo_ctl.render.board import Board
from cargo_ctl.render.live import picture
from cargo_ctl.render.words import clock
from cargo_ctl.watching import LiveView, view
from cargo_sync.api import topics
from cargo_sync.api.messages import FeedMessage
from tests.cargo_ctl.examples import FAILING, NOW, STATUS, SYNCING, TRANSFERS


def message(
    topic: str, type: str, fields: dict[str, Any], time: float = NOW, replay: bool = False
) -> FeedMessage:
    return FeedMessage(topic, type, "e1", 1, time, fields, replay=replay)


def status(name: str, state: str, detail: str = "") -> FeedMessage:
    return message(topics.job_status(name), "status", {"state": state, "detail": detail})


def lines(*messages: FeedMessage) -> list[str]:
    board = Board()
    taken = [board.take(each) for each in messages]
    return [line for line in taken if line is not None]


def test_a_run_as_plain_lines() -> None:
    uploaded = {
        "kind": "uploaded",
        "count": 500,
        "paths": ["a.txt", "b\x1b", "c", "d"],
        "bytes": 20_000_000,
    }
    assert lines(
        message(topics.STATUS, "status", STATUS),
        status("nightly", "starting"),
        status("nightly", "starting"),
        status("nightly", "syncing"),
        message(topics.PROGRESS, "progress", SYNCING["progress"]),
        message(topics.job_progress("nightly"), "progress", SYNCING["progress"]),
        message(topics.transfer("1f"), "transfer", TRANSFERS["transfers"][0]),
        message(topics.notice("nightly"), "notice", uploaded),
        status("nightly", "error", "1 file could not be read"),
        message(topics.job_progress("nightly"), "progress", FAILING["progress"]),
    ) == [
        "nightly: starting",
        "nightly: syncing",
        "nightly: 120 of 3,000 files, 64.0 MB of 256.0 MB (25%), 12.3 MB/s, 16 s left",
        f"{clock(NOW)} nightly: uploaded 500 files (20.0 MB): a.txt, b\\x1b, c, …",
        "nightly: error, 1 file could not be read",
    ]


def test_notices() -> None:
    topic = topics.notice("my job\n")
    held = {"kind": "held", "count": 0, "paths": [], "bytes": 0, "message": "120 deletions wait"}
    error = {
        "kind": "error",
        "count": 1,
        "paths": ["a"],
        "bytes": 0,
        "message": "permission denied",
    }
    told = lines(
        message(topic, "notice", held, replay=True),
        message(topic, "notice", held),
        message(topic, "notice", error),
        message(
            topic, "notice", error | {"paths": [], "message": "there is no host files.example"}
        ),
        message(topics.notice(""), "notice", {"kind": "clock_jumped", "message": "a year ahead"}),
    )
    assert all(line.startswith(f"{clock(NOW)} ") for line in told)
    assert [line.partition(" ")[2] for line in told] == [
        "my job\\x0a: held: 120 deletions wait",
        "my job\\x0a: error 1 file: a: permission denied",
        "my job\\x0a: error: there is no host files.example",
        "clock_jumped: a year ahead",
    ]


def test_a_job_that_there_is_no_more_leaves_the_picture() -> None:
    board = Board()
    board.take(status("old", "error", "out of reach"))
    board.take(status("new", "synced"))
    assert board.take(status("old", "removed")) == "old: removed"
    assert list(board.jobs) == ["new"]


def test_a_transfer_is_over_when_it_is_complete_or_silent() -> None:
    board = Board()
    first, second = TRANSFERS["transfers"]
    board.take(message(topics.transfer("1"), "transfer", first))
    board.take(message(topics.transfer("2"), "transfer", second))
    assert list(board.transfers) == ["1", "2"]
    board.take(message(topics.transfer("1"), "transfer", first | {"done": first["size"]}))
    assert list(board.transfers) == ["2"]
    board.take(message(topics.STATUS, "status", STATUS, NOW + 5.0))
    assert list(board.transfers) == ["2"]
    board.take(message(topics.STATUS, "status", STATUS, NOW + 5.1))
    assert list(board.transfers) == []


def test_a_transfer_is_over_when_a_notice_names_its_file() -> None:
    board = Board()
    first, second = TRANSFERS["transfers"]
    for id, one in (("1", first), ("2", second), ("3", first | {"job": "other"})):
        board.take(message(topics.transfer(id), "transfer", one))
    told = {"kind": "uploaded", "count": 1, "paths": [first["path"]]}
    board.take(message(topics.notice(first["job"]), "notice", told, replay=True))
    assert list(board.transfers) == ["1", "2", "3"]
    board.take(message(topics.notice(first["job"]), "notice", told))
    assert list(board.transfers) == ["2", "3"]


def drawn(board: Board, height: int = 24, width: int = 100) -> str:
    console = Console(
        file=io.StringIO(), width=100, force_terminal=False, color_system=None, legacy_windows=False
    )
    with console.capture() as capture:
        console.print(picture(board, NOW, height, width))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def test_a_live_view_draws_what_is_new_and_rests_otherwise() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    written = []
    with Live(console=console, auto_refresh=False) as live:
        screen = LiveView(live)
        for each in (status("nightly", "syncing"), None, None, status("nightly", "synced"), None):
            screen.take(each)
            written.append(len(console.file.getvalue()))  # type: ignore[attr-defined]
        screen.say("a line of \x1b its log")
    assert written[0] == written[1] == written[2] < written[4]
    assert "a line of \\x1b its log" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_picture() -> None:
    board = Board()
    assert drawn(board) == "waiting for messages"
    for each in (
        message(topics.STATUS, "status", STATUS),
        message(topics.PROGRESS, "progress", STATUS["totals"]),
        message(topics.job_status("nightly"), "status", SYNCING),
        message(topics.job_progress("nightly"), "progress", SYNCING["progress"]),
        message(topics.job_status("docs\x1b"), "status", FAILING),
        message(topics.transfer("1"), "transfer", TRANSFERS["transfers"][0]),
        message(
            topics.notice("nightly"),
            "notice",
            {"kind": "uploaded", "count": 1, "paths": ["[red]a"]},
        ),
    ):
        board.take(each)
    assert drawn(board) == (
        "error  120 of 3,000 files, 64.0 MB of 256.0 MB (25%), 12.3 MB/s, 16 s left\n"
        "docs\\x1b  error                                   1 file could not be read; next try in "
        "40 s\n"
        "nightly   syncing  ━━━━━━                    25%  12.3 MB/s, 16 s left\n"
        "  nightly: video/long.mov  ━━━━━━━━━━━━              50%  2.1 GB, 100.0 MB/s, 11 s left\n"
        f"{clock(NOW)} nightly: uploaded 1 file: [red]a"
    )


@pytest.mark.parametrize(
    ("width", "first"),
    [
        (80, "syncing  120 of 3,000 files, 64.0 MB of 256.0 MB (25%), 12.3 MB/s, 16 s left"),
        (60, "syncing  64.0 MB of 256.0 MB (25%), 12.3 MB/s, 16 s left"),
        (40, "syncing  12.3 MB/s, 16 s left"),
    ],
)
def test_the_time_that_is_left_is_there_on_every_width(width: int, first: str) -> None:
    board = Board()
    board.take(message(topics.STATUS, "status", STATUS | {"state": "syncing"}))
    board.take(message(topics.PROGRESS, "progress", STATUS["totals"]))
    board.take(message(topics.job_status("nightly"), "status", SYNCING))
    board.take(message(topics.job_progress("nightly"), "progress", SYNCING["progress"]))
    board.take(message(topics.transfer("1"), "transfer", TRANSFERS["transfers"][0]))
    lines = drawn(board, width=width).splitlines()
    assert lines[0] == first
    assert len(lines) == 3 and all(line.endswith("s left") for line in lines)
    assert all(len(line) <= width for line in lines)


def test_jobs_that_do_not_fit_are_counted_and_what_fails_or_moves_comes_first() -> None:
    board = Board()
    board.take(message(topics.STATUS, "status", STATUS))
    for number in range(43):
        board.take(status(f"job{number:02}", "paused" if number == 20 else "synced"))
    board.take(status("job30", "error", "its folder is gone"))
    board.take(status("job41", "syncing"))
    assert drawn(board, height=7).splitlines() == [
        "error",
        "job30  error    its folder is gone",
        "job41  syncing",
        "job20  paused",
        "job00  synced",
        "job01  synced",
        "and 38 more: 38 synced",
    ]
    names = [line.split()[0] for line in drawn(board, height=44).splitlines()]
    assert names == ["error", *(f"job{number:02}" for number in range(43))], "the order of names"
    for number in range(9):
        board.take(message(topics.transfer(str(number)), "transfer", TRANSFERS["transfers"][0]))
    tall = drawn(board, height=20).splitlines()
    assert (len(tall), tall[-1]) == (20, "  and 1 file more")


def test_a_daemon_that_has_ended_leaves_no_old_picture() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    with Live(console=console, auto_refresh=False) as live:
        screen = LiveView(live)
        screen.take(status("nightly", "synced"))
        before = len(console.file.getvalue())  # type: ignore[attr-defined]
        screen.lost("the daemon has ended")
    after = console.file.getvalue()[before:]  # type: ignore[attr-defined]
    assert "the daemon has ended" in after
    assert "nightly" not in after


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_view_that_got_nothing_leaves_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job file with errors: they are all that is said."""
    for takes in (0, 1):
        terminal = Terminal()
        monkeypatch.setattr("sys.stdout", terminal)
        with view() as screen:
            screen.say("the error")
            for _ in range(takes):
                screen.take(None)
        assert "the error" in terminal.getvalue()
        assert ("waiting for messages" in terminal.getvalue()) == bool(takes)
