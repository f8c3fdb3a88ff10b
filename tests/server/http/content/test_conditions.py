"""Conditions and ranges, as tables: headers in, decision out."""

import pytest
from multidict import CIMultiDict

from cargo_sync.server.http.content.conditions import ByteRange, Conditions, etag, wanted_part

HERE = '"e-7"'


def test_a_tag_names_the_life_and_the_version() -> None:
    assert etag("0123456789abcdef0123456789abcdef", 7) == '"0123456789abcdef-7"'


def headers(**lines: str | list[str] | None) -> CIMultiDict[str]:
    given: CIMultiDict[str] = CIMultiDict()
    for name, values in lines.items():
        for value in [values] if isinstance(values, str) else values or []:
            given.add(name.replace("_", "-"), value)
    return given


Lines = str | list[str] | None


@pytest.mark.parametrize(
    ("match", "none_match", "there", "verdict"),
    [
        (None, None, HERE, "go"),
        (None, None, None, "go"),
        ('"e-7"', None, HERE, "go"),
        ('"e-6"', None, HERE, "stale"),
        ('"e-6", "e-7"', None, HERE, "go"),
        (' , "e-6" ,, "e-7",', None, HERE, "go"),
        (['"e-6"', '"e-7"'], None, HERE, "go"),
        ('W/"e-7"', None, HERE, "stale"),
        ("*", None, HERE, "go"),
        ("*", None, None, "stale"),
        ('"e-7"', None, None, "stale"),
        (None, "*", HERE, "same"),
        (None, "*", None, "go"),
        (None, '"e-7"', HERE, "same"),
        (None, 'W/"e-7"', HERE, "same"),
        (None, '"e-6"', HERE, "go"),
        (None, '"e-6",W/"e-7"', HERE, "same"),
        (None, ['"e-6"', '"e-5", "e-7"'], HERE, "same"),
        ('"e-6"', '"e-7"', HERE, "stale"),
    ],
)
def test_conditions(match: Lines, none_match: Lines, there: str | None, verdict: str) -> None:
    given = headers(If_Match=match, If_None_Match=none_match)
    assert Conditions.of(given).verdict(there, 0) == verdict


@pytest.mark.parametrize("name", ["If_Match", "If_None_Match"])
@pytest.mark.parametrize(
    "lines",
    ["", ",", "rubbish", "e-7", '"e-7', '"e-7" rubbish', '"e-7" "e-6"', '*, "e-7"', ["*", "*"]],
)
def test_a_condition_that_cannot_be_read_is_not_ignored(name: str, lines: Lines) -> None:
    with pytest.raises(ValueError, match="must be \\* or ETags in double quotes"):
        Conditions.of(headers(**{name: lines}))


DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
SECONDS = 1_700_000_000


def test_a_date_says_only_that_a_file_was_modified() -> None:
    since = Conditions.of(headers(If_Unmodified_Since=DATE))
    assert since.verdict(HERE, SECONDS) == "go"
    assert since.verdict(HERE, SECONDS + 1) == "stale"
    assert since.verdict(None, 0) == "go"
    for form in ("Tuesday, 14-Nov-23 22:13:20 GMT", "Tue Nov 14 22:13:20 2023"):
        assert Conditions.of(headers(If_Unmodified_Since=form)) == since
    beside_a_tag = Conditions.of(headers(If_Unmodified_Since=DATE, If_Match=HERE))
    assert beside_a_tag.verdict(HERE, SECONDS + 1) == "go"
    for wrong in ("yesterday", "", [DATE, DATE]):
        with pytest.raises(ValueError, match="must be one HTTP date"):
            Conditions.of(headers(If_Unmodified_Since=wrong))


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
    assert wanted_part(headers(Range=asked), HERE, 10) == part


def test_nothing_of_an_empty_file_can_be_asked_for() -> None:
    assert wanted_part(headers(Range="bytes=0-"), HERE, 0) == "none"
    assert wanted_part(headers(), HERE, 0) == "all"


def test_a_part_of_another_version_is_not_given() -> None:
    for other in ('"e-6"', DATE, [HERE, HERE]):
        assert wanted_part(headers(Range="bytes=2-4", If_Range=other), HERE, 10) == "all"
    assert wanted_part(headers(Range="bytes=2-4", If_Range=HERE), HERE, 10) == ByteRange(2, 5)


def test_two_lines_with_ranges_are_two_ranges() -> None:
    assert wanted_part(headers(Range=["bytes=0-1", "bytes=4-5"]), HERE, 10) == "all"
