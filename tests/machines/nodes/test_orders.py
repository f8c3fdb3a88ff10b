"""Whose deletions a node does."""

from cargo_sync.machines.nodes.orders import DeletionOrder, OrderBook, OrderVerdict

TAKEN, LATE, DISPLACED = OrderVerdict.TAKEN, OrderVerdict.LATE, OrderVerdict.DISPLACED


def order(words: str) -> DeletionOrder | None:
    """`a7` is the order 7 of the lineage a; `0` the one before the first."""
    if not words:
        return None
    return DeletionOrder() if words == "0" else DeletionOrder(words[0], int(words[1:]))


def taken(book: OrderBook, asked: str, after: str = "") -> OrderVerdict:
    found = order(asked)
    assert found is not None
    return book.take(found, order(after))


def test_orders_are_done_in_their_order() -> None:
    book = OrderBook()
    assert taken(book, "a5") is LATE, "it takes nothing over"
    assert [taken(book, "a5", "0"), taken(book, "a5"), taken(book, "a4")] == [TAKEN, LATE, LATE]
    assert taken(book, "a6") is TAKEN
    assert book.last() == order("a6")


def test_a_restored_server_takes_over_and_the_one_before_never_comes_back() -> None:
    book = OrderBook()
    assert taken(book, "a900", "0") is TAKEN
    assert taken(book, "b1") is LATE
    assert taken(book, "b1", "a900") is TAKEN
    assert [taken(book, "a901"), taken(book, "a901", "b1")] == [DISPLACED, DISPLACED]
    assert taken(book, "b2") is TAKEN


def test_a_try_to_take_over_that_comes_late_is_none() -> None:
    book = OrderBook()
    taken(book, "a9", "0")
    # Both have seen a9; b was killed, and what it has sent arrives after c.
    assert taken(book, "c1", "a9") is TAKEN
    assert taken(book, "b1", "a9") is LATE
    assert taken(book, "c2") is TAKEN
    # It arrives before c: then c looks again.
    assert taken(book, "d1", "c2") is TAKEN
    assert taken(book, "e1", "c2") is LATE
    assert taken(book, "e1", "d1") is TAKEN
    assert taken(book, "d2") is DISPLACED
