"""What is said of the servers that share a state."""

from cargo_sync.cluster.membership import Reached
from cargo_sync.server.reporting.servers import warnings
from cargo_sync.state.servers import MemoryServerRows
from tests.cluster.servers import member
from tests.server.surroundings import Clock


async def test_what_a_person_should_look_at() -> None:
    rows, clock = MemoryServerRows(), Clock()
    a, b, c, d = (
        member(name, rows, clock, reached=Reached(fingerprint=print))
        for name, print in (("a", "ab"), ("b", "ab"), ("c", "cd"), ("d", "ab"))
    )
    await b.tick()
    await d.tick()
    await d.leave()  # in order: nobody needs to look
    await a.tick()
    clock.now += 3
    await c.tick()
    await a.tick()
    assert warnings(a) == [
        "the server b is away: does its program run?",
        "the server c has another certificate than this one: give all servers the same files in "
        '"tls"',
    ]
