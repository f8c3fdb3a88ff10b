"""One storm, from its beginning to its end, and what must be true then."""

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.storm.clients import MIB, HttpClient, JobClient, Turns
from tests.storm.coast import CALM, COPIES, Coast
from tests.storm.tally import Tally
from tests.storm.weather import KINDS, Climate, Weather


class Plan(NamedTuple):
    """A storm.

    transfers  uploads and downloads together
    seconds    over which they are spread
    nodes      storage nodes
    largest    bytes of the largest file
    """

    seed: str = "1"
    transfers: int = 1_000
    seconds: float = 600.0
    nodes: int = 4
    largest: int = 24 * MIB
    climate: Climate = Climate()


class Crew(NamedTuple):
    """The clients."""

    http: list[HttpClient]
    jobs: JobClient

    def under_way(self) -> int:
        return self.jobs.under_way + sum(one.under_way for one in self.http)


@contextmanager
def coast(folder: Path, nodes: int) -> Iterator[Coast]:
    """The programs, which run."""
    found = Coast(folder, nodes)
    try:
        found.set_up()
        yield found
    finally:
        found.close()


def tell(place: Coast, plan: Plan) -> tuple[Tally, Crew]:
    """Tells a storm, and looks at what is left of it."""
    tally = Tally()
    http = [
        HttpClient(f"http{number}", place, tally, plan.seed, plan.largest) for number in range(2)
    ]
    crew = Crew(http, JobClient(place, tally, plan.seed, plan.largest))
    before = place.proxy.sent

    def cut() -> None:
        tally.count("jobs", cut=crew.jobs.under_way)

    weather = Weather(place, tally, plan.seed, plan.climate, crew.under_way, cut)
    turns = Turns(plan.transfers, plan.seconds, lambda: tally.events.keys() >= KINDS.keys())
    began = time.monotonic()
    runs = [crew.jobs.run, *(one.run for one in crew.http)]
    threads = [_thread(tally, run, turns) for run in runs]
    storm = _thread(tally, weather.run, turns, lambda: not any(one.is_alive() for one in threads))
    for one in (*threads, storm):
        one.join()
    tally.seconds = time.monotonic() - began
    tally.count("jobs", sent=place.proxy.sent - before)
    _look_back(place, tally, crew)
    return tally, crew


def _thread(tally: Tally, work: Callable[..., None], *args: Any) -> threading.Thread:
    def run() -> None:
        try:
            work(*args)
        except BaseException as error:
            tally.must_not(f"{type(error).__name__}: {error}")
            raise

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _look_back(place: Coast, tally: Tally, crew: Crew) -> None:
    """What must be true when all nodes are back."""
    began = time.monotonic()
    place.until(place.is_well, f"all is well again: {place.listed()}", CALM)
    tally.repair_seconds = time.monotonic() - began
    tally.missing = place.missing()["copies"]
    ever = set(crew.jobs.kept.values()).union(*(one.ever for one in crew.http))
    tally.contents = len(ever)
    copies = place.copies()
    for one in ever:
        if (found := copies.get(one.hash, 0)) < COPIES:
            tally.must_not(f"the content {one.hash} ({one.size} bytes) has {found} copies")
    for client in crew.http:
        client.check(client.kept)
    crew.http[0].check(crew.jobs.kept)
    for name, sent in tally.sent.items():
        if sent.again > 0:
            tally.must_not(f"{name}: {sent.again:,} bytes were sent again: {sent}")
    with closing(sqlite3.connect(place.folder / "daemon" / "state.db")) as database:
        rows = database.execute(
            "SELECT path, count(*) FROM event WHERE happened = 'uploaded' GROUP BY path"
        )
        for path, times in rows:
            if times > 1:
                tally.must_not(f"{path} was uploaded {times} times")
        rows = database.execute(
            "SELECT json_extract(details, '$.message') FROM event WHERE happened = 'failed'"
        )
        for [message] in rows.fetchall():
            tally.failed(f"job: {re.sub('[0-9.]+:[0-9]+', '…', message)[:50]}")
    for line in place.errors():
        tally.must_not(line)
