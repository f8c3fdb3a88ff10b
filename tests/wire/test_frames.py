"""Frames: a frame opens only once, in order, and with its own lane's keys."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.model.problems import ProblemError
from cargo_sync.wire.frames import (
    BODY_MAX,
    HEADER,
    FrameMaker,
    FrameOpener,
    PlainMaker,
    PlainOpener,
    SealedMaker,
    SealedOpener,
)
from cargo_sync.wire.records import LentRecord
from cargo_sync.wire.refusal import breach

KEY, PREFIX = bytes(range(32)), b"prefix7"
Ends = Callable[[], tuple[FrameMaker, FrameOpener]]


def plain() -> tuple[FrameMaker, FrameOpener]:
    return PlainMaker(), PlainOpener()


def sealed() -> tuple[FrameMaker, FrameOpener]:
    return SealedMaker(KEY, PREFIX), SealedOpener(KEY, PREFIX)


both = pytest.mark.parametrize("ends", [plain, sealed])


def make(maker: FrameMaker, body: bytes, last: bool = False) -> bytes:
    maker.body[: len(body)] = body
    return bytes(maker.close(len(body), last))


def read(opener: FrameOpener, frame: bytes) -> bytes:
    view = memoryview(frame)
    if opener.expect(view[:HEADER]) != len(frame):
        raise breach("its length is another")
    return bytes(opener.open(view))


@both
def test_frames_open_as_they_were_made(ends: Ends) -> None:
    maker, opener = ends()
    for body in (b"a", b"x" * BODY_MAX):
        assert read(opener, make(maker, body)) == body
        assert not opener.finished
    assert read(opener, make(maker, b"last", last=True)) == b"last"
    assert opener.finished
    with pytest.raises(ProblemError, match="after its last frame"):
        read(opener, make(maker, b"more"))


@both
def test_what_is_lent_is_framed_like_what_is_in_the_body(ends: Ends) -> None:
    (maker, opener), (other, _) = ends(), ends()
    for body in (b"a", b"x" * BODY_MAX):
        parts = maker.close_around(LentRecord(memoryview(body), lambda: None))
        frame = b"".join(parts)
        assert frame == make(other, body) and read(opener, frame) == body
        assert (len(parts) > 1) == any(part.obj is body for part in parts)


@both
@given(
    at=st.integers(0, 10_000), flip=st.integers(1, 255), body=st.binary(min_size=1, max_size=300)
)
def test_a_changed_byte_anywhere_is_refused(ends: Ends, at: int, flip: int, body: bytes) -> None:
    maker, opener = ends()
    frame = bytearray(make(maker, body))
    frame[at % len(frame)] ^= flip
    with pytest.raises(ProblemError) as caught:
        read(opener, bytes(frame))
    assert caught.value.problem.code == "protocol"


@both
def test_repeated_left_out_and_reordered_frames_are_refused(ends: Ends) -> None:
    for order in ((0, 0), (1,), (0, 2), (0, 1, 0)):
        maker, opener = ends()
        frames = [make(maker, bytes([n])) for n in range(3)]
        with pytest.raises(ProblemError, match="was expected"):
            for number in order:
                read(opener, frames[number])


def test_sealed_frames_of_another_lane_key_or_end_are_not_authentic() -> None:
    frame = make(SealedMaker(KEY, PREFIX), b"content")
    for opener in (SealedOpener(KEY, b"another"), SealedOpener(KEY[::-1], PREFIX)):
        with pytest.raises(ProblemError, match="not authentic"):
            read(opener, frame)
    as_last = bytearray(frame)
    as_last[8] |= 2
    with pytest.raises(ProblemError, match="not authentic"):
        read(SealedOpener(KEY, PREFIX), bytes(as_last))


def test_plain_and_sealed_do_not_meet() -> None:
    with pytest.raises(ProblemError, match="header"):
        read(PlainOpener(), make(SealedMaker(KEY, PREFIX), b"content"))
    with pytest.raises(ProblemError, match="header"):
        read(SealedOpener(KEY, PREFIX), make(PlainMaker(), b"content"))


def test_a_sealed_frame_does_not_show_its_content() -> None:
    assert b"secret secret" not in make(SealedMaker(KEY, PREFIX), b"secret secret")


def test_the_layout_of_a_plain_frame() -> None:
    maker = PlainMaker()
    make(maker, b"x")
    frame = make(maker, b"body", last=True)
    assert frame[:16].hex(" ", 4) == "00000004 00000001 02010000 626f6479"
    assert len(frame) == 12 + 4 + 16


@both
@given(header=st.binary(min_size=12, max_size=12))
def test_any_header_is_refused_or_small(ends: Ends, header: bytes) -> None:
    opener = ends()[1]
    try:
        assert opener.expect(memoryview(header)) <= HEADER + BODY_MAX + 16
    except ProblemError as error:
        assert error.problem.code == "protocol"
