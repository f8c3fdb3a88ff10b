"""A server's feed messages in, lines and pictures out."""

import io
from typing import Any

from rich.console import Console
from rich.live import Live

from cargo_ctl.render.server_board import ServerBoard
from cargo_ctl.render.server_live import picture
from cargo_ctl.render.words import clock
from cargo_ctl.watching import LiveView
from cargo_sync.api import topics
from cargo_sync.api.messages import FeedMessage
from tests.cargo_ctl.answers import NODE, NODES, REPAIR
from tests.cargo_ctl.examples import NOW
from tests.cargo_ctl.server_examples import DOWN, FILES_TOLD, STATUS, UP


def message(
    topic: str, type: str, fields: dict[str, Any], time: float = NOW, replay: bool = False
) -> FeedMessage:
    return FeedMessage(topic, type, "e1", 1, time, fields, replay=replay)


def flow(fields: dict[str, Any], time: float = NOW, ended: bool = False) -> FeedMessage:
    return message(topics.flow(fields["id"]), "flow", fields | {"ended": ended}, time)


def notice(user: str, kind: str, replay: bool = False) -> FeedMessage:
    return message(topics.notice(user), "notice", {"user": user, "kind": kind}, replay=replay)


def lines(*messages: FeedMessage) -> list[str]:
    board = ServerBoard()
    taken = [board.take(each) for each in messages]
    return [line for line in taken if line is not None]


OTHERS_TOLD = FILES_TOLD | {
    "kind": "deleted", "user": None, "count": 1, "bytes": 5, "paths": ["a\x1b"],
}  # fmt: skip


def test_lines() -> None:
    assert lines(
        message(topics.STATUS, "status", STATUS),
        message(topics.STATUS, "status", STATUS | {"flows": 3}),
        message(topics.PROGRESS, "progress", STATUS["totals"]),
        flow(UP),
        flow(UP | {"bytes": 9}),
        flow(DOWN),
        notice("ben\x1b", "disabled"),
        notice("ben", "added", replay=True),
        notice("eva", "of a later\x1b version"),
        message(topics.notice(""), "notice", {"user": "", "kind": "x", "message": "a year ahead"}),
        message(topics.notice("music"), "notice", FILES_TOLD),
        message(topics.notice("music"), "notice", OTHERS_TOLD),
        flow(UP | {"bytes": 2_500_000}, ended=True),
    ) == [
        "serving 3 users (1 disabled), 1 workspace, 1 folder not usable",
        "ana: upload into default/in/box started",
        "ana: download from music\\x07 started",
        f"{clock(NOW)} ben\\x1b was disabled",
        f"{clock(NOW)} eva of a later\\x1b version",
        f"{clock(NOW)} a year ahead",
        f"{clock(NOW)} music: uploaded 500 files (20.0 MB): a.txt, b.txt, c.txt, …, by ana",
        f"{clock(NOW)} music: deleted 1 file (5 B): a\\x1b",
        "ana: upload into default/in/box ended after 2.5 MB",
    ]


def drawn(board: ServerBoard, height: int = 24) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=96, color_system=None).print(picture(board, NOW, height, 96))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_picture_of_flows_by_user() -> None:
    board = ServerBoard()
    eva = UP | {"id": "00", "user": "eva\x1b[2J", "granted": None, "speed_bps": 80_000_000}
    for each in (
        message(topics.STATUS, "status", STATUS),
        message(topics.PROGRESS, "progress", STATUS["totals"]),
        flow(eva),
        flow(DOWN),
        flow(UP),
        notice("ben", "removed"),
    ):
        board.take(each)
    assert drawn(board) == [
        "serving  3 users (1 disabled), 1 workspace, 1 folder not usable; 1 upload at 12.3 MB/s, 2 "
        "downl…",
        "ana                                           2 flows, 1.0 MB/s",
        "  ↑ default/in/box  ━━━╸                      1.2 MB, 1.0 MB/s of 6.2 MB/s",
        "  ↓ music\\x07                                 0 B, 0 B/s",
        "eva\\x1b[2J                                    1 flow, 10.0 MB/s",
        "  ↑ default/in/box  ━━━━━━━━━━━━━━━━━━━━━━━━  1.2 MB, 10.0 MB/s",
        f"{clock(NOW)} ben was removed",
    ]


def test_nodes_and_their_repair() -> None:
    nothing = {"copies": 0, "bytes": 0}
    node = message(topics.node("a\x1b"), "node", NODE)
    back = message(topics.node("a\x1b"), "node", NODE | {"state": "up"})
    board = ServerBoard()
    told = [
        board.take(each)
        for each in (
            node,
            node,
            message(topics.REPAIR, "repair", {"missing": nothing, "repair": REPAIR}),
            message(topics.REPAIR, "repair", {"missing": NODES["missing"], "repair": REPAIR}),
            back,
        )
    ]
    words = "repair: 2 copies (3.0 kB) to make, 1 min 35 s left (1.0 kB/s of late)"
    first, again, none, begun, up = told
    assert (first, again, none) == (r"storage node a\x1b: down", None, None)
    assert (begun, up) == (words, r"storage node a\x1b: up")
    line = "1 storage node: 1 up; 3 copies missing, 1 min 35 s left"
    assert drawn(board) == ["waiting for messages", line]
    ended = board.take(message(topics.REPAIR, "repair", {"missing": nothing, "repair": REPAIR}))
    assert ended == "repair: no copy is missing now"
    board.take(message(topics.node("a\x1b"), "node", {"node": "a\x1b", "state": "removed"}))
    assert drawn(board) == ["waiting for messages"]


def test_flows_that_do_not_fit_are_counted() -> None:
    board = ServerBoard()
    board.take(message(topics.STATUS, "status", STATUS))
    for number in range(20):
        board.take(flow(UP | {"id": f"a{number}"}))
        board.take(flow(UP | {"id": f"b{number}", "user": "ben"}))
    shown = drawn(board, height=10)
    assert [line.split()[0] for line in shown] == ["serving", "ana", *["↑"] * 7, "and"]
    assert shown[-1] == "and 33 flows more"
    assert len(drawn(board, height=60)) == 1 + 2 * 21


def test_a_flow_that_says_nothing_any_more_is_gone() -> None:
    board = ServerBoard()
    board.take(flow(UP))
    board.take(message(topics.STATUS, "status", STATUS, NOW + 60))
    assert drawn(board) == [
        "serving  3 users (1 disabled), 1 workspace, 1 folder not usable; no transfers"
    ]
    assert drawn(ServerBoard()) == ["waiting for messages"]


def test_a_live_view_draws_it() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, color_system=None)
    with Live(auto_refresh=False, console=console) as live:
        view = LiveView(live, ServerBoard)
        view.take(flow(UP))
        view.take(None)
    assert "default/in/box" in out.getvalue()
