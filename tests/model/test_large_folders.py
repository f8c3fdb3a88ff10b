"""A large folder is cut at the same names, whatever else is in it."""

from cargo_sync.model.large_folders import LONG, LONGEST, SIZE, cuts

NAMES = sorted(f"file-{number:06d}.dat" for number in range(20_000))


def firsts(names: list[str]) -> list[str]:
    return [names[at] for at in cuts(names)]


def lengths(names: list[str]) -> list[int]:
    starts = cuts(names)
    return [end - start for start, end in zip(starts, [*starts[1:], len(names)], strict=True)]


def test_parts_have_about_a_thousand_names() -> None:
    assert cuts([]) == cuts(["a"]) == [0]
    assert len(NAMES) / SIZE / 2 < len(lengths(NAMES)) < len(NAMES) / SIZE * 2
    assert max(lengths(NAMES)) < LONG + SIZE


def test_what_comes_and_goes_elsewhere_changes_no_part() -> None:
    before = firsts(NAMES)
    fewer = [name for name in NAMES if not name.startswith("file-007") or name in before]
    assert firsts(fewer)[1:] == before[1:]


def without_beginners(names: list[str]) -> list[str]:
    """Those of `names` at which not even a part that is long already ends."""
    found, left = [], names
    while left:
        some = left[:100]
        beginners = [at - LONG for at in cuts([NAMES[0]] * LONG + some)[1:]]
        at = min(beginners, default=len(some))
        found += some[:at]
        left = left[at + 1 if beginners else at :]
    return found


def test_without_names_that_begin_parts_a_part_has_its_most() -> None:
    some = NAMES[: 3 * LONGEST]
    chosen = without_beginners(some)
    assert len(some) > len(chosen) > 2 * LONGEST
    assert lengths(chosen)[:2] == [LONGEST, LONGEST]


def test_no_part_begins_with_a_name_that_is_not_utf_8() -> None:
    names = [f"{number:05}\udcff" for number in range(2 * LONGEST)]
    assert cuts(names) == [0]
    assert cuts([*names, "z"]) == [0, len(names)]
