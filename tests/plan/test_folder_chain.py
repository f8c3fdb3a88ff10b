"""What a folder inherits: the same as asked anew, with one question per folder."""

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from cargo_sync.model import paths
from cargo_sync.plan.folder_chain import FolderChain
from tests.effort import calls

PATHS = st.lists(st.sampled_from("abc"), max_size=5).map("/".join)


@settings(max_examples=50)
@given(st.sets(PATHS), st.lists(PATHS, max_size=12))
def test_the_value_of_a_folder_does_not_depend_on_what_was_asked_before(
    marked: set[str], asked: list[str]
) -> None:
    chain = FolderChain(False, lambda above, folder: above or folder in marked)
    for folder in asked:
        assert chain(folder) == any(one in marked for one in paths.upwards(folder))


def test_in_order_each_folder_is_asked_once() -> None:
    asked: list[str] = []

    def inherit(above: int, folder: str) -> int:
        asked.append(folder)
        return above + 1

    chain = FolderChain(0, inherit)
    deep = ["/".join(["d"] * level) for level in range(1, 100)]
    wide = [f"{deep[-1]}/{number:03d}" for number in range(100)]
    assert [chain(folder) for folder in [*deep, *wide, "e"]] == [*range(1, 100), *[100] * 100, 1]
    assert asked == [*deep, *wide, "e"]


def test_a_question_deep_down_costs_no_more_than_one_above() -> None:
    costs = []
    for depth in (10, 1_000):
        chain, folder = FolderChain(0, lambda above, folder: above), "/".join(["d"] * depth)
        chain(folder)
        costs.append(calls(partial(chain, f"{folder}/x")))
    assert costs[0] == costs[1]
