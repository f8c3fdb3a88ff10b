"""What both ends do over time: pings, deadlines, grants, reports, the pace."""

import pytest

from cargo_sync.lanes.end import BUSY_SECONDS, IDLE_SECONDS, PING_SECONDS, SILENCE_SECONDS, Step
from cargo_sync.lanes.pacing import BucketPace
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.testing.disk import MemoryDisk, MemorySink
from cargo_sync.wire import records
from cargo_sync.wire.frames import BODY_MAX
from cargo_sync.wire.messages import LinkReport
from tests.lanes.flows import Clock, Flow, Peer, files, links, pattern

each_way = pytest.mark.parametrize("upload", [True, False], ids=["upload", "download"])


def pass_time(flow: Flow) -> None:
    """Lets time pass from deadline to deadline until the client's end is done."""
    for _ in range(1_000):
        if flow.client.done:
            return
        flow.clock.now = min(flow.client.due(), flow.server.due())
        flow.run()
    raise AssertionError("the lane does not end")


@each_way
def test_an_idle_lane_lives_by_pings(upload: bool) -> None:
    flow = Flow(upload, files())
    flow.run()
    for _ in range(10):
        assert flow.client.step() is Step.IDLE
        flow.clock.now = min(flow.client.due(), flow.server.due())
        flow.run()
    assert not flow.client.done and not flow.server.done
    assert flow.clock.now >= 1000 + 45
    pass_time(flow)  # but not for ever
    assert flow.clock.now == 1000 + IDLE_SECONDS
    assert flow.problems() == ["idle", ""]


def test_a_lane_whose_client_only_pings_ends_although_a_batch_is_open() -> None:
    for upload in (True, False):
        flow = Flow(upload, files(a=pattern(100)))
        if upload:  # the file is offered, and never sent
            flow.sender._pieces.add = lambda *_: None  # type: ignore[method-assign]
        else:  # it is sent, and never committed
            flow.receiver._commit_if_complete = lambda *_: None  # type: ignore[method-assign]
        flow.batch(0, flow.offers())
        flow.run()
        pass_time(flow)
        assert 1000 + IDLE_SECONDS <= flow.clock.now < 1000 + IDLE_SECONDS + PING_SECONDS + 1
        assert flow.problems() == ["idle", ""]
        assert flow.published() == {}


def test_a_client_that_does_not_answer_a_goodbye_is_left() -> None:
    client, server = links(True)
    clock, peer = Clock(), Peer(client)
    receiver = Receiver(server, MemorySink(MemoryDisk()), clock, client=False)
    receiver.cancel()
    for _ in range(100):
        receiver.step()
        if receiver.done:
            break
        clock.now += PING_SECONDS
        peer.say(records.PING)
    assert clock.now == 1000 + IDLE_SECONDS
    assert receiver.problem is None


@pytest.mark.parametrize(("granted", "seconds"), [(None, 60), (1_000_000, 60.0), (1_000, 76.4)])
def test_a_slow_lane_may_rest_longer(granted: int | None, seconds: float) -> None:
    flow = Flow(True, files())
    flow.server.granted = granted
    flow.run()
    pass_time(flow)
    assert flow.clock.now == pytest.approx(1000 + seconds, abs=0.1)


@each_way
def test_a_receiver_waits_twenty_seconds_for_a_sender_and_a_sender_longer(upload: bool) -> None:
    for end, seconds in (("receiver", SILENCE_SECONDS), ("sender", BUSY_SECONDS)):
        flow = Flow(upload, files(a=b"a"))
        flow.run()
        machine = getattr(flow, end)
        if machine is flow.server and end == "sender":
            flow.batch(0, flow.offers())
            flow.client.step()  # asks, and does nothing more
            while machine.step() is Step.AGAIN:
                pass
        flow.clock.now += seconds - 0.1
        assert machine.step() is not Step.DONE
        flow.clock.now += 0.2
        assert machine.step() is Step.DONE
        assert machine.problem.code == "cut"


