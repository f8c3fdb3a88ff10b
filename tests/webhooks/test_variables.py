"""What events offer to templates is exactly what files may name."""

from typing import Any

import pytest

from cargo_sync.config.events import VARIABLES
from cargo_sync.model.events import Event, EventDetails, Happened, Moment
from cargo_sync.webhooks.variables import example, variables_of


def test_the_moments_of_the_house_are_the_events_of_files() -> None:
    assert {moment.value for moment in Moment} == set(VARIABLES)
    for moment in Moment:
        assert set(example(moment, "j", "upload", "id")) == set(VARIABLES[moment])


EVENTS = {
    Moment.START: Event("j", Happened.STARTED, 1.0, "a", 1,
        EventDetails(transfer="id"), "upload"),
    Moment.FINISH: Event("j", Happened.UPLOADED, 1.0, "a", 1_000_000,
        EventDetails(transfer="id", seconds=2.0, lost=0, rtt_ms=1.5), "upload"),
    Moment.ERROR: Event("j", Happened.FAILED, 1.0, "a", 1,
        EventDetails(transfer="", message="no"), "upload"),
    Moment.CONFLICT: Event("j", Happened.CONFLICT, 1.0, "d/a", 3,
        EventDetails(message="m", choice="keep_both", copy="d/a copy"), "bidirectional"),
    Moment.HELD: Event("j", Happened.HELD, 1.0, "", 0,
        EventDetails(message="m", deletions=1, overwrites=2), "upload"),
    Moment.JOB_ERROR: Event("j", Happened.FAILED, 1.0, "", 0,
        EventDetails(message="no"), "upload"),
    Moment.IDLE: Event("j", Happened.IDLE, 1.0, "", 7,
        EventDetails(files=2, seconds=1.25), "upload"),
}  # fmt: skip


def test_what_is_told_has_exactly_the_variables_of_its_event() -> None:
    job = {"SYNC_NAME": "j", "SYNC_MODE": "upload"}
    file = {"FILE_NAME": "a", "TRANSFER_ID": "id"} | job
    expected: dict[Moment, tuple[str, dict[str, Any]]] = {
        Moment.START: ("id", file),
        Moment.FINISH: ("id", file | {
            "AVG_SPEED": 4_000_000, "DURATION": 2.0, "LOST_FRAMES": 0, "AVG_RTT": 1.5}),
        Moment.ERROR: ("/a", file | {"TRANSFER_ID": None, "ERROR": "no"}),
        Moment.CONFLICT: ("/d/a", {"FILE_NAME": "d/a", "SYNC_NAME": "j",
            "SYNC_MODE": "bidirectional", "CHOICE": "keep_both", "COPY": "d/a copy"}),
        Moment.HELD: ("", job | {"REASON": "m", "DELETIONS": 1, "OVERWRITES": 2}),
        Moment.JOB_ERROR: ("", job | {"ERROR": "no"}),
        Moment.IDLE: ("", job | {"FILES": 2, "BYTES": 7, "DURATION": 1.25}),
    }  # fmt: skip
    for moment, event in EVENTS.items():
        found = variables_of(event)
        assert found is not None
        assert (found.moment, found.stream, found.variables) == (moment, *expected[moment])
        assert set(found.variables) == set(VARIABLES[moment])
    unknown = variables_of(
        Event("j", Happened.DOWNLOADED, 1.0, "a", 5, EventDetails(transfer="id"), "download")
    )
    assert unknown is not None
    assert [unknown.variables[name] for name in VARIABLES["onFinish"][4:]] == [None] * 4
    assert variables_of(Event("j", Happened.DELETED, 1.0, "a")) is None


@pytest.mark.parametrize(
    ("moved", "seconds", "speed"),
    [(None, 2.0, 4_000), (250, 2.0, 1_000), (0, 0.5, None), (None, 0.0, None), (None, None, None)],
)
def test_the_speed_is_of_the_bytes_that_moved_in_the_duration(
    moved: int | None, seconds: float | None, speed: int | None
) -> None:
    details = EventDetails(transfer="id", seconds=seconds, moved=moved)
    found = variables_of(Event("j", Happened.UPLOADED, 1.0, "a", 1000, details, "upload"))
    assert found is not None
    assert found.variables["AVG_SPEED"] == speed
