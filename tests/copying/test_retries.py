"""Which files of a get or put are tried again, how often, and in which order."""

import pytest

from cargo_sync.copying import retries
from cargo_sync.copying.retries import COPY_RETRIES, TRIES, FolderRetries, RetryRounds
from cargo_sync.model.problems import Code, Problem

BUSY = Problem(Code.BUSY, "busy")


@pytest.mark.parametrize("code", [Code.CHANGED, Code.DISK_FULL, Code.UNREADABLE, Code.CORRUPT])
def test_only_what_may_be_at_rest_soon_is_tried_again(code: Code) -> None:
    assert RetryRounds().add("a", 0, Problem(code, "why")) is (code in COPY_RETRIES)


def test_a_file_is_tried_a_few_times() -> None:
    rounds = RetryRounds()
    tries = 0
    while rounds.add("a", tries, BUSY):
        rounds.begin_round()
        tries = rounds.take("a")
    assert tries == TRIES - 1
    assert rounds.wait(0.0) is None


def test_the_wait_grows_with_the_tries() -> None:
    rounds = RetryRounds()
    assert rounds.wait(0.0) is None
    rounds.add("a", 0, BUSY)
    first = rounds.wait(0.0)
    rounds.add("b", 1, BUSY)
    second = rounds.wait(0.0)
    assert first is not None
    assert second == 2 * first


def test_no_more_than_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "MOST_FILES", 2)
    rounds = RetryRounds()
    assert [rounds.add(path, 0, BUSY) for path in "abc"] == [True, True, False]


def test_a_round_goes_folder_by_folder_and_a_cut_loses_nothing_of_it() -> None:
    rounds = RetryRounds()
    for path in ("d/b", "b", "d/a", "d/c", "a"):
        rounds.add(path, 0, BUSY)
    assert rounds.some(9) is None, "it belongs to the next round"
    rounds.begin_round()
    assert rounds.some(9) == FolderRetries("", ["a", "b"])
    assert (rounds.take("a"), rounds.take("b")) == (1, 1)
    assert rounds.some(2) == FolderRetries("d", ["a", "b"])
    rounds.take("d/a")
    rounds.resume({"e": 2})
    rounds.begin_round()
    found = []
    while some := rounds.some(9):
        for name in some.names:
            path = f"{some.folder}/{name}".lstrip("/")
            found.append((path, rounds.take(path)))
    assert found == [("d/b", 1), ("d/c", 1), ("e", 2)]
