"""The hash of a content depends on nothing else, and blocks of zeros cost nothing."""

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.local import content_hash
from cargo_sync.local.content_hash import ContentHash, ListedHash

BLOCK, PIECE = 8, 5
CONTENT = st.lists(
    st.one_of(st.integers(1, 3 * BLOCK).map(bytes), st.binary(min_size=1, max_size=BLOCK)),
    max_size=6,
).map(b"".join)


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content_hash, "BLOCK", BLOCK)
        patch.setattr(content_hash, "ZEROS", bytes(3))
        patch.setattr(content_hash, "PIECE", PIECE)
        patch.setattr(content_hash, "_ZERO_PIECE", blake3(bytes(PIECE)).digest())
        yield


def hashed(content: bytes) -> str:
    whole = ContentHash()
    whole.update(content)
    return whole.hexdigest()


@given(CONTENT, st.lists(st.integers(1, 2 * BLOCK), max_size=8), st.data())
def test_it_does_not_depend_on_how_the_content_came(
    content: bytes, cuts: list[int], data: st.DataObject
) -> None:
    pieces, found = content, ListedHash()
    for cut in [*cuts, len(content)]:
        piece, pieces = pieces[:cut], pieces[cut:]
        if not any(piece) and data.draw(st.booleans()):
            found.zeros(len(piece))
        else:
            found.update(piece)
        if data.draw(st.booleans()):
            found = found.copy()
    assert found.size == len(content)
    assert found.hexdigest() == hashed(content)
    listed = [content[at : at + PIECE] for at in range(0, len(content), PIECE)]
    digests = b"".join(blake3(one).digest() for one in listed)
    assert found.pieces == (digests if len(listed) > 1 else b"")


@given(CONTENT, CONTENT)
def test_two_contents_have_two_hashes(one: bytes, other: bytes) -> None:
    assert (hashed(one) == hashed(other)) == (one == other)


@given(CONTENT)
def test_a_content_without_a_block_of_zeros_has_its_blake3(content: bytes) -> None:
    whole_blocks = range(0, len(content) - BLOCK + 1, BLOCK)
    left_out = any(not any(content[at : at + BLOCK]) for at in whole_blocks)
    assert (hashed(content) != blake3(content).hexdigest()) == left_out
