"""What the terminal of a new daemon says of its first job."""

from typing import Any

from cargo_sync.api.messages import FeedMessage
from cargo_sync.init.first_run import FirstRun


def message(type: str, **fields: Any) -> FeedMessage:
    return FeedMessage("topic", type, "e", 1, 0.0, fields)


def lines(*messages: FeedMessage) -> list[str]:
    """What is said, until it is over."""
    first, said = FirstRun("photos\x1b"), []
    for one in messages:
        assert not first.over
        said.append(first.take(one))
    assert first.over
    return [line for line in said if line]


SYNCED = message("status", state="synced", detail="")


def test_until_the_first_file_is_there() -> None:
    assert lines(
        message("status", state="syncing"),
        message("notice", kind="uploaded", count=1),
        SYNCED,
    ) == ["photos\\x1b: synced, 1 file is on the server"]


def test_a_job_that_waits_and_one_that_fails() -> None:
    assert lines(
        SYNCED,
        SYNCED,
        message("notice", kind="deleted"),
        message("status", state="error", detail="no such host"),
        message("status", state="error", detail="no such host"),
        message("status", state="syncing"),
        message("notice", kind="downloaded", count=2_000),
        SYNCED,
    ) == [
        "photos\\x1b: synced, and waits for files",
        "photos\\x1b: error: no such host",
        "photos\\x1b: synced, 2,000 files are here",
    ]


def test_the_last_messages_may_come_in_any_order() -> None:
    assert lines(SYNCED, message("notice", kind="uploaded", count=3)) == [
        "photos\\x1b: synced, and waits for files",
        "photos\\x1b: synced, 3 files are on the server",
    ]
