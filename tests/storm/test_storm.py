"""A small storm: nodes and the server are killed, stopped and filled up while files come and go."""

import os
from pathlib import Path

import pytest

from tests.storm.campaign import Plan, coast, tell
from tests.storm.clients import MIB
from tests.storm.tally import Sent, Tally
from tests.storm.weather import KINDS, Climate

SMALL = Plan("7", 24, 0.0, 3, 2 * MIB, Climate(every=3, away=0.3, still=0.3, few=1))


@pytest.mark.skipif("CARGO_STORM" not in os.environ, reason="`make storm` runs it")
def test_nothing_is_lost_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    with coast(tmp_path, SMALL.nodes) as place:
        tally, _ = tell(place, SMALL)
    assert not tally.wrong, f"{tally}"
    assert tally.operations >= SMALL.transfers
    assert (tally.missing, tally.contents > 10) == (0, True)
    assert tally.events.keys() == KINDS.keys(), f"{tally}"


def test_the_table_says_what_was_sent_again() -> None:
    tally = Tally()
    tally.count("HTTP", content=10 * MIB, sent=14 * MIB, refused=MIB, cut=MIB)
    assert tally.sent["HTTP"].again == 2 * MIB
    assert Sent(content=10, sent=10).again == 0
    tally.done("upload, HTTP", 1, MIB, 7.25)
    tally.must_not("a file is lost")
    lines = str(tally).splitlines()
    assert any(line.startswith("upload, HTTP   ") and " 7.2s at " in line for line in lines)
    assert (
        "HTTP                                   10.0     14.0      1.0      1.0      2.0" in lines
    )
    assert lines[-2] == "WRONG: a file is lost" and lines[-1].endswith("1 wrong")
