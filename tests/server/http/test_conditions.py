"""Conditions and ranges, as tables: headers in, decision out."""

import pytest

from cargo_sync.server.http.conditions import ByteRange, Conditions, etag, wanted_part

HERE = '"e-7"'


def test_a_tag_names_the_life_and_the_version() -> None:
    assert etag("0123456789abcdef0123456789abcdef", 7) == '"0123456789abcdef-7"'


@pytest.mark.parametrize(
    ("match", "none_match", "there", "verdict"),
    [
        (None, None, HERE, "go"),
        (None, None, None, "go"),
        ('"e-7"', None, HERE, "go"),
        ('"e-6"', None, HERE, "stale"),
        ('"e-6", "e-7"', None, HERE, "go"),
        ('W/"e-7"', None, HERE, "stale"),
        ("*", None, HERE, "go"),
        ("*", None, None, "stale"),
        ('"e-7"', None, None, "stale"),
        ("rubbish", None, HERE, "stale"),
        (None, "*", HERE, "same"),
        (None, "*", None, "go"),
        (None, '"e-7"', HERE, "same"),
        (None, 'W/"e-7"', HERE, "same"),
        (None, '"e-6"', HERE, "go"),
        ('"e-6"', '"e-7"', HERE, "stale"),
    ],
)
def test_conditions(
    match: str | None, none_match: str | None, there: str | None, verdict: str
) -> None:
    given = {"If-Match": match, "If-None-Match": none_match}
    assert (
        Conditions.of({name: text for name, text in given.items() if text is not None}).verdict(
            there
        )
        == verdict
    )


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=2-4", ByteRange(2, 5)),
        ("bytes=4-", ByteRange(4, 10)),
        ("bytes=-3", ByteRange(7, 10)),
        ("bytes=-30", ByteRange(0, 10)),
        ("bytes=8-99", ByteRange(8, 10)),
        ("BYTES = 1 - 2", ByteRange(1, 3)),
        ("bytes=10-", "none"),
        ("bytes=-0", "none"),
        ("bytes=99-100", "none"),
        ("bytes=5-4", "all"),
        ("bytes=-", "all"),
        ("bytes=0-1,4-5", "all"),
        ("lines=1-2", "all"),
        ("bytes=" + "9" * 40 + "-", "all"),
    ],
)
def test_ranges_of_ten_bytes(asked: str, part: object) -> None:
    assert wanted_part({"Range": asked}, HERE, 10) == part


def test_nothing_of_an_empty_file_can_be_asked_for() -> None:
    assert wanted_part({"Range": "bytes=0-"}, HERE, 0) == "none"
    assert wanted_part({}, HERE, 0) == "all"


def test_a_part_of_another_version_is_not_given() -> None:
    assert wanted_part({"Range": "bytes=2-4", "If-Range": '"e-6"'}, HERE, 10) == "all"
    assert wanted_part({"Range": "bytes=2-4", "If-Range": HERE}, HERE, 10) == ByteRange(2, 5)
