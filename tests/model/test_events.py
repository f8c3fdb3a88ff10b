"""Events: their names in job files, their speed, and how those of one batch are told together."""

import pytest

from cargo_sync.model.events import (
    Event,
    EventDetails,
    EventGroup,
    Happened,
    Moment,
    MovedFiles,
    groups,
    moment,
)


@pytest.mark.parametrize(
    ("happened", "path", "expected"),
    [
        (Happened.DOWNLOADED, "a", Moment.FINISH),
        (Happened.FAILED, "a", Moment.ERROR),
        (Happened.FAILED, "", Moment.JOB_ERROR),
        (Happened.CLOCK_JUMPED, "", None),
    ],
)
def test_an_event_has_the_callback_of_its_kind(
    happened: Happened, path: str, expected: Moment | None
) -> None:
    assert moment(happened, path) is expected
    assert happened.kind == ("error" if happened is Happened.FAILED else happened.value)


@pytest.mark.parametrize(
    ("size", "details", "expected"),
    [
        (1_000, EventDetails(seconds=2.0), 4_000),
        (1_000, EventDetails(seconds=2.0, moved=500), 2_000),
        (1_000, EventDetails(), None),
        (1_000, EventDetails(seconds=2.0, moved=0), None),
    ],
)
def test_the_speed_is_that_of_what_moved(
    size: int, details: EventDetails, expected: int | None
) -> None:
    assert Event("j", Happened.UPLOADED, 1.0, "a", size, details).speed == expected


def test_neighbours_of_one_job_and_kind_are_told_together() -> None:
    one, two = Happened.UPLOADED, Happened.FAILED
    failed = Event("j", two, 1.0, "c", 0, EventDetails(message="no room", transfer="t"))
    events = [
        Event("j", one, 1.0, "a", 3),
        Event("j", one, 1.0, "b", 4, tell="{}"),
        failed,
        Event("k", two, 1.0, "d", 5),
    ]
    assert groups(events, 9) == [
        EventGroup("j", one, 7, ["a", "b"], 7, "", tell=True),
        EventGroup("j", two, 8, ["c"], 0, "no room"),
        EventGroup("k", two, 9, ["d"], 5),
    ]
    assert (failed.message, failed.transfer, events[0].transfer) == ("no room", "t", None)


def test_files_that_moved_together_are_columns() -> None:
    moved = MovedFiles(
        "j", Happened.UPLOADED, 1.0, "{}", ["a", "b"], [3, 4], ["t", "u"], ["h", "i"], 2.0, 1, 0.5
    )
    same = EventDetails(seconds=2.0, lost=1, rtt_ms=0.5)
    assert list(moved.details()) == [
        same._replace(transfer="t", hash="h"),
        same._replace(transfer="u", hash="i"),
    ]
    assert [one.moved for one in moved._replace(moved=[1, None]).details()] == [1, None]
    assert moved.group(9) == EventGroup("j", Happened.UPLOADED, 9, ["a", "b"], 7, tell=True)
