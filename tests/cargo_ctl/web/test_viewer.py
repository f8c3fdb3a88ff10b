"""What goes out to one browser, event by event."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from cargo_ctl.web.source import Presence
from cargo_ctl.web.upstream import Cursor, Told, row_told, told
from cargo_ctl.web.viewer import (
    MOST_BYTES,
    MOST_EVENTS,
    PROGRESS_EVERY,
    Viewer,
    cursors,
    snapshot_data,
)
from cargo_sync.api.messages import FeedMessage

HERE = Presence(True, "", "daemon", "box", "1.0", "e1")
GONE = Presence(False, "the daemon went away", "daemon", "box", "1.0")


def status(state: str, seq: int = 1) -> Told:
    return told(FeedMessage("job/a/status", "status", "e1", seq, 1.0, {"job": "a", "state": state}))


def notice(cursor: int, path: str = "a.txt") -> Told:
    fields = {"job": "a", "kind": "uploaded", "count": 1, "paths": [path]}
    return told(FeedMessage("notice/a/", "notice", "e1", cursor, 1.0, fields, cursor))


def progress(done: int, topic: str = "job/a/progress") -> Told:
    return told(FeedMessage(topic, "progress", "e1", done, 1.0, {"bytes_done": done}))


def read(raw: bytes) -> list[tuple[str, Any]]:
    """(event, data), and ("id", id)."""
    found: list[tuple[str, Any]] = []
    for block in raw.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], json.loads(fields["data"])))
        if "id" in fields:
            found.append(("id", fields["id"]))
    return found


def names(raw: bytes) -> list[str]:
    return [name for name, _ in read(raw)]


def shot(
    viewer: Viewer, source: str, fields: dict[str, Any], missed: Iterable[Told] | None = ()
) -> None:
    """The snapshot comes that is asked for now."""
    viewer.snapshot(source, viewer.asked(source), snapshot_data(source, HERE, fields), missed)


def live(source: str = "d") -> Viewer:
    viewer = Viewer([source])
    viewer.up(source, HERE, Cursor("e1", 10))
    viewer.wanted.clear()
    shot(viewer, source, {"jobs": []})
    viewer.take(0.0)
    return viewer


def test_a_snapshot_then_what_came_meanwhile() -> None:
    viewer = Viewer(["d"])
    viewer.told("d", status("lost"))
    assert viewer.due(0.0) is None
    viewer.up("d", HERE, Cursor("e1", 10))
    assert viewer.wanted == {"d"}
    viewer.told("d", status("syncing"))
    viewer.told("d", notice(11))
    assert viewer.take(0.0) == b"", "the snapshot comes first"
    shot(viewer, "d", {"jobs": []})
    assert viewer.due(0.0) == 0.0
    assert read(viewer.take(0.0)) == [
        (
            "snapshot",
            {"source": "d", "state": "up", "detail": "", "kind": "daemon", "jobs": []},
        ),
        (
            "event",
            {
                "source": "d",
                "topic": "job/a/status",
                "message": {
                    "type": "status",
                    "epoch": "e1",
                    "seq": 1,
                    "time": 1.0,
                    "job": "a",
                    "state": "syncing",
                },
            },
        ),
        (
            "event",
            {
                "source": "d",
                "topic": "notice/a/",
                "message": {
                    "type": "notice",
                    "epoch": "e1",
                    "seq": 11,
                    "time": 1.0,
                    "cursor": 11,
                    "job": "a",
                    "kind": "uploaded",
                    "count": 1,
                    "paths": ["a.txt"],
                },
            },
        ),
        ("id", "d=e1.11"),
    ]
    assert viewer.due(0.0) is None


def test_progress_waits_as_one_message_and_goes_out_four_times_a_second() -> None:
    viewer = live()
    viewer.told("d", progress(1))
    assert viewer.due(1.0) == 0.0
    assert names(viewer.take(1.0)) == ["progress"]
    for done in range(2, 200):
        viewer.told("d", progress(done))
        viewer.told("d", progress(done, "transfer/1/"))
    assert viewer.due(1.0) == PROGRESS_EVERY
    assert viewer.take(1.0 + PROGRESS_EVERY / 2) == b""
    [(name, data)] = read(viewer.take(1.0 + PROGRESS_EVERY))
    assert name == "progress"
    assert [(item["topic"], item["message"]["bytes_done"]) for item in data["items"]] == [
        ("job/a/progress", 199),
        ("transfer/1/", 199),
    ]


def test_events_do_not_wait_for_progress() -> None:
    viewer = live()
    viewer.told("d", progress(1))
    viewer.take(1.0)
    viewer.told("d", progress(2))
    viewer.told("d", status("paused"))
    assert viewer.due(1.01) == 0.0
    assert names(viewer.take(1.01)) == ["event"]


def test_away_and_back() -> None:
    viewer = live()
    viewer.told("d", status("syncing"))
    viewer.away("d", GONE)
    viewer.away("d", GONE)
    viewer.told("d", status("of nobody"))
    assert read(viewer.take(1.0)) == [
        ("source", {"source": "d", "state": "away", "detail": "the daemon went away"})
    ]
    viewer.up("d", HERE, Cursor("e2", 10))
    assert read(viewer.take(1.0)) == [("source", {"source": "d", "state": "up", "detail": ""})]
    assert viewer.wanted == {"d"}
    shot(viewer, "d", {})
    assert names(viewer.take(1.0)) == ["snapshot", "id"]


def test_away_from_the_beginning() -> None:
    viewer = Viewer(["d", "e"])
    viewer.away("d", GONE)
    assert read(viewer.take(0.0)) == [
        (
            "snapshot",
            {"source": "d", "state": "away", "detail": "the daemon went away", "kind": "daemon"},
        )
    ]


def test_a_snapshot_of_a_source_that_is_gone_is_not_shown() -> None:
    viewer = Viewer(["d"])
    viewer.up("d", HERE, None)
    viewer.away("d", GONE)
    shot(viewer, "d", {})
    assert [data["state"] for _, data in read(viewer.take(0.0))] == ["away"]
    assert viewer.wanted == set()


@pytest.mark.parametrize("large", [False, True])
def test_a_slow_browser_gets_a_new_snapshot(large: bool) -> None:
    viewer = live()
    most = 10 if large else MOST_EVENTS
    path = "x" * (MOST_BYTES // 10) if large else "a"
    for number in range(most):
        viewer.told("d", notice(11 + number, path))
    assert viewer.wanted == (set() if not large else {"d"})
    viewer.told("d", notice(11 + most))
    assert viewer.wanted == {"d"}
    viewer.told("d", status("paused"))
    assert names(viewer.take(0.0)) == ["reset"]
    shot(viewer, "d", {"jobs": []})
    assert names(viewer.take(0.0))[0] == "snapshot"
    assert viewer.id.startswith("d=e1.")


def test_what_waits_for_a_browser_that_never_reads_has_an_end() -> None:
    viewer = live()
    for number in range(20_000):
        viewer.told("d", notice(11 + number))
        viewer.told("d", progress(number))
    part = viewer._parts["d"]
    assert len(part.events) <= MOST_EVENTS
    assert len(part.first) <= 1
    assert len(part.progress) <= 1


def test_lost_states_are_asked_for_and_lost_rows_said() -> None:
    viewer = live()
    viewer.lost("d", states=True, rows=False)
    assert viewer.wanted == {"d"}
    assert viewer.take(0.0) == b""
    shot(viewer, "d", {})
    viewer.lost("d", states=False, rows=True)
    assert names(viewer.take(0.0)) == ["snapshot", "reset", "id"]


def test_a_snapshot_from_before_a_loss_is_not_shown() -> None:
    viewer = live()
    viewer.lost("d", states=True, rows=False)
    early = viewer.asked("d")
    viewer.told("d", status("of before"))
    viewer.lost("d", states=True, rows=False)
    viewer.told("d", status("of now"))
    viewer.snapshot("d", early, snapshot_data("d", HERE, {"jobs": ["early"]}))
    assert viewer.take(0.0) == b""
    shot(viewer, "d", {"jobs": ["late"]})
    found = [data for name, data in read(viewer.take(0.0)) if name != "id"]
    assert found[0]["jobs"] == ["late"]
    assert [event["message"]["state"] for event in found[1:]] == ["of now"]


def test_a_snapshot_that_does_not_come_is_asked_for_again() -> None:
    viewer = live()
    viewer.lost("d", states=True, rows=False)
    viewer.wanted.clear()
    asked = viewer.asked("d")
    viewer.again("d", asked)
    assert viewer.wanted == {"d"}
    viewer.wanted.clear()
    shot(viewer, "d", {})
    viewer.again("d", asked)
    viewer.away("d", GONE)
    viewer.again("d", asked)
    assert viewer.wanted == set()


def test_missed_rows_come_after_the_snapshot() -> None:
    viewer = Viewer(["d"])
    viewer.up("d", HERE, Cursor("e1", 12))
    row = {"cursor": 12, "job": "a", "kind": "deleted", "time": 2.0, "path": "b", "bytes": 5}
    shot(viewer, "d", {}, [row_told(row, "e1")])
    assert names(viewer.take(0.0)) == ["snapshot", "event", "id"]
    again = Viewer(["d"])
    again.up("d", HERE, Cursor("e1", 12))
    shot(again, "d", {}, None)
    assert names(again.take(0.0)) == ["snapshot", "reset", "id"]


def test_a_row_of_the_history_has_the_form_of_a_notice() -> None:
    row = {
        "cursor": 12,
        "job": "a/b",
        "kind": "deleted",
        "time": 2.0,
        "path": "b",
        "bytes": 5,
        "message": "",
        "details": {},
    }
    assert json.loads(row_told(row, "e1").data) == {
        "topic": "notice/a%2Fb/",
        "message": {
            "type": "notice",
            "epoch": "e1",
            "time": 2.0,
            "cursor": 12,
            "job": "a/b",
            "kind": "deleted",
            "count": 1,
            "paths": ["b"],
            "bytes": 5,
            "message": "",
        },
    }


def test_the_id_has_all_sources_and_can_be_read_again() -> None:
    viewer = Viewer(["a,b=c", "d", "e"])
    viewer.up("a,b=c", HERE, Cursor("e.1", 7))
    viewer.up("d", HERE, Cursor("e2", 0))
    viewer.up("e", HERE, None)
    assert viewer.id == "a%2Cb%3Dc=e.1.7,d=e2.0"
    assert cursors(viewer.id) == {"a,b=c": Cursor("e.1", 7), "d": Cursor("e2", 0)}


@pytest.mark.parametrize(
    "id", ["", "a", "a=", "a=b", "a=b.", "a=b.x", "a=b.-1", "a=b.١", "a=b." + "9" * 30, ",,=,"]
)
def test_an_id_that_is_none(id: str) -> None:
    assert cursors(id) == {}


def test_hostile_names_stay_one_line_of_data() -> None:
    viewer = live("d\n\nevent: x")
    viewer.told("d\n\nevent: x", notice(11, "a\r\nb\u2028\x00c"))
    [(name, data), _] = read(viewer.take(0.0))
    assert (name, data["source"]) == ("event", "d\n\nevent: x")
    assert data["message"]["paths"] == ["a\r\nb\u2028\x00c"]
