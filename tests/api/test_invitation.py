"""The one line of an invitation."""

import base64
import secrets

import pytest

from cargo_sync.api.invitation import Invitation, new_token, opening

FINGERPRINT = "ab" * 32
TOKEN = "Zr0u5lXb8m2c1wq7TnKpLA"
ANA = Invitation("ana", "https://files.example:8443/prefix", FINGERPRINT, TOKEN)
LINE = f"cargo://ana@files.example:8443/prefix#{'q6ur' * 10}q6s.{TOKEN}"


def test_the_line() -> None:
    assert str(ANA) == LINE
    assert Invitation.parse(LINE) == ANA
    assert opening(ANA.user, ANA.url, ANA.fingerprint) + TOKEN == LINE
    assert TOKEN not in repr(ANA)


@pytest.mark.parametrize(
    "invited",
    [
        Invitation("a@b #é/ü", "https://[::1]:8443", FINGERPRINT, TOKEN),
        Invitation("ana", "http://127.0.0.1:8080", "", TOKEN),
        Invitation("ana", "https://files.example:443/a/b", "", TOKEN),
    ],
)
def test_every_name_and_address_comes_back(invited: Invitation) -> None:
    assert Invitation.parse(str(invited)) == invited


def test_a_line_that_a_mail_program_has_broken_is_joined() -> None:
    broken = f"  {LINE[:30]}\r\n {LINE[30:60]}\n{LINE[60:]}\t"
    assert Invitation.parse(broken) == ANA


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not an invitation"),
        ("https://files.example", "is not an invitation"),
        (LINE[:-1], "is not complete"),
        (LINE + "A", "is not complete"),
        (LINE.replace("#", ""), "is not complete"),
        (LINE.replace("ana@", ""), "is not complete"),
        (LINE.replace("ana@", "%ff@"), "is not complete"),
        (LINE.replace(".Zr", "Zr"), "is not complete"),
        (LINE.replace("q6s.", "."), "is not complete"),
    ],
)
def test_what_is_none_is_refused_without_being_shown(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        Invitation.parse(text)
    assert TOKEN[:8] not in str(refused.value)


def test_a_token_is_128_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_urlsafe", str)
    assert new_token() == "16"
    monkeypatch.undo()
    assert len(base64.urlsafe_b64decode(new_token() + "==")) == 16
