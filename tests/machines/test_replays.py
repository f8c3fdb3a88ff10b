import math

from cargo_sync.machines.replays import MOST_PREFIXES, Replays


def asked(*prefixes: bytes) -> Replays:
    replays = Replays()
    for prefix in prefixes:
        replays.ask(prefix)
    return replays


def test_the_first_is_due_at_once_and_the_next_a_second_later() -> None:
    replays = Replays()
    assert replays.due_in(5.0) == math.inf
    replays.ask(b"job/")
    assert replays.due_in(5.0) == 0
    assert replays.begin(5.0) == (b"job/",)
    assert replays.due_in(5.0) == math.inf
    replays.ask(b"job/")
    assert replays.due_in(5.25) == 0.75
    assert replays.due_in(6.0) == replays.due_in(60.0) == 0


def test_all_that_ask_meanwhile_share_a_round() -> None:
    replays = asked(b"status/")
    replays.begin(0.0)
    for _ in range(1_000):
        for prefix in (b"job/a/", b"job/b/", b"job/a/"):
            replays.ask(prefix)
    assert replays.begin(1.0) == (b"job/a/", b"job/b/")


def test_a_shorter_prefix_covers_longer_ones() -> None:
    assert asked(b"job/a/", b"status/", b"job/", b"job/b/").begin(0.0) == (b"status/", b"job/")
    assert asked(b"job/", b"").begin(0.0) == (b"",)
    assert asked(b"", b"job/").begin(0.0) == (b"",)


def test_too_many_prefixes_count_as_everything() -> None:
    most = [b"job/%d/" % number for number in range(MOST_PREFIXES)]
    assert asked(*most).begin(0.0) == tuple(most)
    assert asked(*most, b"job/a/", b"status/").begin(0.0) == (b"",)
