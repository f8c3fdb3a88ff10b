"""A workspace moves into a bucket of a real S3 server and back while jobs use it, with kills."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.processes import USER, Place, tree
from tests.remotes.remotes import Remotes

FILES = 30
MIB = 2**20


def begun(place: Place) -> int:
    """How many objects in buckets are begun."""
    with closing(sqlite3.connect(place.folder / "server/state.db")) as state:
        return int(state.execute("SELECT count(*) FROM bucket_object").fetchone()[0])


def staged(folder: Path) -> int:
    """How many large files have come into a new folder, with a name or not yet."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return sum(path.exists() and path.stat().st_size >= MIB for path in found)


def said(place: Place, words: str) -> bool:
    return words in (place.folder / "migrate.log").read_text()


@pytest.mark.skipif("CARGO_TEST_STATE" not in os.environ, reason="`make cluster` runs it")
def test_a_workspace_moves_while_jobs_use_it_and_the_move_is_killed(
    place: Place, remotes: Remotes
) -> None:
    far = remotes.get("rclone-s3")
    archive, back = place.folder / "archive", place.folder / "back"
    archive.mkdir()
    settings = json.loads((place.folder / "server.json").read_text())
    shared = {"name": "shared", "path": str(archive), "grants": {USER: "rw"}}
    server = place.write("server.json", settings | {"workspaces": [shared]})
    store = {"address": f"{far.place().url}/cargo", "username": far.login.user}
    bucket = place.write("bucket.json", {"s3": store | {"password": far.login.password}})
    up = place.job("up", workspace="shared", delete="propagate", guard=False)
    down = place.job("down", "download", workspace="shared", delete="propagate", guard=False)
    for number in range(FILES):
        (up / f"{number}.bin").write_bytes(os.urandom(MIB + number))
    place.start("server")
    place.start("daemon")
    place.until(lambda: tree(down) == tree(up), "all is there")

    def move(to: str) -> None:
        place.begin("migrate", "migrate", "shared", "--to", to, "--yes", "--config", server)

    def moved(to: str, name: str) -> None:
        """It is killed, goes on, and ends when the server is stopped; a file comes meanwhile."""
        (place.folder / "migrate.log").write_text("")
        move(to)
        some = (lambda: begun(place)) if to == bucket else (lambda: staged(back))
        place.until(some, "some of it has moved")
        place.kill("migrate")
        assert not said(place, "stop the server"), "and not all of it"
        (up / f"{name}.txt").write_bytes(b"while it moves")
        (up / "1.bin").write_bytes(name.encode())
        (up / f"{len(name)}.bin").rename(up / f"{name}.bin")
        move(to)
        place.until(lambda: said(place, "stop the server"), "most of it has moved")
        place.until(lambda: tree(down) == tree(up), "jobs go on meanwhile")
        place.stop("server")
        assert place.ended("migrate") == 0, (place.folder / "migrate.log").read_text()

    before = len(place.events("uploaded"))
    moved(bucket, "there")
    assert '"store": {"s3":' in Path(server).read_text()
    place.start("server")
    (up / "after.txt").write_bytes(b"after it has moved")
    place.until(lambda: tree(down) == tree(up), "jobs go on afterwards")
    moved(str(back), "back")
    assert tree(back) == tree(up)
    told = set(place.events("uploaded")[before:])
    own = {"there.txt", "back.txt", "after.txt", "1.bin", "there.bin", "back.bin"}
    assert told <= own, "nothing else was sent again"
