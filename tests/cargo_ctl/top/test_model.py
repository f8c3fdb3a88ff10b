"""Keys, questions and the selection of `cargo_ctl top`."""

from typing import Any

import pytest
from rich.cells import cell_len

from cargo_ctl.top.model import Order, TopModel
from cargo_ctl.top.picture import picture
from cargo_sync.api import topics
from cargo_sync.api.messages import FeedMessage
from tests.cargo_ctl.answers import FEED
from tests.cargo_ctl.examples import NOW
from tests.cargo_ctl.test_hostile import LONE, UNSAFE, messages

STATES = {"a": "synced", "b": "held", "c": "syncing", "d": "error", "e": "paused"}


def status(name: str, state: str, **fields: Any) -> FeedMessage:
    told = {"job": name, "state": state, "detail": "", "errors": 0, "next_at": None} | fields
    return FeedMessage(topics.job_status(name), "status", "e", 1, NOW, told)


def model(**states: str) -> TopModel:
    made = TopModel()
    for name, state in (states or STATES).items():
        made.take(status(name, state))
    made.settle(10)
    return made


def text(made: TopModel, height: int = 20, width: int = 100) -> list[str]:
    lines = picture(made, NOW, height, width)
    assert len(lines) == height
    shown = ["".join(part for _, part in line) for line in lines]
    assert all(cell_len(line) <= width for line in shown), shown
    return shown


def test_what_needs_a_person_is_first_and_the_selection_stays_at_its_job() -> None:
    made = model()
    assert list(made.names) == ["d", "b", "c", "e", "a"] and made.selected == "d"
    made.move(1)
    assert made.selected == "b"
    made.take(status("d", "synced"))
    made.take(status("a", "error"))
    made.settle(10)
    assert list(made.names) == ["a", "b", "c", "e", "d"] and made.selected == "b"
    made.take(status("b", "removed"))
    made.settle(10)
    assert made.selected == "a", "the line where it was"
    made.move(-5)
    assert made.selected == "a"
    made.move(10**9)
    assert made.selected == "d"


def test_a_long_list_scrolls() -> None:
    made = model(**{f"job{number:03}": "synced" for number in range(100)})
    made.move(50)
    made.settle(10)
    assert (made.selected, made.top) == ("job050", 41)
    made.move(-3)
    made.settle(10)
    assert (made.selected, made.top) == ("job047", 41), "it scrolls only as far as it must"
    made.settle(200)
    assert made.top == 0
    lines = text(made, 16)
    assert any("job047" in line for line in lines)
    empty = TopModel()
    empty.settle(5)
    empty.move(1)
    assert (empty.selected, empty.key("p"), empty.said) == (None, (), "there is no job")


@pytest.mark.parametrize(
    ("job", "key", "orders"),
    [
        ("a", "p", [Order("job.pause", {"job": "a"})]),
        ("e", "p", [Order("job.start", {"job": "e"})]),
        ("a", "s", [Order("job.sync", {"job": "a"})]),
        ("b", "a", [Order("job.show", {"job": "b"}, "approve")]),
        ("d", "a", [Order("job.show", {"job": "d"}, "approve")]),
        ("a", "a", []),
    ],
)
def test_keys(job: str, key: str, orders: list[Order]) -> None:
    made = model()
    made.selected = job
    assert list(made.key(key)) == orders
    assert made.said == ("" if orders else "a holds nothing")


@pytest.mark.parametrize(
    ("typed", "speed"), [("10mbps", "10mbps"), (" none ", "none"), ("reset", None)]
)
def test_a_speed_is_typed(typed: str, speed: str | None) -> None:
    made = model(a="synced")
    assert made.key("l") == () and made.question is not None
    made.write("x")
    made.erase()
    for letter in typed:
        made.write(letter)
    assert "its highest speed" in text(made)[-1] and typed.strip() in text(made)[-1]
    assert made.answer() == (Order("job.speed", {"job": "a", "speed": speed}),)
    assert made.question is None and made.typed == ""
    made.key("l")
    made.write("5")
    made.leave()
    assert made.question is None and made.answer() == ()


HELD = {"ids": ["5f", "6a"], "first": ["x", "y", "z", "w"], "message": "120 deletions wait"}


def test_exactly_what_was_shown_is_approved() -> None:
    made = model(a="held")
    [order] = made.key("a")
    made.done(order, {"name": "a", "state": "held", "held": HELD})
    assert "120 deletions wait" in text(made)
    assert text(made)[-1] == "a: let exactly this pass? y or n: ▏"
    made.write("y")
    assert made.answer() == [
        Order("job.approve", {"job": "a", "held": "5f"}),
        Order("job.approve", {"job": "a", "held": "6a"}),
    ]
    for typed in ("n", "", "yellow"):
        made.done(order, {"name": "a", "state": "held", "held": HELD})
        made.write(typed)
        assert made.answer() == ()
    fence = {"name": "a", "state": "held", "held": None, "detail": "the server was restored"}
    made.done(order, fence)
    assert "the server was restored" in text(made) and "a: approve it?" in text(made)[-1]
    made.write("yes")
    assert made.answer() == (Order("job.approve", {"job": "a"}),)
    made.done(order, {"name": "a", "state": "synced", "held": None, "errors": 0})
    assert made.question is None and made.said == "a holds nothing any more"


def test_answers_are_said() -> None:
    made = model(a="synced")
    made.done(Order("job.pause", {"job": "a"}), {})
    assert text(made)[-1] == "a: paused"
    made.refused("no such speed", "10mbps")
    assert text(made)[-1] == "no such speed (10mbps)"
    made.key("s")
    assert "pause or start" in text(made)[-1], "the keys again"


def test_a_daemon_that_is_gone() -> None:
    made = model()
    made.key("l")
    made.lost("the daemon has ended")
    lines = text(made)
    assert lines[0].startswith("the daemon has ended") and made.question is None
    made.take(status("a", "synced"))
    assert made.selected in (None, "d")
    text(made)
    assert made.selected == "a"


@pytest.mark.parametrize("width", [1, 20, 40, 72, 200])
@pytest.mark.parametrize("height", [1, 3, 5, 12, 60])
def test_any_screen(width: int, height: int) -> None:
    made = TopModel()
    for message in messages(FEED):
        made.take(message)
    made.take(status("日本" * 40, "error", detail="é" * 300, next_at=NOW + 9))
    made.key("l")
    shown = text(made, height, width)
    made.leave()
    made.said = "x" * 300
    shown += text(made, height, width)
    assert not any(UNSAFE.search(line) for line in shown)


def test_hostile_names_are_text_and_states_are_no_styles() -> None:
    made = model(**{LONE: LONE})
    made.take(status(LONE, LONE, detail=LONE))
    shown = picture(made, NOW, 20, 400)
    for style, part in (fragment for line in shown for fragment in line):
        assert not UNSAFE.search(part) and "SPOOF" not in style
    made.done(Order("job.show", {"job": LONE}, "approve"), {
        "name": LONE, "held": {"ids": [LONE], "first": [LONE], "message": LONE},
    })  # fmt: skip
    assert not any(UNSAFE.search(line) for line in text(made, 20, 400))
    made.leave()
    made.refused(LONE, LONE)
    assert not any(UNSAFE.search(line) for line in text(made, 20, 400))
