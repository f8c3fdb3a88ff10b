"""Whole uploads and downloads in memory, plain and sealed, also byte by byte."""

import pytest
from blake3 import blake3

from cargo_sync.lanes.pieces import ENOUGH
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.testing.disk import MemoryDisk, MemoryFile, MemoryReader
from tests.lanes.flows import Flow, files, pattern

each_way = pytest.mark.parametrize("upload", [True, False], ids=["upload", "download"])
each_seal = pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])


@each_way
@each_seal
@pytest.mark.parametrize("capacity", [1, 7, 1000, 1 << 22])
def test_files_of_every_size_arrive(upload: bool, sealed: bool, capacity: int) -> None:
    scale = 1 if capacity > 100 else 1000
    source = files(
        empty=b"",
        small=b"s",
        two=pattern(5000, 2),
        big=pattern(3_000_000 // scale),
        odd=b"\xff" * 77,
    )
    source.files["link"] = MemoryFile(b"", target="small")
    flow = Flow(upload, source, sealed=sealed, capacity=capacity)
    flow.batch(0, flow.offers("empty", "big", "link"))
    flow.batch(1, flow.offers("two", "small", "odd"))
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.client.done and flow.server.done and flow.sink.closed
    assert flow.published() == {path: file.content for path, file in source.files.items()}
    assert flow.disk.files["link"].target == "small"
    assert flow.told["sender"] == flow.told["receiver"]
    assert [receipt.hash for receipt in flow.told["sender"][1]] == [
        blake3(source.files[path].content).hexdigest() for path in ("two", "small", "odd")
    ]
    assert source.open_readers == 0
    size = sum(len(file.content) for file in source.files.values())
    assert flow.sender.figures().content == flow.receiver.figures().content == size


@each_way
def test_twenty_batches_go_with_eight_under_way(upload: bool) -> None:
    source = files(**{f"f{n}": pattern(100 + n, n) for n in range(60)})
    flow = Flow(upload, source)
    for number in range(20):
        flow.batch(number, flow.offers(*(f"f{number * 3 + n}" for n in range(3))))
    flow.run()
    assert list(flow.told["sender"]) == list(range(20))
    assert not flow.client.done
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.published() == {path: file.content for path, file in source.files.items()}


@each_way
def test_small_files_share_frames(upload: bool) -> None:
    source = files(**{f"f{n}": pattern(4096, n) for n in range(500)})
    flow = Flow(upload, source, capacity=1 << 22)
    frames: list[int] = []
    close = flow.sender.link.close_frame
    flow.sender.link.close_frame = lambda *args: frames.append(args[0]) or close(*args)  # type: ignore[func-returns-value, method-assign]
    flow.batch(0, flow.offers())
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert sum(ENOUGH <= size <= ENOUGH + 5000 for size in frames) == 500 * 4096 // ENOUGH
    assert len(frames) < 14


@each_way
def test_an_offer_list_longer_than_a_frame_arrives(upload: bool) -> None:
    name = "x" * 250 + "/"
    source = files(**{name * 10 + str(n): b"content" for n in range(1000)})
    flow = Flow(upload, source)
    flow.batch(0, flow.offers())
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert len(flow.published()) == 1000


@each_way
def test_a_batch_too_long_to_be_told_is_a_problem(upload: bool) -> None:
    flow = Flow(upload, files(a=b""))
    flow.batch(0, [flow.offers()[0]._replace(path="x" * (13 << 20))])
    flow.run()
    assert flow.problems()[0] == "too_large"


@each_way
def test_what_is_there_is_not_sent(upload: bool) -> None:
    source = files(same=pattern(9000), new=b"new")
    disk = MemoryDisk({"same": MemoryFile(pattern(9000), version=5)})
    flow = Flow(upload, source, disk)
    offers = [
        offer._replace(hash=blake3(source.files[offer.path].content).hexdigest())
        for offer in flow.offers()
    ]
    flow.batch(0, offers)
    flow.client.finish()
    flow.run()
    assert flow.codes() == ["done", "done"]
    assert flow.sender.figures().content == 3
    assert flow.disk.files["same"].version == 5


@each_way
def test_one_bad_file_fails_alone(upload: bool) -> None:
    source = files(a=b"a", gone=b"g", swapped=b"s", b=pattern(2_500_000))
    flow = Flow(upload, source)
    flow.batch(0, flow.offers("a", "gone", "swapped", "b"))
    del source.files["gone"]
    source.files["swapped"] = MemoryFile(b"S", version=2)
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.codes() == ["done", "vanished", "changed", "done"]
    assert set(flow.published()) == {"a", "b"}


@each_way
def test_small_files_around_bad_ones_arrive(upload: bool) -> None:
    contents = {f"f{number:02}": pattern(1000 * number, number) for number in range(12)}
    flow = Flow(upload, files(**contents))
    flow.batch(0, flow.offers())
    bad = {"f03": "vanished", "f04": "vanished", "f07": "cancelled", "f11": "vanished"}
    for path in ("f03", "f04", "f11"):
        del flow.source.files[path]
    flow.client.stop(0, 7)
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.codes() == [bad.get(path, "done") for path in contents]
    assert flow.published() == {path: what for path, what in contents.items() if path not in bad}


@each_way
@pytest.mark.parametrize("now", [b"shorter", pattern(4 << 20, 9), pattern(3 << 20, 9)], ids=len)
def test_a_file_that_changes_while_it_goes_is_given_up(upload: bool, now: bytes) -> None:
    source = files(big=pattern(3 << 20), after=b"after")
    flow = Flow(upload, source, capacity=1 << 21)
    flow.batch(0, flow.offers("big", "after"))
    while flow.receiver.figures().content < 1 << 20:
        flow.client.step()
        flow.server.step()
    source.files["big"] = MemoryFile(now, version=2)
    flow.client.finish()
    flow.run()
    assert flow.codes() == ["changed", "done"]
    assert flow.published() == {"after": b"after"}
    assert source.open_readers == 0


@each_way
def test_a_small_file_that_changes_between_open_and_close_is_given_up(upload: bool) -> None:
    source = files(a=b"before", b=b"b")
    opened = source.open

    def changing(offer: Offer) -> MemoryReader:
        reader = opened(offer)
        if offer.path == "a":
            source.files["a"] = MemoryFile(b"after!", version=2)
        return reader

    source.open = changing  # type: ignore[method-assign]
    flow = Flow(upload, source)
    flow.batch(0, flow.offers())
    flow.client.finish()
    flow.run()
    assert flow.codes() == ["changed", "done"]
    assert flow.published() == {"b": b"b"}


@each_way
def test_a_sink_that_can_take_nothing_refuses_the_batch(upload: bool) -> None:
    def full(*_: object) -> list[object]:
        raise ProblemError(Problem(Code.DISK_FULL, "the disk is full"))

    source = files(a=b"a", b=b"b")
    for method in ("begin", "commit"):
        flow = Flow(upload, source)
        setattr(flow.sink, method, full)
        flow.batch(0, flow.offers())
        flow.client.finish()
        flow.run()
        assert flow.problems() == ["", ""]
        assert flow.codes() == ["disk_full", "disk_full"]
        assert flow.told["sender"][0][0].message == "the disk is full"


@each_way
def test_one_file_is_stopped_by_either_end(upload: bool) -> None:
    for stopper in ("sender", "receiver"):
        source = files(a=pattern(3 << 20), b=b"b")
        flow = Flow(upload, source, capacity=1 << 10)
        flow.batch(7, flow.offers("a", "b"))
        for _ in range(20):
            flow.client.step()
            flow.server.step()
        getattr(flow, stopper).stop(7, 0)
        getattr(flow, stopper).stop(8, 0)
        flow.client.finish()
        flow.run()
        assert flow.problems() == ["", ""]
        assert flow.codes(7) == ["cancelled", "done"]


@each_way
def test_a_file_is_stopped_before_its_turn(upload: bool) -> None:
    source = files(**{f"f{number}": pattern(5000, number) for number in range(20)})
    flow = Flow(upload, source, capacity=1 << 10)
    for number in range(10):
        flow.batch(number, flow.offers(f"f{2 * number}", f"f{2 * number + 1}"))
    for number in (0, 9):  # one whose offer is not sent yet, one that waits for room
        flow.client.stop(number, 1)
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert [flow.codes(number) for number in (0, 5, 9)] == [
        ["done", "cancelled"], ["done", "done"], ["done", "cancelled"],
    ]  # fmt: skip
    assert source.open_readers == 0


@each_way
def test_nothing_of_a_stopped_file_is_kept(upload: bool) -> None:
    source = files(a=pattern(4 << 20), b=b"b")
    flow = Flow(upload, source, capacity=1 << 16)
    flow.batch(0, [source.files["a"].offer("a", "aa" * 16), source.files["b"].offer("b")])
    while flow.receiver.figures().content <= 1 << 20:
        flow.client.step()
        flow.server.step()
    flow.sink.checkpoint()
    assert len(flow.disk.durable) == 1
    flow.client.stop(0, 0)
    flow.client.finish()
    flow.run()
    assert flow.codes() == ["cancelled", "done"]
    assert not flow.disk.durable and list(flow.published()) == ["b"]


@each_way
def test_cancel_keeps_what_came(upload: bool) -> None:
    source = files(small=b"small", big=pattern(4 << 20))
    flow = Flow(upload, source, capacity=1 << 18)
    flow.batch(0, flow.offers("small"))
    flow.batch(1, flow.offers("big"))
    flow.batch(2, flow.offers("small"))
    while flow.receiver.figures().content < 1 << 20:
        flow.client.step()
        flow.server.step()
    flow.client.cancel()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.client.done and flow.server.done and flow.sink.closed
    assert flow.codes(0) == ["done"]
    assert 1 not in flow.told["sender"]
    assert len(flow.disk.durable) == 1
    again = Flow(upload, source, flow.disk)
    again.batch(0, again.offers("big"))
    again.client.finish()
    again.run()
    assert again.published()["big"] == pattern(4 << 20)
    assert 0 < again.sender.figures().content <= 3 << 20


@each_way
def test_a_server_that_stops_says_why(upload: bool) -> None:
    flow = Flow(upload, files(a=pattern(4 << 20)), capacity=1 << 12)
    flow.batch(0, flow.offers())
    for _ in range(50):
        flow.client.step()
        flow.server.step()
    flow.server.cancel(Problem(Code.STOPPED, "the server is going down"))
    flow.run()
    assert flow.problems() == ["stopped", ""]
    assert flow.published() == {}


@each_way
def test_a_lane_without_batches_ends_well(upload: bool) -> None:
    flow = Flow(upload, files())
    flow.run()
    assert not flow.client.done
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.client.done and flow.server.done


def test_the_same_start_gives_the_same_steps() -> None:
    def story() -> list[object]:
        flow = Flow(True, files(a=pattern(700_000), b=b"b", c=pattern(9000)), capacity=50_000)
        flow.batch(0, flow.offers())
        flow.client.finish()
        steps: list[object] = []
        while not (flow.client.done and flow.server.done):
            steps += [
                flow.client.step(),
                flow.server.step(),
                flow.client.figures(),
                flow.server.figures(),
            ]
        return steps

    assert story() == story()
