"""Buffers that are used again."""

import pytest

from cargo_sync.process.buffers import HUGE, Buffers


@pytest.mark.parametrize("size", [4096, HUGE])
def test_a_buffer_is_used_again_when_nobody_looks_at_it(size: int) -> None:
    buffers = Buffers(2 * size)
    first = buffers.take(size)
    first[:4] = b"kept"
    part = first[1:3]
    del first
    second = buffers.take(size)
    second[:4] = b"else"
    assert bytes(part) == b"ep"
    memory = part.obj
    del part
    assert len(second) == size and buffers.take(size).obj is memory
    assert len(buffers.take(64)) == 64


def test_only_so_many_bytes_are_kept() -> None:
    buffers = Buffers(8 * 64)
    views = [buffers.take(64) for _ in range(24)]
    memories = [view.obj for view in views]
    views.clear()
    again = [buffers.take(64) for _ in range(8)]
    assert {id(view.obj) for view in again} == {id(one) for one in memories[-8:]}
    again.clear()
    large = buffers.take(9 * 64)
    assert (len(large), buffers._size, len(buffers._kept)) == (9 * 64, 0, 0)


def test_what_nobody_has_taken_for_a_while_is_dropped() -> None:
    buffers = Buffers(8 * 64)
    held, free = buffers.take(64), buffers.take(64)
    memory = held.obj
    free.release()
    assert buffers.drop_idle() and len(buffers._kept) == 2, "both were taken lately"
    assert buffers.drop_idle()
    assert (buffers._size, len(buffers._kept)) == (64, 1), "somebody has the other one"
    held.release()
    assert buffers.take(64).obj is memory, "so it is taken once more"
    assert buffers.drop_idle()
    assert not buffers.drop_idle() and not buffers._size
