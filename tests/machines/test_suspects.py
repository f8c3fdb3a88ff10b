"""What the metadata of a suspect says, after an unclean stop."""

import pytest

from cargo_sync.machines.suspects import (
    LATELY,
    KnownFile,
    Suspects,
    UncleanStop,
    Verdict,
    judge,
    suspects_of,
)
from cargo_sync.model.entries import FILE, FOLDER, Entry

KNOWN = KnownFile("a", 10, 5, 100, 7, "hash")
AS_IT_WAS = Entry("a", FILE, 10, 5, 0o644, 100, 7)
SOUND, DAMAGED, READ = Verdict.SOUND, Verdict.DAMAGED, Verdict.READ


@pytest.mark.parametrize(
    ("found", "rebooted", "destination", "source"),
    [
        (None, True, SOUND, SOUND),
        (Entry("a", FOLDER), True, SOUND, SOUND),
        (AS_IT_WAS._replace(mtime_ns=6), True, SOUND, SOUND),
        (AS_IT_WAS._replace(mtime_ns=6, size=0), True, SOUND, SOUND),
        (AS_IT_WAS, False, SOUND, SOUND),
        (AS_IT_WAS, True, READ, READ),
        (AS_IT_WAS._replace(version=200), False, READ, READ),
        (AS_IT_WAS._replace(ident=8), False, READ, READ),
        (AS_IT_WAS._replace(version=200, size=9), False, DAMAGED, DAMAGED),
        (AS_IT_WAS._replace(size=0), True, DAMAGED, DAMAGED),
        (AS_IT_WAS._replace(version=200, size=11), False, DAMAGED, READ),
    ],
)
def test_verdicts(
    found: Entry | None, rebooted: bool, destination: Verdict, source: Verdict
) -> None:
    assert judge(KNOWN, found, source=False, rebooted=rebooted) == destination
    assert judge(KNOWN, found, source=True, rebooted=rebooted) == source


def test_content_that_was_never_read_cannot_be_compared() -> None:
    unread = KNOWN._replace(hash="")
    assert judge(unread, AS_IT_WAS, source=False, rebooted=True) == SOUND
    assert judge(unread, AS_IT_WAS, source=True, rebooted=True) == READ


def test_suspects_of_two_stops_in_a_row() -> None:
    first = suspects_of(UncleanStop(50.0, 1000.0, False), 7, None)
    assert first == Suspects(7, int((1000.0 - LATELY) * 1e9), False)
    later = suspects_of(UncleanStop(90.0, 5000.0, True), 9, first)
    assert later == first._replace(rebooted=True), "what was not checked stays suspect"
    assert suspects_of(UncleanStop(90.0, 400.0, False), 3, later).after == 3
