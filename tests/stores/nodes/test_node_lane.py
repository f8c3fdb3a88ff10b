"""What receipts of a node show of its folder."""

import pytest

from cargo_sync.machines.nodes.returning import Life
from cargo_sync.model.transfers import Receipt
from cargo_sync.stores.nodes.node_lane import life_of
from cargo_sync.stores.nodes.ports import latest


@pytest.mark.parametrize(
    ("epoch", "versions", "sequence"),
    [
        ("e", [7], 7),
        ("e", [7, 9, 8], 9),
        ("e", [-1, 7], 7),
        # An older node shows nothing, and one whose folder is not at its place any more.
        ("", [7], None),
        ("e", [0], None),
        ("e", [7, 0], None),
        # Nothing has moved, so nothing was shown; or it is no sequence.
        ("e", [-1], None),
        ("e", [], None),
        ("e", [7, 1 << 63], None),
    ],
)
def test_all_that_moved_must_show_the_sequence(
    epoch: str, versions: list[int], sequence: int | None
) -> None:
    """-1 stands for what has not moved."""
    receipts = [
        Receipt("disk_full") if version < 0 else Receipt("done", version=version)
        for version in versions
    ]
    assert life_of(epoch, receipts) == (sequence and Life(epoch, sequence))


@pytest.mark.parametrize(
    ("lives", "last"),
    [
        ([Life("e", 3), Life("e", 5)], Life("e", 5)),
        ([Life("e", 3), None], None),
        ([Life("e", 3), Life("f", 5)], None),
        ([], None),
    ],
)
def test_batches_that_do_not_all_show_the_same_folder_show_nothing(
    lives: list[Life | None], last: Life | None
) -> None:
    assert latest(lives) == last
