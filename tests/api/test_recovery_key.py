"""The recovery key: as a person writes it, and what is derived from it."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cargo_sync.api.recovery_key import RecoveryKey

KEY = RecoveryKey(bytes(range(16)))
TEXT = "000G-40R4-0M30-E209-185G-R38E-1X22-E3M5"


@pytest.mark.parametrize(
    "text", [TEXT, TEXT.lower(), TEXT.replace("-", " "), TEXT.replace("0", "O").replace("1", "l")]
)
def test_a_key_is_read_as_people_write_it(text: str) -> None:
    assert RecoveryKey.parse(text) == KEY


def test_a_key_is_written_in_groups_and_never_shown_by_accident() -> None:
    assert str(KEY) == TEXT
    assert RecoveryKey.parse(str(made := RecoveryKey.new())) == made != RecoveryKey.new()
    assert repr(KEY) == "RecoveryKey()"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has 0 letters"),
        (TEXT[:-1], "has 31 letters"),
        (TEXT + "0", "has 33 letters"),
        (TEXT[:-1] + "U", "a character that is in none"),
        (TEXT.replace("4", "5", 1), "a letter or digit of it is wrong"),
        (TEXT[5:9] + "-" + TEXT[:4] + TEXT[9:], "a letter or digit of it is wrong"),
    ],
)
def test_what_is_no_key_is_refused_without_being_quoted(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        RecoveryKey.parse(text)
    assert not text or text not in str(refused.value)


def test_what_is_derived_differs_and_stays_the_same() -> None:
    assert len({KEY.sealing, KEY.verifier, RecoveryKey(b"x" * 16).sealing}) == 3
    assert KEY.sealing == RecoveryKey.parse(TEXT).sealing
    public = Ed25519PublicKey.from_public_bytes(KEY.verifier)
    public.verify(KEY.sign(b"words"), b"words")
    with pytest.raises(InvalidSignature):
        public.verify(KEY.sign(b"words"), b"other words")
