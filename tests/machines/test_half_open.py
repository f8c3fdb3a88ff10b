"""Which half-open connection is dropped: transcripts, one word per connection."""

from collections.abc import Iterator

import pytest

from cargo_sync.machines.half_open import HalfOpen, HalfOpenLimits, network

SMALL = HalfOpenLimits(per_address=3, total=6)


def play(script: str) -> str:
    """The connections that are dropped, in order.

    `a1` arrives from address a, `P1` from a proxy; `a1!` has spoken, `a1.` is not half-open any
    more.
    """
    table: HalfOpen[str] = HalfOpen(SMALL)
    dropped = []
    for word in script.split():
        if word.endswith("!"):
            table.speak(word[:-1], 10.0)
        elif word.endswith("."):
            table.remove(word[:-1])
        elif gone := table.arrive(word, word[0], 3.0, exempt=word[0] == "P"):
            dropped.append(gone)
    return " ".join(dropped)


@pytest.mark.parametrize(
    ("script", "dropped"),
    [
        ("", ""),
        ("a1 a2 a3", ""),
        # The oldest of an address that has too many.
        ("a1 a2 a3 a4 a5", "a1 a2"),
        ("b1 a1 a2 a3 a4", "a1"),
        # What is not half-open any more makes room; removing it twice is harmless.
        ("a1 a2 a3 a1. a1. a4 a5", "a2"),
        # Silent ones go first, so a client that speaks outlives a flood from its own address.
        ("a1 a1! a2 a3 a4 a5 a6", "a2 a3 a4"),
        # But if all have spoken, the oldest goes, and never the newcomer.
        ("a1 a2 a3 a2! a1! a3! a4 a5", "a2 a4"),
        # Too many in all: the oldest of the address that holds most.
        ("a1 b1 b2 c1 c2 c3 d1", "c1"),
        ("a1 b1 b2 b3 c1 c2 d1 d2", "b1 c1"),
        ("a1 b1 c1 d1 e1 f1 g1", "a1"),
        ("c1 c2 c2! c1! a1 b1 d1 e1 f1", "c2"),
        # A proxy may have more than others, and is spared while there are others.
        ("P1 P2 P3 P4 P5", ""),
        ("P1 P2 P3 P4 P5 a1 a2 a3", "a1 a2"),
        ("P1 P2 P3 P4 P5 P6 P7 a1", "P1 P2"),
    ],
)
def test_who_is_dropped(script: str, dropped: str) -> None:
    assert play(script) == dropped


def test_deadlines() -> None:
    table: HalfOpen[str] = HalfOpen(SMALL)
    assert table.next_due() is None and table.overdue(99.0) == []
    for now, one in enumerate(("silent", "slow", "quick")):
        table.arrive(one, "a", now + 3.0)
    table.speak("slow", 11.0)
    table.speak("gone", 11.0)  # it was not counted
    table.remove("quick")
    assert (table.next_due(), len(table)) == (3.0, 2)
    assert table.overdue(2.9) == []
    assert table.overdue(3.0) == ["silent"]
    assert (table.next_due(), table.overdue(10.9), table.overdue(11.0)) == (11.0, [], ["slow"])
    assert len(table) == 0


def test_asking_at_each_arrival_seldom_looks_at_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks, deadlines = 0, HalfOpen._deadlines

    def counted(table: HalfOpen[int]) -> Iterator[tuple[int, float]]:
        nonlocal looks
        looks += 1
        return deadlines(table)

    monkeypatch.setattr(HalfOpen, "_deadlines", counted)
    table: HalfOpen[int] = HalfOpen(HalfOpenLimits(per_address=1_000, total=1_000))
    for number in range(5_000):
        now = number / 1_000
        assert table.overdue(now) == []
        table.arrive(number, "a", now + 3.0)
    assert looks <= 6


def test_somebody_must_go_when_descriptors_run_out() -> None:
    table: HalfOpen[str] = HalfOpen(SMALL)
    assert table.sacrifice() is None
    for one in ("a1", "b1", "b2"):
        table.arrive(one, one[0], 3.0)
    assert [table.sacrifice() for _ in range(4)] == ["b1", "a1", "b2", None]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("not an address", "not an address"),
    ],
)
def test_what_counts_as_one_address(address: str, counted: str) -> None:
    assert network(address) == counted
