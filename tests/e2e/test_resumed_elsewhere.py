"""A job sends a large file to one of two servers with the same bucket, and goes on at the other."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.crash.proxy import Proxy
from tests.e2e.processes import PASSWORD, USER, Place
from tests.many_servers.fleet import WORKSPACE, Fleet
from tests.remotes.server import MissingError
from tests.remotes.servers import wanted

MIB = 2**20
SIZE = 64 * MIB
PART = 8 * MIB
RATE = "48mbps"
"""Six million bytes a second."""
FRAMES = SIZE // 64
"""What a lane needs beside the content."""
_REACH = """
SELECT coalesce(sum(length), 0)::bigint FROM object_part
WHERE object = (SELECT max(object) FROM object_upload)
"""
_HOLDER = "SELECT s.name FROM object_transfer AS t JOIN server AS s ON s.id = t.server"


class Trial:
    """Two servers, a proxy before the data port of each, and a daemon."""

    def __init__(self, place: Place, fleet: Fleet, last: ExitStack) -> None:
        self.place, self.fleet = place, fleet
        self.proxies: dict[str, Proxy] = {}
        for name, one in fleet.servers.items():
            file = fleet.folder / f"{name}.json"
            told = json.loads(file.read_text()) | {"public_ip": "127.0.0.2"}
            file.write_text(json.dumps(told))
            self.proxies[name] = Proxy(one.lanes)
            last.callback(self.proxies[name].close)
        fleet.start()
        self.local = place.job("up", hostname=fleet.url, workspace=WORKSPACE, speed=RATE)
        (self.local / "large").write_bytes(os.urandom(SIZE))
        place.start("daemon")

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.fleet.database) as connection:
            return connection.execute(sql).fetchall()

    def reach(self) -> int:
        """Bytes of the parts that are recorded of the newest upload."""
        [(found,)] = self.ask(_REACH)
        return int(str(found))

    def holder(self) -> str:
        [(name,)] = self.ask(_HOLDER)
        return str(name)


@pytest.fixture(params=wanted("rclone-s3", "ceph"))
def trial(request: pytest.FixtureRequest, place: Place, tmp_path: Path) -> Iterator[Trial]:
    (tmp_path / "fleet").mkdir()
    try:
        fleet = Fleet(tmp_path / "fleet", 2, request.param)
    except MissingError as missing:
        pytest.skip(str(missing))
    with fleet, ExitStack() as last:
        yield Trial(place, fleet, last)


def killed(trial: Trial, name: str) -> None:
    trial.fleet.kill(name)


def drained(trial: Trial, name: str) -> None:
    trial.fleet.call(name, "server.drain")


@pytest.mark.skipif("CARGO_TEST_STATE" not in os.environ, reason="`make cluster` runs it")
@pytest.mark.parametrize("ends", [killed, drained])
def test_the_other_server_goes_on(trial: Trial, ends: Callable[[Trial, str], None]) -> None:
    place, fleet = trial.place, trial.fleet
    place.until(lambda: trial.reach() >= 4 * PART, "a half of the file is recorded")
    first = trial.holder()
    [other] = {*fleet.servers} - {first}
    ends(trial, first)
    before = trial.proxies[first].sent
    reach = trial.reach()
    place.until_state("up", "synced")
    assert place.events("uploaded") == ["large"]
    again = trial.proxies[other].sent
    told = f"{before} to {first}, {reach} recorded in parts, {again} to {other}"
    assert again <= SIZE - reach + FRAMES, f"{told}: nothing is sent again that was recorded"
    if ends is drained:
        assert trial.proxies[first].sent + again <= SIZE + 2 * FRAMES, (
            f"{told}: nothing is sent twice"
        )
    assert (
        content(f"http://127.0.0.1:{fleet.servers[other].api}/v1")
        == (trial.local / "large").read_bytes()
    )


def content(api: str) -> bytes:
    """The file, as a server gives it."""
    login = json.dumps({"username": USER, "password": PASSWORD}).encode()
    with urlopen(Request(f"{api}/login", login)) as answer:
        token = json.load(answer)["token"]
    headers = {"Authorization": f"Bearer {token}"}
    with urlopen(Request(f"{api}/files/{WORKSPACE}/large", headers=headers)) as answer:
        found: bytes = answer.read()
    return found
