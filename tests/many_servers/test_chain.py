"""What judges a trial: it sees each way in which something could be lost."""

import pytest

from tests.many_servers.campaign import Result, table
from tests.many_servers.chain import Story, Version, wrong
from tests.many_servers.troubles import KILLED, REFUSED, RESTARTED, Climate, plan
from tests.many_servers.writers import Tally

TRIED = {
    "one": Version("a", ""),
    "two": Version("a", "one"),
    "three": Version("a", "two"),
    "late": Version("a", "one"),
}
WELL = Story(
    TRIED, ["one", "three"], {"a": ["one", "two", "three"]}, {"x": {"a": "three"}}, {"one", "two"}
)


def test_a_chain_is_well() -> None:
    """Also with a version whose answer was lost, and with one that was refused."""
    assert list(wrong(WELL)) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"history": {"a": ["one", "three"]}}, "a lost update"),
        ({"history": {"a": ["one", "two", "late", "three"]}}, "a lost update"),
        ({"history": {"a": ["one", "two"]}}, "three was acknowledged, and is not in the history"),
        ({"history": {"a": ["one", "two", "two", "three"]}}, "in the history twice"),
        ({"history": {"a": ["one", "two", "three", "foreign"]}}, "which nobody wrote"),
        ({"now": {"x": {"a": "three"}, "y": {"a": "two"}}}, "server y has two"),
        ({"now": {"x": {}}}, "server x has nothing"),
        ({"trash": {"two"}}, "one was replaced, and is not in the trash"),
    ],
)
def test_what_is_lost_is_seen(changed: dict[str, object], told: str) -> None:
    assert told in "\n".join(wrong(WELL._replace(**changed)))  # type: ignore[arg-type]


def test_troubles_are_spread_over_the_whole_time() -> None:
    made = plan(Climate(kills=3, restarts=1, away=0, outage=0), has_store=True)
    assert [(one.at, one.kind) for one in made] == [
        (0.25, KILLED), (0.5, RESTARTED), (0.5, KILLED), (0.5, REFUSED), (0.75, KILLED),
    ]  # fmt: skip


def test_the_table_says_what_is_wrong() -> None:
    tally = Tally()
    tally.acknowledged, tally.bytes = ["one"], 2**20
    lines = table(Result(tally, tally.told, 1, 1, 2.0, ["a: lost"], "a proxy")).splitlines()
    assert lines[-2:] == [
        "WRONG: a: lost",
        "servers: 1 writes acknowledged (1.0 MiB) in 2 s, the longest after 0.0 s; 1 versions in "
        "the history, 1 of them brought back; 1 wrong",
    ]
