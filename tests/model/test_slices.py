"""Slices: all items, in their order, and fewer together of those that cost more."""

from cargo_sync.model.slices import path_cost, path_ranges, slices


def test_the_items_come_in_their_order_as_many_as_may_be_together() -> None:
    assert [*slices("aaabcc", lambda one: 1, 2)] == ["aa", "ab", "cc"]
    assert [*slices([1, 1, 3, 9, 1], int, 3)] == [[1, 1], [3], [9], [1]]
    assert [*slices((), int, 3)] == []


def test_deep_paths_cost_more() -> None:
    assert [path_cost("d/" * levels) for levels in (1, 100, 1_500)] == [1, 2, 19]


def test_paths_are_cut_by_what_they_cost() -> None:
    deep = "d/" * 100
    for paths, most in ((list("abcde"), 2), (["a", deep, "b", deep, deep, "c"], 3), ([], 2)):
        cut = [paths[part] for part in path_ranges(paths, most)]
        assert cut == [*slices(paths, path_cost, most)]
        assert len(cut) == {5: 3, 6: 3, 0: 0}[len(paths)]
