"""Links: for how long the body of a frame is valid."""

import pytest

from cargo_sync.wire.frames import BODY_MAX
from tests.lanes.flows import links


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
