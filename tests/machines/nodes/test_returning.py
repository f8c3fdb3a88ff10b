"""What to believe of a node that comes back."""

import pytest

from cargo_sync.machines.nodes.returning import InventoryDifference, Life, Return, compare, judge


@pytest.mark.parametrize(
    ("known", "shown", "found"),
    [
        (Life(), Life("e", 5), Return.NEW),
        (Life("e", 5), Life("e", 5), Return.AS_KNOWN),
        (Life("e", 5), Life("e", 9), Return.AS_KNOWN),
        (Life("e", 5), Life("e", 4), Return.OLDER),
        (Life("e", 5), Life("f", 9), Return.RENEWED),
    ],
)
def test_a_folder_is_judged(known: Life, shown: Life, found: Return) -> None:
    assert judge(known, shown) is found
    assert found.is_trusted == (found is Return.AS_KNOWN)


@pytest.mark.parametrize(
    ("there", "recorded", "owned", "found"),
    [
        ({"a": 1, "b": 2}, {"a", "b"}, {"a": 1, "b": 2}, ([], [])),
        ({"a": 1}, {"a", "b"}, {"a": 1, "b": 2}, (["b"], [])),
        ({"a": 1, "b": 2}, {"a"}, {"a": 1, "b": 2}, ([], ["b"])),
        ({"a": 1, "c": 3}, {"a"}, {"a": 1}, ([], ["c"])),
        # Cut short: it is not there.
        ({"a": 0, "b": 1}, {"a"}, {"a": 1, "b": 2}, (["a"], [])),
    ],
)
def test_an_inventory_is_compared(
    there: dict[str, int],
    recorded: set[str],
    owned: dict[str, int],
    found: tuple[list[str], list[str]],
) -> None:
    assert compare(there, recorded, owned) == InventoryDifference(*found)
