"""Slices: all items, in their order, and fewer together of those that cost more."""

from cargo_sync.model.slices import path_cost, slices


def test_the_items_come_in_their_order_as_many_as_may_be_together() -> None:
    assert [*slices("aaabcc", lambda one: 1, 2)] == ["aa", "ab", "cc"]
    assert [*slices([1, 1, 3, 9, 1], int, 3)] == [[1, 1], [3], [9], [1]]
    assert [*slices((), int, 3)] == []


def test_deep_paths_cost_more() -> None:
    assert [path_cost("d/" * levels) for levels in (1, 100, 1_500)] == [1, 2, 19]
