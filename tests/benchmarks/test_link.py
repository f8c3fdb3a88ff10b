from benchmarks.transfers import table
from benchmarks.transfers.link.links import LINKS, Link, congestion, emulated, namespaces, shaped
from benchmarks.transfers.link.verdicts import link_rows
from benchmarks.transfers.page import page
from benchmarks.transfers.results import Results
from benchmarks.transfers.workloads import Direction

LINK = Link(200, 50, 0.1)
BYTES = {"cargo": [100_000_000, 80_000_000, 90_000_000], "rsync": [50_000_000, 0, 30_000_000]}


def test_a_link_is_named_after_rate_round_trip_and_loss() -> None:
    assert list(LINKS) == ["link-200-100-0.1", "link-200-100-1", "link-200-100-5", "link-50-300-2"]


def test_each_namespace_has_an_end_of_one_cable() -> None:
    shown = [" ".join(words) for words in namespaces("a", "b")]
    assert shown[2] == "ip -n a link add wan0 type veth peer wan0 netns b"
    assert "ip -n a addr add 10.99.0.1 peer 10.99.0.2 dev wan0" in shown
    assert "ip -n b addr add 10.99.0.2 peer 10.99.0.1 dev wan0" in shown


def test_netem_holds_what_is_under_way_and_a_short_queue() -> None:
    # 25 MB/s for 0.05 s of delay and 0.1 s of queue, in packets of 1,500 bytes.
    assert " ".join(shaped(LINK, "a")) == (
        "ip netns exec a tc qdisc add dev wan0 root netem"
        " delay 50ms loss 0.1% rate 200mbit limit 2500"
    )


def test_the_emulator_gets_the_same_link() -> None:
    words = emulated("wan.sh", LINK, "serve", "get")
    assert " ".join(words) == "wan.sh -d 50 -r 200 -l 0.1 -- serve get"


def test_the_congestion_control_is_that_of_the_route() -> None:
    assert " ".join(congestion("a", "10.0.0.1", "10.0.0.2", "cubic")) == (
        "ip -n a route change 10.0.0.2 dev wan0 src 10.0.0.1 congctl cubic"
    )


def test_the_verdict_is_how_much_more_has_arrived() -> None:
    ours, theirs = link_rows(LINK, Direction.UP, 10.0, BYTES, "cargo")
    assert (ours.mb_per_s, ours.ours_is) == (9.0, 1.0)
    # A round in which nothing arrived counts as one byte: the median is 3.
    assert (theirs.mb_per_s, theirs.ours_is) == (3.0, 3.0)


def test_shares_are_of_what_the_link_carries() -> None:
    shown = table.link_lines(LINK, link_rows(LINK, Direction.UP, 10.0, BYTES, "cargo"))
    assert shown[0] == ("200 Mbit/s, round trip 100 ms, 0.1% lost, up, 10 s, medians of 3")
    assert shown[1] == "cargo       https          9.00 MB/s   36.0% of the link  x 1.00"


def test_the_page_shows_them() -> None:
    rows = link_rows(LINK, Direction.UP, 10.0, BYTES, "cargo")
    text = page(Results("2026-01-02", {}, {}, rows))
    assert "## 200 Mbit/s, round trip 100 ms, 0.1% lost\n" in text
    assert "![200 Mbit/s, round trip 100 ms, 0.1% lost](benchmarks/link-200-100-0.1.svg)" in text
    assert "| rsync | rsync:// | up | 3.00 | 12.0% | x 3.00 |\n" in text
