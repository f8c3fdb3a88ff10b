"""How fast a repair is, and for how long it will go on."""

import pytest

from cargo_sync.machines.nodes.progress import RepairProgress, RepairReport

LIMIT = 8_000


def test_the_time_that_is_left() -> None:
    progress = RepairProgress()
    # Nothing was measured: as fast as it may be.
    assert progress.report(6, 6_000, LIMIT, 0.0) == RepairReport(0, 0, None, LIMIT, 6.0)
    progress.batch(2, 1_000, 0.0, 2.0)
    assert progress.report(12, 6_000, LIMIT, 2.0) == RepairReport(2, 1_000, 4_000, LIMIT, 12.0)
    # A single batch may be faster than all of them may be.
    progress.batch(1, 7_000, 2.0, 4.0)
    assert progress.report(6, 6_000, LIMIT, 4.0) == RepairReport(3, 8_000, 16_000, LIMIT, 6.0)
    # Only the last minute counts, or the last batch, however long the next one takes.
    progress.batch(1, 1_000, 62.0, 64.0)
    assert progress.speed(64.0) == round((7_000 + 1_000) * 8 / 62)
    assert progress.speed(70.0) == progress.speed(1_000.0) == 4_000
    assert progress.report(0, 0, LIMIT, 1_000.0).left is None


def test_a_large_content_after_many_small_ones() -> None:
    progress = RepairProgress()
    progress.batch(200, 2_000, 0.0, 12.0)  # 2 s of it for the bytes
    assert progress.speed(12.0) == 1_333
    assert progress.report(4, 80_000, LIMIT, 12.0).left == 80.0 + 4 * 0.05
    # And many small ones after a large one that was slow.
    progress.rest()
    progress.batch(1, 40_000, 20.0, 100.0)
    assert progress.report(1_000, 5_000, LIMIT, 100.0).left == 10.0


def test_a_batch_that_takes_long_is_no_secret() -> None:
    progress = RepairProgress()
    progress.begin(5, 5_000, 10.0)
    assert progress.report(6, 6_000, LIMIT, 11.0).left == 6.0
    assert progress.report(6, 6_000, LIMIT, 110.0).left == 120.0
    progress.batch(5, 5_000, 10.0, 110.0)
    assert progress.report(1, 1_000, LIMIT, 110.0).left == 20.0
    progress.rest()
    progress.begin(10, 100, 200.0)  # small ones, before large ones
    assert progress.report(12, 80_100, LIMIT, 210.0).left == pytest.approx(80.1 + 12 * 0.99)


def test_who_makes_nothing_for_a_minute_is_not_believed() -> None:
    progress = RepairProgress()
    progress.batch(1, 1_000, 0.0, 1.0)
    progress.batch(0, 0, 1.0, 30.0)
    assert progress.report(1, 1_000, LIMIT, 60.0).left == 1.0
    progress.batch(0, 0, 60.0, 61.0)
    assert progress.report(1, 1_000, LIMIT, 61.0) == RepairReport(1, 1_000, None, LIMIT, None)
    progress.batch(1, 1_000, 61.0, 62.0)
    assert progress.report(1, 1_000, LIMIT, 62.0).left is not None


def test_after_a_rest_nothing_is_measured() -> None:
    progress = RepairProgress()
    progress.batch(1, 1_000, 0.0, 1.0)
    progress.rest()
    assert progress.report(1, 1_000, LIMIT, 2.0) == RepairReport(1, 1_000, None, LIMIT, 1.0)
