import pytest

from cargo_sync.machines.meter import RateMeter


@pytest.mark.parametrize(
    ("why", "asked", "rate"),
    [
        ("nothing is known yet", [(0, 100)], 0),
        ("a steady stream", [(0, 0), (1, 100), (2, 200)], 100),
        ("asked at once again: nothing new", [(0, 0), (1, 100), (1, 100)], 100),
        ("asked seldom", [(0, 0), (60, 6000)], 100),
        ("a stream that ended is forgotten", [(0, 0), (1, 1000), (10, 1000), (20, 1000)], 0),
        (
            "only the last seconds count",
            [(n, 10 * n) for n in range(20)] + [(n, 200 * n) for n in range(20, 40)],
            200,
        ),
        ("another count begins", [(0, 500), (1, 600), (2, 10)], 0),
    ],
)
def test_meter(why: str, asked: list[tuple[float, int]], rate: float) -> None:
    meter = RateMeter()
    said = [meter.rate(now, count) for now, count in asked]
    assert said[-1] == pytest.approx(rate), why
