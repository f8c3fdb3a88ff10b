"""What becomes of a callback, and when a host is tried: transcripts."""

from email.utils import formatdate

import pytest

from cargo_sync.webhooks.retry_policy import (
    DAYS,
    Attempt,
    Delivered,
    GiveUp,
    HostHealth,
    RetryAt,
    after,
    becomes,
    room,
    wished,
)

NOW = 1_800_000_000.0
BUSY = Attempt(503, "", "answered 503")
GONE = Attempt(0, "", "nobody answers")


def transcript(result: Attempt, tries: int = 1, age: float = 0.0) -> str:
    match becomes(result, tries, NOW - age, NOW, wished(result.retry_after, NOW), 0.5):
        case Delivered():
            return "delivered"
        case RetryAt(at):
            return f"again in {at - NOW:g}"
        case GiveUp(why):
            return f"dead: {why}"


@pytest.mark.parametrize(
    ("result", "tries", "age", "expected"),
    [
        (Attempt(200), 1, 0.0, "delivered"),
        (Attempt(204), 1, 9 * DAYS, "delivered"),
        (BUSY, 1, 0.0, "again in 0.75"),
        (BUSY, 3, 0.0, "again in 3"),
        (BUSY, 99, 0.0, "again in 225"),  # of a host that fails: five minutes at most
        (GONE, 99, 0.0, "again in 225"),
        (Attempt(429, "", "answered 429"), 99, 0.0, "again in 225"),
        (Attempt(500, "", "answered 500"), 99, 0.0, "again in 225"),
        (Attempt(499, "", "answered 499"), 99, 0.0, "again in 2700"),
        (Attempt(403, "", "answered 403"), 99, 0.0, "again in 2700"),  # of this one alone: an hour
        (Attempt(300, "", "answered 300"), 1, 0.0, "again in 0.75"),
        (Attempt(302, "", "answered 302; redirects are not followed"), 2, 0.0, "again in 1.5"),
        (Attempt(404, "120", "answered 404"), 1, 0.0, "again in 120"),
        (Attempt(503, "1", "answered 503"), 5, 0.0, "again in 12"),  # a wish never shortens a delay
        (BUSY, 9, 3 * 86_400 - 1, "again in 192"),
        (BUSY, 9, 3 * 86_400, "dead: given up after 3 days: answered 503"),
        (
            Attempt(410, "", "answered 410"),
            1,
            0.0,
            "dead: answered 410: the receiver wants no more of these callbacks",
        ),
    ],
)
def test_what_becomes_of_a_callback(result: Attempt, tries: int, age: float, expected: str) -> None:
    assert transcript(result, tries, age) == expected


@pytest.mark.parametrize("status", [400, 405, 411, 413, 414, 415, 422, 431, 501])
def test_an_answer_about_the_request_is_believed_after_five_tries(status: int) -> None:
    result = Attempt(status, "", f"answered {status}")
    assert transcript(result, 4, 2 * DAYS / 3) == "again in 6"
    assert transcript(result, 5) == f"dead: given up after 5 tries: answered {status}"
    assert not result.whole, "one refused request does not stop the others to this host"


def test_a_missing_address_may_still_be_deployed() -> None:
    missing = Attempt(404, "", "answered 404")
    assert transcript(missing, 11, DAYS - 1) == "again in 768"
    assert transcript(missing, 12, 6 * 3600 - 1) == "again in 1536"
    assert transcript(missing, 12, 6 * 3600) == "dead: given up after 12 tries: answered 404"


@pytest.mark.parametrize("status", [301, 401, 403, 409, 429, 500, 502, 503, 0])
def test_what_may_change_is_tried_for_three_days(status: int) -> None:
    result = Attempt(status, "", "no")
    assert transcript(result, 99, DAYS - 1).startswith("again")
    assert transcript(result, 99, DAYS) == "dead: given up after 3 days: no"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("99999999999999999999", 86400.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (formatdate(NOW + 9 * 86400, usegmt=True), 86400.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("soon", 0.0),
        ("Mon, 99 Foo 2030 00:00:00 GMT", 0.0),
        ("٣", 0.0),
    ],
)
def test_what_a_host_may_wish(header: str, seconds: float) -> None:
    assert wished(header, NOW) == pytest.approx(seconds)


def test_a_host_that_fails_is_left_alone_and_tried_with_one() -> None:
    host, said = HostHealth(), []

    def look(now: float, in_flight: int = 0) -> None:
        said.append(f"{now:g}: room for {room(host, 8, in_flight, now)} beside {in_flight}")

    look(0)
    look(0, 5)
    look(0, 9)  # more than are allowed since a reload
    for _ in range(8):  # all that were in flight fail by the same fault: one failure
        host = after(host, GONE, 0.0, 10.0, 0.0, 0.5)
    look(10)
    look(10.75)
    look(10.75, 1)
    host = after(host, BUSY, 10.75, 11.0, 0.0, 0.5)
    look(12.4)
    look(12.5)
    host = after(host, BUSY, 12.5, 13.0, 600.0, 0.5)
    look(612)
    look(613)
    host = after(
        host, Attempt(404, "", "answered 404"), 613.0, 613.5, 0.0, 0.5
    )  # it answers: it is well
    look(613.5)
    assert said == [
        "0: room for 8 beside 0",
        "0: room for 3 beside 5",
        "0: room for 0 beside 9",
        "10: room for 0 beside 0",
        "10.75: room for 1 beside 0",
        "10.75: room for 0 beside 1",
        "12.4: room for 0 beside 0",
        "12.5: room for 1 beside 0",
        "612: room for 0 beside 0",
        "613: room for 1 beside 0",
        "613.5: room for 8 beside 0",
    ]


def test_what_was_under_way_when_a_host_failed_tells_nothing_but_its_wish() -> None:
    failed = after(HostHealth(), GONE, 0.0, 10.0, 0.0, 0.5)
    assert failed == HostHealth(1, 10.0, 10.75)
    assert after(failed, BUSY, 10.0, 10.5, 0.0, 0.5) == failed
    assert after(failed, BUSY, 10.0, 10.5, 600.0, 0.5) == HostHealth(1, 10.0, 610.5)
    assert after(failed, BUSY, 10.1, 10.5, 0.0, 0.5).tries == 2


def test_a_host_that_is_away_for_ten_hours_is_tried_a_hundred_odd_times() -> None:
    host, now, tries = HostHealth(), 0.0, 0
    while now < 36_000:
        tries += 1
        host = after(host, GONE, now, now, 0.0, 0.5)
        now = host.rests
    assert 100 < tries < 200
