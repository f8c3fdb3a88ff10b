"""Links: for how long the body of a frame is valid, and what the buffers of a link take."""

import sys

import pytest

from cargo_sync.wire import records
from cargo_sync.wire.frames import BODY_MAX, new_buffer
from tests.lanes.flows import links

if sys.platform != "win32":
    import resource


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
def test_a_body_is_valid_until_the_whole_next_frame_is_there(sealed: bool) -> None:
    sender, receiver = links(sealed, capacity=BODY_MAX)
    let_go: list[bytes] = []
    body = memoryview(b"")
    receiver.let_go = lambda: let_go.append(bytes(body))
    for content in (b"a", b"b", b"c"):
        sender.body[:] = content * BODY_MAX
        sender.close_frame(BODY_MAX)
        assert not sender.flush(), "the channel takes a part of it"
        assert receiver.receive() is None
        assert len(let_go) == ord(content) - ord("a"), "the one before may still be in use"
        assert sender.flush()
        received = receiver.receive()
        assert received is not None and received == content * BODY_MAX
        body = received
    assert let_go == [b"", b"a" * BODY_MAX, b"b" * BODY_MAX]


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
def test_a_body_with_one_content_alone_may_be_kept(sealed: bool, more: int) -> None:
    sender, receiver = links(sealed, capacity=2 * BODY_MAX)
    size = records.SIZE + 7 + more
    bodies = list[memoryview]()
    for content in (b"a", b"b"):
        sender.body[:size] = content * size
        sender.close_frame(size)
        assert sender.flush()
        bodies.append(receiver.receive() or memoryview(b""))
        if content == b"a":
            kept = bodies[0][records.SIZE : records.SIZE + 7]
            is_kept = receiver.exchange(kept, new_buffer(BODY_MAX))
            assert is_kept == (sealed and not more)
    assert bodies[1] == b"b" * size
    assert not is_kept or kept == b"a" * 7


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the faults of one thread")
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
def test_a_buffer_takes_memory_only_when_it_is_used(sealed: bool) -> None:
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    sender, receiver = links(sealed, capacity=BODY_MAX)
    sender.body[:6] = b"little"
    sender.close_frame(6)
    assert sender.flush()
    assert bytes(receiver.receive() or b"") == b"little"
    pages = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before
    assert pages * resource.getpagesize() < BODY_MAX
