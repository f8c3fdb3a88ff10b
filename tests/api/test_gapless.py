"""Gaps of the feed, closed by cursor: a history in, rows and notices out."""

from collections.abc import Iterator
from typing import Any, cast

from cargo_sync.api.client import Client
from cargo_sync.api.gapless import Gapless
from cargo_sync.api.messages import FeedMessage


class History:
    """A daemon's events, in pages of two; every row is named by its cursor."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.oldest = 1
        self.asked = 0
        self._seqs: dict[str, int] = {}
        self.epoch = "e1"

    def happens(self, job: str, count: int, missed: int = 0) -> FeedMessage:
        """Rows, and the notice that tells of them."""
        self.rows += [{"cursor": len(self.rows) + n + 1, "job": job} for n in range(count)]
        seq = self._seqs[job] = self._seqs.get(job, 0) + 1
        fields = {"job": job, "kind": "uploaded", "count": count}
        return FeedMessage(
            f"notice/{job}/", "notice", self.epoch, seq, 0.0, fields, len(self.rows), missed=missed
        )

    def call(self, cmd: str, args: dict[str, Any]) -> dict[str, Any]:
        assert cmd == "history"
        self.asked += 1
        if "since" not in args:
            return {"next": len(self.rows)}
        since, job = args["since"], args.get("job")
        found = [
            row for row in self.rows
            if row["cursor"] > max(since, self.oldest - 1) and job in (None, row["job"])
        ][:2]  # fmt: skip
        more = len(found) == 2
        after = found[-1]["cursor"] if more else len(self.rows)
        return {"rows": found, "next": after, "more": more, "oldest": self.oldest}


def gapless(history: History, since: int | None = None) -> Gapless:
    return Gapless(cast(Client, history), since)


def told(items: Iterator[dict[str, Any] | FeedMessage]) -> list[int | str]:
    """Single rows as their cursors, notices as first-last."""
    said: list[int | str] = []
    for item in items:
        if isinstance(item, FeedMessage):
            assert item.cursor is not None
            said.append(f"{item.cursor - item.fields['count'] + 1}-{item.cursor}")
        else:
            said.append(item["cursor"])
    return said


def test_without_a_gap_notices_are_told_as_they_come() -> None:
    history = History()
    following = gapless(history)
    assert told(following.take(history.happens("a", 2))) == ["1-2"]
    before = history.asked
    assert told(following.take(history.happens("a", 3))) == ["3-5"]
    assert history.asked == before


def test_a_gap_is_closed_before_the_notice_that_shows_it() -> None:
    history = History()
    following = gapless(history)
    assert told(following.take(history.happens("a", 1))) == ["1-1"]
    history.happens("a", 5)
    history.happens("b", 2)
    history.happens("a", 1)
    assert told(following.take(history.happens("a", 2, missed=2))) == [2, 3, 4, 5, 6, 9, "10-11"]
    assert told(following.take(history.happens("a", 1))) == ["12-12"]
    assert following.lost == 0


def test_another_epoch_is_a_gap_too() -> None:
    history = History()
    following = gapless(history)
    assert told(following.take(history.happens("a", 1))) == ["1-1"]
    history.happens("a", 2)
    history.epoch = "e2"
    assert told(following.take(history.happens("a", 1))) == [2, 3, "4-4"]


def test_what_was_told_is_not_told_again() -> None:
    history = History()
    old = history.happens("a", 3)
    following = gapless(history)
    assert told(following.take(old)) == [], "from now on"
    assert told(gapless(history, 0).take(old)) == ["1-3"]
    assert told(gapless(history, 2).take(old)) == [3], "of a notice that is known in part its rows"
    new = history.happens("a", 1)
    assert told(following.take(new)) == ["4-4"]
    assert told(following.take(new)) == []
    other = FeedMessage("job/a/status", "status", "e1", 9, 0.0, {"state": "synced"}, missed=3)
    assert told(following.take(other)) == []


def test_catching_up_tells_the_rest_of_all_jobs() -> None:
    history = History()
    following = gapless(history)
    following_a = told(following.take(history.happens("a", 1)))
    history.happens("b", 1)
    history.happens("a", 2)
    assert following_a == ["1-1"]
    assert told(following.catch_up()) == [2, 3, 4]
    assert told(following.catch_up()) == []
    assert told(following.take(history.happens("b", 1))) == ["5-5"]


def test_what_is_not_kept_any_more_is_counted() -> None:
    history = History()
    following = gapless(history)
    history.happens("a", 10)
    history.oldest = 8
    assert told(following.take(history.happens("a", 1, missed=1))) == [8, 9, 10, "11-11"]
    assert following.lost == 7