def test_a_long_commit_is_no_silence() -> None:
    flow = Flow(True, files(a=b"a"))
    commit = flow.sink.commit

    def slow(batch: int) -> list[object]:
        flow.clock.now += 300
        return commit(batch)  # type: ignore[return-value]

    flow.sink.commit = slow  # type: ignore[assignment, method-assign]
    flow.batch(0, flow.offers())
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.codes() == ["done"]


@each_way
def test_grants_reach_the_client_and_the_sender_keeps_them(upload: bool) -> None:
    flow = Flow(upload, files(a=pattern(500_000)), pace=BucketPace(1448), capacity=1 << 22)
    flow.server.grant(4_000_000)
    flow.run()
    assert flow.grants == [4_000_000]
    flow.batch(0, flow.offers())
    flow.client.finish()
    start = flow.clock.now
    flow.run()
    while not (flow.client.done and flow.server.done):
        flow.clock.now = max(flow.clock.now, min(flow.client.due(), flow.server.due()))
        flow.run()
    assert flow.problems() == ["", ""]
    assert flow.clock.now - start == pytest.approx(500_000 * 8 * 1500 / 1448 / 4_000_000, rel=0.15)


@each_way
def test_a_sender_reports_what_was_measured(upload: bool) -> None:
    flow = Flow(upload, files(a=pattern(10_000)))
    flow.sender.measure = lambda: LinkReport(3, 20.5, 19.0)
    flow.batch(0, flow.offers())
    flow.client.finish()
    flow.run()
    for end in (flow.sender, flow.receiver):
        figures = end.figures()
        assert (figures.lost, figures.rtt_ms, figures.min_rtt_ms) == (3, 20.5, 19.0)
        assert figures.content == 10_000
    assert flow.sender.figures().wire == flow.receiver.figures().wire > 10_000


def test_a_problem_of_the_owner_ends_it_and_closes_all() -> None:
    flow = Flow(True, files(a=pattern(4 << 20)), capacity=1 << 12)
    flow.batch(0, flow.offers())
    for _ in range(9):
        flow.client.step()
        flow.server.step()
    flow.client.fail(None)
    flow.run()
    assert flow.problems() == ["", "cut"]
    assert flow.source.open_readers == 0
    assert flow.client.step() is Step.DONE


def test_a_lane_that_cannot_write_is_not_woken_for_pings() -> None:
    flow = Flow(True, files(a=pattern(4 << 20)), capacity=1 << 12)
    flow.batch(0, flow.offers())
    while flow.client.step() is not Step.WANT_WRITE:
        flow.server.step()
    flow.clock.now += PING_SECONDS + 1
    assert flow.client.step() is Step.WANT_WRITE
    assert flow.client.due() > flow.clock.now


def test_what_fails_while_it_closes_does_not_hide_why_it_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def close() -> None:
        raise ProblemError(Problem(Code.DISK_ERROR, "input/output error"))

    for why, code in ((Problem(Code.STOPPED, "it was stopped"), "stopped"), (None, "disk_error")):
        flow = Flow(True, files())
        monkeypatch.setattr(flow.sink, "close", close)
        flow.server.fail(why)
        assert flow.server.problem and flow.server.problem.code == code


def test_a_sender_measures_once_a_second() -> None:
    flow = Flow(True, files(a=pattern(4 << 20)), capacity=1 << 12)
    measured: list[float] = []

    def measure() -> LinkReport:
        measured.append(flow.clock.now)
        return LinkReport(len(measured), 20.5, 19.0)

    flow.sender.measure = measure
    flow.batch(0, flow.offers())
    for now in (1001.0, 1001.9, 1002.0, 1002.1, 1003.0):
        flow.clock.now = now
        for _ in range(5):
            flow.client.step()
            flow.server.step()
    assert measured == [1001.0, 1002.0, 1003.0]


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
def test_a_frame_of_the_greatest_size_arrives_and_so_does_the_next(sealed: bool) -> None:
    ours, theirs = links(sealed, capacity=1 << 22)
    for length in (BODY_MAX, 1, BODY_MAX):
        ours.body[:length] = b"x" * length
        ours.close_frame(length)
        assert ours.flush()
    lengths = []
    while (body := theirs.receive()) is not None:
        lengths.append(len(body))
    assert lengths == [BODY_MAX, 1, BODY_MAX]
