"""The newest change of a server that a client knows of."""

import pytest

from cargo_sync.machines.newest_change import NOTHING_SEEN, NewestChange, SeenChange


@pytest.mark.parametrize(
    ("asked", "shown", "newest"),
    [
        ("a", [], (5, "a")),
        ("a", [(4, "a")], (5, "a")),
        ("a", [(6, "a"), (9, "a")], (9, "a")),
        ("a", [(9, "a"), (8, "a")], (9, "a")),
        ("b", [(9, "b"), (10, "b")], (10, "b")),  # another start, which has 5
        ("b", [(4, "b")], (5, "a")),
        ("a", [(9, "b")], (5, "a")),  # was it restored since it was asked? 5 will be asked for
        ("a", [(9, "a"), (12, "b")], (9, "a")),
        ("b", [(9, "b"), (12, "c")], (9, "b")),
    ],
)
def test_what_is_kept(asked: str, shown: list[tuple[int, str]], newest: tuple[int, str]) -> None:
    """`asked`: the start of the server that was asked whether it has 5."""
    known = NewestChange()
    known.begin(SeenChange(5, "a"), asked)
    for number, lineage in shown:
        known.add(number, lineage)
    assert known.change == newest


def test_a_listing_follows_from_one_start_of_the_server_to_the_next() -> None:
    known = NewestChange()
    known.begin(NOTHING_SEEN, "a")
    known.add(9, "a")
    known.confirm(SeenChange(9, "a"), "b")  # the next page is asked for
    known.add(12, "b")
    assert known.change == SeenChange(12, "b")


@pytest.mark.parametrize(
    ("pages", "newest"),
    [
        ([(9, "a", "a"), (9, "a", "a")], (9, "a")),
        ([(9, "a", "b"), (9, "a", "b")], (9, "a")),  # nothing has changed since the last start
        ([(9, "a", "b"), (12, "b", "b")], (12, "b")),  # something changes meanwhile
        ([(9, "a", "a"), (9, "a", "b"), (12, "c", "c")], (12, "c")),  # the server starts twice
        ([(6, "a", "a"), (9, "a", "a")], (9, "a")),  # an older server: where the pages end
    ],
)
def test_each_page_of_a_listing_shows_the_newest_change_of_the_server(
    pages: list[tuple[int, str, str]], newest: tuple[int, str]
) -> None:
    known = NewestChange()
    known.begin(SeenChange(5, "a"), pages[0][2])
    for page in pages:
        known.confirm(known.change, page[2])  # it was asked for
        known.add(*page)
    assert known.change == newest
    known.add(15, pages[-1][2])  # the client's own, at the same start of the server
    assert known.change == SeenChange(15, pages[-1][2])


def test_what_was_made_since_is_not_proved_by_an_older_change() -> None:
    known = NewestChange()
    known.begin(NOTHING_SEEN, "a")
    known.add(9, "a")
    known.add(11, "a")  # the client's own
    known.confirm(SeenChange(9, "a"), "b")
    known.add(12, "b")
    assert known.change == SeenChange(11, "a")


def test_at_first_nothing_is_known() -> None:
    known = NewestChange()
    assert known.change == NOTHING_SEEN
    known.add(0, "a")  # of an empty server
    assert known.change == NOTHING_SEEN
    known.add(1, "a")
    assert known.change == SeenChange(1, "a")


def test_a_change_follows_what_the_same_start_of_the_server_has_shown() -> None:
    known = NewestChange()
    known.begin(SeenChange(3, "a"), "a")
    known.add(9, "a", by="b")
    known.add(12, "c")  # from another start, perhaps of a restored server
    assert known.change == SeenChange(9, "a")
    known.add(11, "b")  # the client's own, at the start that showed 9
    assert known.change == SeenChange(11, "b")
    known.add(11, "b", by="c")  # a listing shows it, after another start
    known.add(13, "c")
    assert known.change == SeenChange(13, "c")
