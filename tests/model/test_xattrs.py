"""Which extended attributes travel, and what is taken from another side."""

import pytest

from cargo_sync.model.xattrs import MOST, decoded, encoded, may_travel


@pytest.mark.parametrize(
    ("name", "travels"),
    [
        ("user.tag", True),
        ("user.é", True),
        ("user." + "x" * 250, True),
        ("user." + "x" * 251, False),
        ("user.", False),
        ("User.tag", False),
        ("security.capability", False),
        ("system.posix_acl_access", False),
        ("trusted.x", False),
        ("user.a\nb", False),
        ("user.a\0b", False),
        ("user.\udc80", False),
    ],
)
def test_those_of_the_owner_with_a_printable_name_travel(name: str, travels: bool) -> None:
    assert may_travel(name) is travels


def test_what_is_encoded_is_decoded() -> None:
    xattrs = {"user.a": bytes(range(256)), "user.empty": b""}
    assert decoded(encoded(xattrs)) == xattrs
    most = {"user.a": bytes(MOST - 6)}
    assert decoded(encoded(most)) == most


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "user.a",
        {"security.capability": "AAAA"},
        {"user.a": "no base64!"},
        {"user.a": "AAA"},
        {"user.a": "é"},
        {"user.a": 5},
        {5: "AAAA"},
        encoded({"user.a": bytes(MOST - 5)}),
        encoded({f"user.{n}": bytes(1024) for n in range(MOST // 1024)}),
    ],
)
def test_nothing_else_is_taken(value: object) -> None:
    with pytest.raises(ValueError):
        decoded(value)
