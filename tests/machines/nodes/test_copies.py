"""How many copies there are, are missing, are too many."""

import pytest

from cargo_sync.machines.nodes.copies import lacking, new_zones, standing, surplus
from tests.machines.nodes.members import members


def ids(text: str) -> frozenset[int]:
    return frozenset(int(id) for id in text.split())


@pytest.mark.parametrize(
    ("nodes", "on", "wanted", "known", "counted", "missing", "readable"),
    [
        ("1a+ 2b+", "1 2", 2, 2, 2, 0, (1, 2)),
        ("1a+ 2a+", "1 2", 2, 2, 2, 1, (1, 2)),
        ("1a- 2b+", "1 2", 2, 2, 2, 0, (2,)),
        ("1a? 2b+", "1 2", 2, 2, 2, 0, (2,)),
        ("1ax 2b+", "1 2", 2, 2, 1, 1, (2,)),
        ("1a> 2b+", "1 2", 2, 2, 1, 1, (2, 1)),
        ("1a* 2b=", "1 2", 2, 2, 2, 0, (2,)),
        ("1a+", "", 2, 0, 0, 2, ()),
        ("1a+", "9", 1, 0, 0, 1, ()),
        ("1ax", "1", 1, 1, 0, 1, ()),
    ],
)
def test_what_copies_are_worth(
    nodes: str,
    on: str,
    wanted: int,
    known: int,
    counted: int,
    missing: int,
    readable: tuple[int, ...],
) -> None:
    found = standing(ids(on), members(nodes), wanted)
    assert (found.known, found.counted, found.missing) == (known, counted, missing)
    assert found.readable == readable


@pytest.mark.parametrize(
    ("nodes", "on", "wanted", "lacks"),
    [
        ("1a+ 2b+", "1", 2, (1, False)),
        ("1a+ 2b+", "1 2", 2, (0, True)),
        ("1a+ 2a+", "1 2", 2, (1, True)),
        ("1a+ 2a+ 3b+", "1 2", 3, (1, False)),
        ("1ax 2b+", "1 2", 2, (1, False)),
    ],
)
def test_copies_that_are_to_be_made(
    nodes: str, on: str, wanted: int, lacks: tuple[int, bool]
) -> None:
    assert lacking(ids(on), members(nodes), wanted) == lacks


def test_only_nodes_of_new_zones_help_when_there_are_enough_copies() -> None:
    assert set(new_zones(ids("1 2"), members("1a+ 2a+ 3a+ 4b+"))) == {1, 2, 4}


@pytest.mark.parametrize(
    ("nodes", "on", "wanted", "spare"),
    [
        ("1a+ 2b+", "1 2", 2, None),
        ("1a+ 2b+9 3c+", "1 2 3", 2, (2,)),
        # The full one goes first.
        ("1a= 2b+ 3c+", "1 2 3", 2, (1,)),
        # What is silent is neither kept for sure nor deleted.
        ("1a- 2b+ 3c+", "1 2 3", 2, None),
        ("1a- 2b+ 3c+ 4d+9", "1 2 3 4", 2, (4,)),
        # Keepers lie in different zones.
        ("1a+ 2a+9 3b+5", "1 2 3", 2, (2,)),
        ("1a+ 2a+ 3a+", "1 2 3", 2, None),
        # A node that is drained keeps its copies, and they do not count.
        ("1a> 2b+ 3c+", "1 2 3", 2, None),
        ("1a* 2b+ 3c+", "1 2 3", 2, None),
        ("1a+ 2b+9 3c+8", "1 2 3", 1, (2, 3)),
    ],
)
def test_copies_that_are_too_many(
    nodes: str, on: str, wanted: int, spare: tuple[int, ...] | None
) -> None:
    found = surplus(ids(on), members(nodes), wanted)
    assert (found.spare if found else None) == spare
    if found:
        assert len(found.keepers) == wanted
        assert not set(found.keepers) & set(found.spare)
