"""Buffers that are used again."""

from cargo_sync.process.buffers import KEPT, Buffers


def test_a_buffer_is_used_again_when_nobody_looks_at_it() -> None:
    buffers = Buffers()
    first = buffers.take(4096)
    first[:4] = b"kept"
    part = first[1:3]
    del first
    second = buffers.take(4096)
    second[:4] = b"else"
    assert bytes(part) == b"ep"
    memory = part.obj
    del part
    assert buffers.take(4096).obj is memory
    assert len(buffers.take(64)) == 64


def test_buffers_that_are_looked_at_for_long_are_not_kept() -> None:
    buffers = Buffers()
    views = [buffers.take(64) for _ in range(3 * KEPT)]
    memories = [view.obj for view in views]
    views.clear()
    again = [buffers.take(64) for _ in range(KEPT)]
    assert {id(view.obj) for view in again} == {id(one) for one in memories[-KEPT:]}
