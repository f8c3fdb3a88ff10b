"""What has arrived after pauses and cuts: staged bytes are done bytes, but not fast ones."""

from cargo_sync.machines.arrival import ArrivalCount


def test_what_is_staged_is_done_from_the_first_moment_to_the_last() -> None:
    arrival = ArrivalCount()
    arrived = [arrival.count(0, content, 550) for content in (0, 100, 450)]
    assert arrived == [550, 650, 1000]
    assert arrival.resumed == 550
    assert arrival.count(1000, 450, 550) == 1000, "it is committed"


def test_committed_bytes_of_earlier_flows_count_once() -> None:
    arrival = ArrivalCount()
    assert arrival.count(0, 300, 0) == 300
    assert arrival.count(300, 10, 0) == 310, "another flow, which counts from its beginning"
    assert arrival.count(300, 700, 0) == 1000
    assert arrival.resumed == 0


def test_what_a_flow_carried_before_a_cut_was_not_there_before() -> None:
    arrival = ArrivalCount()
    assert arrival.count(0, 300, 200) == 500
    arrival.begin(0)
    assert arrival.count(0, 0, 450) == 450, "50 were lost with the connection"
    assert arrival.count(0, 550, 450) == 1000
    assert arrival.resumed == 200


def test_without_figures_only_what_is_committed_counts() -> None:
    arrival = ArrivalCount()
    assert arrival.count(700, 0, 0) == 700
