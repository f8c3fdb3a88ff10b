"""The hash of a content depends on nothing else, and blocks of zeros cost nothing."""

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.local import content_hash
from cargo_sync.local.content_hash import ContentHash, ListedHash
from cargo_sync.local.piece_lists import DIGESTS, KEY, KnownList, Tags

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
        yield


def hashed(content: bytes) -> str:
    whole = ContentHash()
    whole.update(content)
    return whole.hexdigest()


@given(CONTENT, st.lists(st.integers(1, 2 * BLOCK), max_size=8), st.booleans(), st.data())
def test_it_does_not_depend_on_how_the_content_came(
    content: bytes, cuts: list[int], tagged: bool, data: st.DataObject
) -> None:
    form = Tags(b"k" * KEY) if tagged else DIGESTS
    rest, found = content, ListedHash(form)
    for cut in [*cuts, len(content)]:
        piece, rest = rest[:cut], rest[cut:]
        if not any(piece) and data.draw(st.booleans()):
            found.zeros(len(piece))
        else:
            found.update(piece)
    assert found.size == len(content)
    assert found.hexdigest() == hashed(content)
    pieces = [content[at : at + PIECE] for at in range(0, len(content), PIECE)]
    listed = found.pieces
    assert bool(listed) == (len(pieces) > 1)
    if not tagged and listed:
        assert listed == b"".join(blake3(one).digest() for one in pieces)
    checked = KnownList(listed)
    for number, piece in enumerate(pieces if listed else ()):
        assert checked.is_right(number, memoryview(piece))
        assert checked.is_hole(number, len(piece)) == (not any(piece))
        wrong = bytes([piece[0] ^ 1]) + piece[1:]
        assert not checked.is_right(number, memoryview(wrong))


@given(CONTENT, CONTENT)
def test_two_contents_have_two_hashes(one: bytes, other: bytes) -> None:
    assert (hashed(one) == hashed(other)) == (one == other)


@given(CONTENT)
def test_a_content_without_a_block_of_zeros_has_its_blake3(content: bytes) -> None:
    whole_blocks = range(0, len(content) - BLOCK + 1, BLOCK)
    left_out = any(not any(content[at : at + BLOCK]) for at in whole_blocks)
    assert (hashed(content) != blake3(content).hexdigest()) == left_out
