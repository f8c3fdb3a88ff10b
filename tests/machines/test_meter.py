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
        ("asked seldom: since the time before", [(0, 0), (60, 0), (120, 6000)], 100),
        ("another count begins", [(0, 500), (1, 600), (2, 10)], 0),
        ("… above the first one", [(0, 0), (1, 600), (2, 10)], 0),
    ],
)
def test_meter(why: str, asked: list[tuple[float, int]], rate: float) -> None:
    meter = RateMeter()
    said = [meter.rate(now, count) for now, count in asked]
    assert said[-1] == pytest.approx(rate), why


def test_it_tells_of_the_last_five_seconds_by_quarters() -> None:
    meter = RateMeter()
    quarters = [quarter / 4 for quarter in range(41)]
    said = {now: meter.rate(now, min(500, int(now * 100))) for now in quarters}
    assert (said[5.0], said[7.5], said[9.75], said[10.0]) == (100, 50, 5, 0)


def test_however_often_it_is_asked_it_keeps_a_handful() -> None:
    meter = RateMeter()
    for thousandth in range(10_000):
        meter.rate(thousandth / 1000, thousandth)
    assert len(meter._samples) <= 5 / 0.25 + 2
