"""Sealed streams: what was written is read, and nothing else."""

import io
from collections.abc import Callable

import pytest

from cargo_sync.machines.nodes.snapshots import MadeSnapshot
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.stores.snapshots.sealing import CHUNK, SealedReader, SealedWriter, SealHead

KEY, OTHER = b"k" * 32, b"o" * 32
HEAD = SealHead(MadeSnapshot(7, 1.5), b"s" * 32)
SIZE = len(HEAD.encoded())
PIECE = CHUNK + 16
CONTENT = bytes(range(256)) * (CHUNK // 128) + b"rest"
"""Three chunks."""


def sealed(content: bytes, head: SealHead = HEAD, key: bytes = KEY) -> bytes:
    out = io.BytesIO()
    writer = SealedWriter(out.write, key, head)
    for start in range(0, len(content), 100_000):
        writer.write(content[start : start + 100_000])
    writer.close()
    return out.getvalue()


def opened(stream: bytes, key: bytes = KEY) -> bytes:
    reader = SealedReader(io.BytesIO(stream), key)
    assert reader.head == HEAD
    return b"".join(iter(lambda: reader.read(70_000), b""))


@pytest.mark.parametrize("content", [b"", b"x", CONTENT[:CHUNK], CONTENT])
def test_what_was_sealed_is_read(content: bytes) -> None:
    assert opened(sealed(content)) == content


def flipped(stream: bytes, at: int) -> bytes:
    return stream[:at] + bytes([stream[at] ^ 1]) + stream[at + 1 :]


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit of the first chunk": lambda one: flipped(one, SIZE),
    "a bit of the last seal": lambda one: flipped(one, len(one) - 1),
    "cut within a chunk": lambda one: one[:-1],
    "cut between two": lambda one: one[: SIZE + PIECE],
    "cut after the head": lambda one: one[:SIZE],
    "longer": lambda one: one + b"x",
    "two chunks in another order": lambda one: (
        one[:SIZE] + one[SIZE + PIECE : SIZE + 2 * PIECE] + one[SIZE : SIZE + PIECE] + one[-20:]
    ),
    "one left out": lambda one: one[:SIZE] + one[SIZE + PIECE :],
    "a chunk of another stream": lambda one: (
        one[: SIZE + PIECE]
        + sealed(CONTENT, HEAD._replace(salt=b"t" * 32))[SIZE + PIECE : SIZE + 2 * PIECE]
        + one[SIZE + 2 * PIECE :]
    ),
    "sealed with another key": lambda one: sealed(CONTENT, key=OTHER),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_is_not_as_it_was_sealed_is_never_read_to_its_end(
    change: Callable[[bytes], bytes],
) -> None:
    with pytest.raises(ProblemError) as refused:
        opened(change(sealed(CONTENT)))
    assert refused.value.problem.code == Code.CORRUPT


@pytest.mark.parametrize("head", [HEAD._replace(snapshot=MadeSnapshot(8, 1.5)), None])
def test_the_head_cannot_be_changed(head: SealHead | None) -> None:
    """An old snapshot cannot be made to look newer."""
    stream = (b"other bytes" if head is None else head.encoded()) + sealed(CONTENT)[SIZE:]
    with pytest.raises(ProblemError):
        SealedReader(io.BytesIO(stream), KEY).read(1)
