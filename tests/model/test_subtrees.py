"""Sets of subtrees, compared with looking at each of their paths."""

from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.model import paths
from cargo_sync.model.subtrees import Subtrees

PATHS = st.lists(st.sampled_from(["a", "b", "a-b", "ab", "é"]), max_size=4).map("/".join)


@given(st.lists(PATHS, max_size=6), st.lists(PATHS, max_size=6), PATHS)
def test_a_set_is_what_its_paths_are(given: list[str], added: list[str], asked: str) -> None:
    trees = Subtrees(given)
    for path in added:
        trees.add(path)
    tops = given + added
    below = any(paths.is_below(asked, top) for top in tops)
    assert (asked in trees) == below
    assert trees.meets(asked) == (below or any(paths.is_below(top, asked) for top in tops))
    assert bool(trees) == bool(tops)
