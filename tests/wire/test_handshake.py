"""The handshake: both ends prove the key, agree on version and prefix, and derive fresh keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.model.problems import ProblemError
from cargo_sync.wire import handshake as shake
from cargo_sync.wire.handshake import LaneKeys

KEYS = LaneKeys(b"t" * 16, b"a" * 32, b"u" * 32, b"d" * 32, b"prefix7")
HELLO = shake.hello(KEYS, b"c" * 16)


def test_both_ends_agree() -> None:
    status, answered = shake.answer(KEYS, HELLO, b"s" * 16)
    assert (len(HELLO), len(answered), status) == (76, 67, shake.OK)
    assert shake.token_of(HELLO) == KEYS.token
    assert shake.read_answer(KEYS, HELLO, answered) == shake.Answer(
        2, shake.OK, b"s" * 16, b"prefix7"
    )
    assert shake.prefix_of(answered) == b"prefix7"


def test_frame_keys_differ_by_direction_nonce_and_prefix() -> None:
    _, answered = shake.answer(KEYS, HELLO, b"s" * 16)
    _, again = shake.answer(KEYS, HELLO, b"z" * 16)
    other = shake.hello(KEYS, b"C" * 16)
    keys = {
        shake.frame_key(b"k" * 32, label, sent, reply)
        for label, sent, reply in (
            (b"up", HELLO, answered),
            (b"down", HELLO, answered),
            (b"up", HELLO, again),
            (b"up", other, answered),
        )
    }
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)


@given(st.integers(0, 75), st.integers(1, 255))
def test_a_changed_hello_is_refused_without_an_answer(at: int, flip: int) -> None:
    message = bytearray(HELLO)
    message[at] ^= flip
    with pytest.raises(ProblemError):
        shake.answer(KEYS, bytes(message), b"s" * 16)


@given(st.integers(0, 66), st.integers(1, 255))
def test_a_changed_answer_is_refused(at: int, flip: int) -> None:
    answered = bytearray(shake.answer(KEYS, HELLO, b"s" * 16)[1])
    answered[at] ^= flip
    with pytest.raises(ProblemError, match="does not know"):
        shake.read_answer(KEYS, HELLO, bytes(answered))


def test_an_answer_to_another_hello_is_refused() -> None:
    other = shake.hello(KEYS, b"C" * 16)
    with pytest.raises(ProblemError, match="does not know"):
        shake.read_answer(KEYS, HELLO, shake.answer(KEYS, other, b"s" * 16)[1])


@given(st.binary(max_size=120))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(ProblemError):
        shake.answer(KEYS, noise, b"s" * 16)
    with pytest.raises(ProblemError):
        shake.read_answer(KEYS, HELLO, noise)


def test_versions_meet_or_the_client_is_told() -> None:
    for versions, status in (
        ((2, 2), shake.OK),
        ((1, 9), shake.OK),
        ((1, 1), shake.NO_COMMON_VERSION),
        ((3, 4), shake.NO_COMMON_VERSION),
    ):
        message = shake.hello(KEYS, b"c" * 16, versions)
        found, answered = shake.answer(KEYS, message, b"s" * 16)
        assert found == shake.read_answer(KEYS, message, answered).status == status


def test_keys_are_not_shown() -> None:
    assert repr(KEYS) == "LaneKeys(prefix=b'prefix7')"
