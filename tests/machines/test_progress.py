from cargo_sync.machines.progress import LEAST, REMEMBERED, TryProgress


def test_a_try_that_begins_further_on_shows_progress() -> None:
    parts = TryProgress()
    begins = [{}, {"a": LEAST}, {"a": LEAST}, {"a": 2 * LEAST - 1}, {"a": 3 * LEAST}, {}]
    assert [parts.further(has) for has in begins] == [False, True, False, False, True, False]


def test_it_counts_all_files_and_a_try_that_begins_nowhere_forgets_nothing() -> None:
    parts = TryProgress()
    parts.further({"a": LEAST})
    assert not parts.further({})
    assert not parts.further({"a": LEAST})
    assert parts.further({"a": LEAST + LEAST // 2, "b": LEAST // 2})


def test_it_remembers_the_last_files() -> None:
    parts = TryProgress()
    parts.further({str(number): LEAST for number in range(REMEMBERED)})
    assert not parts.further({"0": LEAST})
    parts.further({"new": LEAST})
    assert not parts.further({"0": LEAST})
    assert parts.further({"1": LEAST}), "the one that was not seen for longest is forgotten"
