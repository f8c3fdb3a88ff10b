"""Contents that are sealed once for several lanes: each lane opens them, and only as they were."""

from typing import Any

import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.wire import records, shared
from cargo_sync.wire.frames import BODY_MAX, PIECE, SealedMaker, SealedOpener
from cargo_sync.wire.shared import AROUND, TAG, SharedRecord
from tests.wire.same_tag import other_of_same_tag
from tests.wire.test_frames import PREFIX, make, plain, read

KEY = bytes(range(32))
CONTENT = b"secret secret"
LANES = [(b"1" * 32, 0), (b"2" * 32, 7)]
"""The key of each, and the index that the file has there."""


def sealed(content: bytes = CONTENT) -> memoryview:
    return shared.seal(KEY, memoryview(content), memoryview(bytearray(BODY_MAX)))


def record(content: memoryview, index: int = 0) -> SharedRecord:
    size = len(content) - TAG
    header = records.HEADER.pack(records.DATA, 0, index, 5, size, PIECE)
    return SharedRecord(header, content, KEY, lambda: None)


def frame_of(maker: SealedMaker, one: SharedRecord) -> bytes:
    return b"".join(maker.close_around(one))


def opener(key: bytes = LANES[0][0], *, agreed: bool = True) -> SealedOpener:
    made = SealedOpener(key, PREFIX)
    made.takes_shared = agreed
    return made


@pytest.mark.parametrize("size", [1, PIECE], ids=["small", "whole piece"])
def test_each_lane_opens_what_was_sealed_once(size: int) -> None:
    content = b"x" * size
    once = sealed(content)
    for key, index in LANES:
        maker, other = SealedMaker(key, PREFIX), opener(key)
        one = record(once, index)
        assert read(other, make(maker, b"before")) == b"before"
        assert read(other, frame_of(maker, one)) == one.header + content
        assert read(other, make(maker, b"behind", last=True)) == b"behind"
        assert other.finished


def _flipped(at: int) -> Any:
    return lambda frame: frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]


ENDS = len(CONTENT) + 12
SPOILT = {
    "length": _flipped(3),
    "counter": _flipped(7),
    "last": lambda frame: frame[:8] + b"\7" + frame[9:],
    "content": _flipped(14),
    "tag of the content": _flipped(ENDS),
    "key": _flipped(ENDS + TAG),
    "header of the record": _flipped(ENDS + TAG + 40),
    "tag of the lane": _flipped(ENDS + AROUND + 3),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_what_was_changed_is_refused(spoil: Any) -> None:
    with pytest.raises(ProblemError) as caught:
        read(opener(), spoil(frame_of(SealedMaker(LANES[0][0], PREFIX), record(sealed()))))
    assert caught.value.problem.code == "protocol"


def test_it_is_of_one_lane_and_one_place_in_it() -> None:
    maker = SealedMaker(LANES[0][0], PREFIX)
    frames = [frame_of(maker, record(sealed())) for _ in range(2)]
    with pytest.raises(ProblemError, match="not authentic"):
        read(opener(LANES[1][0]), frames[0])
    with pytest.raises(ProblemError, match="was expected"):
        read(opener(), frames[1])


def test_another_content_of_the_same_key_does_not_fit() -> None:
    frame = frame_of(SealedMaker(LANES[0][0], PREFIX), record(sealed()))
    other = bytes(sealed(b"x" * len(CONTENT)))
    with pytest.raises(ProblemError, match="not authentic"):
        read(opener(), frame[:12] + other + frame[12 + len(other) :])


def test_who_knows_the_key_can_change_the_content_but_nothing_else() -> None:
    """So its receiver must hash it: tests/stores/nodes/test_forwarding.py."""
    content = bytes(range(200))
    once = bytes(sealed(content))
    other = other_of_same_tag(KEY, once)
    assert other[-TAG:] == once[-TAG:]
    one = record(memoryview(once))
    frame = frame_of(SealedMaker(LANES[0][0], PREFIX), one).replace(once, other)
    found = read(opener(), frame)
    assert found.startswith(one.header) and found[len(one.header) :] != content
    assert found.endswith(content[32:]) and len(found) == len(one.header) + len(content)


def test_it_is_taken_only_where_both_ends_have_agreed() -> None:
    frame = frame_of(SealedMaker(LANES[0][0], PREFIX), record(sealed()))
    lane = plain()[1]
    lane.takes_shared = True
    for other in (opener(agreed=False), lane):
        with pytest.raises(ProblemError, match="header"):
            read(other, frame)


def test_its_length_has_bounds() -> None:
    for length in (0, AROUND, BODY_MAX + 1):
        header = length.to_bytes(4, "big") + bytes(4) + b"\5\1\0\0"
        with pytest.raises(ProblemError, match="are allowed"):
            opener().expect(memoryview(header))


def test_nothing_secret_is_shown() -> None:
    one = record(sealed())
    frame = frame_of(SealedMaker(LANES[0][0], PREFIX), one)
    assert not any(known in frame for known in (CONTENT, KEY, one.header))
    assert repr(KEY) not in repr(one)
