"""Runs as transcripts: what a destination takes and refuses, and what a job learns from it."""

import pytest

from cargo_sync.machines.room import DestinationRoom
from cargo_sync.model.problems import Code, Problem

FULL = Problem(Code.DISK_FULL, "there is no room")


def run(room: DestinationRoom, files: dict[str, int], left: int, *, waits: bool = True) -> str:
    """One run in which `left` bytes are free: "+" it arrived, "-" refused, "." not offered."""
    room.begin()
    said = []
    for path, size in files.items():
        if not room.may_try(path, size):
            said.append("." + path)
        elif size > left:
            room.refused(path, size, FULL)
            said.append("-" + path)
        else:
            left -= size
            room.took(path, size)
            said.append("+" + path)
    room.end(waits=waits)
    return " ".join(said)


@pytest.mark.parametrize(
    ("files", "left", "said", "full"),
    [
        ({}, 0, "", False),
        ({"a": 5, "b": 5}, 10, "+a +b", False),
        ({"huge": 4_000, "small": 2}, 80, "-huge +small", False),
        ({"small": 2, "huge": 4_000}, 80, "+small -huge", False),
        ({"huge": 4_000}, 80, "-huge", True),
        ({"a": 10, "b": 10, "c": 10, "d": 10}, 25, "+a +b -c .d", True),
        ({"a": 9, "b": 8, "c": 7, "d": 1}, 0, "-a -b -c -d", True),
        ({"a": 9, "b": 10, "c": 8, "d": 8, "e": 0}, 8, "-a .b +c -d +e", True),
        ({"empty": 0, "a": 1}, 0, "+empty -a", True),
    ],
)
def test_after_a_refusal_only_smaller_files_are_offered(
    files: dict[str, int], left: int, said: str, full: bool
) -> None:
    room = DestinationRoom()
    assert run(room, files, left) == said
    assert (room.full, room.passed) == (full, said.count("."))


def test_a_full_disk_is_tried_with_the_smallest_file_until_it_fits() -> None:
    room = DestinationRoom()
    files = {"a": 9, "b": 7, "c": 8, "d": 7}
    assert run(room, files, 0) == "-a -b .c .d"
    assert room.smallest is not None and room.smallest.path == "b"
    assert run(room, files, 5) == ".a -b .c .d"
    assert run(room, files, 100) == ".a +b +c +d"
    assert not room.full
    assert room.passed == 0, "it is tried again at once"
    assert run(room, {"a": 9}, 100) == "+a"


def test_the_first_file_that_fits_again_is_said_once() -> None:
    room = DestinationRoom()
    run(room, {"a": 9}, 0)
    room.begin()
    assert not room.took("less", 8)
    assert room.took("a", 9)
    assert not room.took("more", 10)


def test_a_disk_that_still_takes_smaller_files_is_not_full() -> None:
    room = DestinationRoom()
    run(room, {"huge": 4_000}, 80)
    assert room.full
    assert run(room, {"small": 2}, 80) == "+small", "the huge one was not due"
    assert not room.full
    assert room.smallest is not None and room.smallest.path == "huge"
    assert run(room, {"huge": 4_000}, 80) == "-huge"
    assert not room.full, "alone again, it shows nothing new"
    assert run(room, {"c": 3}, 0) == "-c"
    assert room.full, "a smaller one than was known to fail"


def test_with_a_quota_what_replaces_a_file_is_always_offered_and_shows_nothing() -> None:
    room = DestinationRoom()
    used_up = Problem(Code.OVER_QUOTA, "it would be too much")

    def offers() -> tuple[bool, bool, bool]:
        return (
            room.may_try("larger", 10),
            room.may_try("replaced", 1_000, replaces=True),
            room.may_try("smallest", 8),
        )

    room.begin()
    room.refused("smallest", 8, used_up)
    assert room.lacking is Code.OVER_QUOTA
    assert not room.took("replaced", 1_000, replaced=True)
    assert not room.took_all(["replaced too"], [2_000], [0])
    room.end(waits=True)
    assert room.full, "nothing new came"
    room.begin()
    assert offers() == (False, True, True)
    assert not room.took_all(["other"], [20], [0])
    assert room.full
    assert room.took_all(["other", "new"], [20, 9], [0]), "a larger one came: there is room again"
    assert not room.full


def test_with_a_quota_a_larger_new_file_shows_that_it_is_full() -> None:
    room = DestinationRoom()
    room.begin()
    assert not room.took_all(["replaced", "new"], [50, 5], [0])
    room.refused("smaller", 4, Problem(Code.OVER_QUOTA, "it would be too much"))
    room.end(waits=True)
    assert room.full
    room.begin()
    assert not room.took_all(["replaced"], [50], [0])
    room.refused("tiny", 1, Problem(Code.OVER_QUOTA, "it would be too much"))
    room.end(waits=True)
    assert room.full


def test_what_does_not_wait_any_more_lets_the_others_be_tried() -> None:
    room = DestinationRoom()
    run(room, {"a": 7, "b": 9}, 0)
    assert run(room, {"b": 9}, 0) == ".b", "it was not due: nothing new is known"
    assert room.full
    assert run(room, {"b": 9}, 0, waits=False) == ".b"
    assert not room.full
    assert run(room, {"b": 9}, 0) == "-b"
    assert room.full


def test_a_run_may_not_meet_the_smallest_file_that_waits() -> None:
    room = DestinationRoom()
    run(room, {"a": 7, "b": 9}, 0)
    room.begin()
    room.meets(["b"])
    assert not room.met
    room.meets(["a", "b"])
    room.meets(["b"])
    assert room.met
    room.begin()
    assert not room.met
