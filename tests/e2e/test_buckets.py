"""A real server with a workspace in a bucket of a real S3 server."""

import json
import os
from typing import Any

import pytest

from tests.e2e.processes import USER, Place, tree
from tests.remotes.remotes import Remotes

BIG = 33 * 2**20
MANY = 100


def arrived(place: Place) -> int:
    """Bytes of the largest file that is being staged."""
    sizes = [0]
    for path in (place.folder / "server/bucket-spool").rglob("*"):
        try:
            sizes.append(path.stat().st_size if path.is_file() else 0)
        except FileNotFoundError:
            continue
    return max(sizes)


@pytest.mark.skipif("CARGO_TEST_STATE" not in os.environ, reason="`make cluster` runs it")
def test_a_tree_goes_into_a_bucket_and_back_also_after_a_kill(
    place: Place, remotes: Remotes
) -> None:
    far = remotes.get("rclone-s3")
    settings = json.loads((place.folder / "server.json").read_text())
    key = place.folder / "key"
    key.write_text(f"{far.login.password}\n")
    key.chmod(0o600)
    store = {"address": f"{far.place().url}/cargo", "username": far.login.user}
    shared = {"name": "shared", "store": {"s3": store | {"password_file": str(key)}}}
    place.write("server.json", settings | {"workspaces": [shared | {"grants": {USER: "rw"}}]})
    propagate: dict[str, Any] = {"delete": "propagate", "guard": False, "workspace": "shared"}
    up = place.job("up", **propagate, speed="100mbps")
    down = place.job("down", "download", **propagate)
    (up / "a b/é").mkdir(parents=True)
    for number in range(MANY):
        (up / "a b/é" / f"{number}.txt").write_bytes(os.urandom(1000 + number))
    (up / "empty").write_bytes(b"")
    (up / "middle").write_bytes(os.urandom(2 * 2**20 + 5))
    (up / "big").write_bytes(os.urandom(BIG))

    place.start("server")
    place.start("daemon")
    place.until(lambda: arrived(place) > BIG // 2, "the large file is under way")
    place.kill("server")
    place.start("server")
    place.until(lambda: tree(down) == tree(up), "all is there, and back")
    place.until_state("up", "synced")
    assert sorted(place.events("uploaded")) == sorted(tree(up)), "each was sent once"

    (up / "a b/é/0.txt").write_bytes(b"changed")
    (up / "a b/é/1.txt").unlink()
    place.stop("server")
    place.start("server")
    place.until(lambda: tree(down) == tree(up), "all changes are there, and back")
    place.until_state("up", "synced")
    told = place.run("cargo_ctl", "--server", "status", "--json")
    [bucket] = json.loads(told.stdout)["buckets"]
    assert (bucket["problem"], bucket["missing"]) == (None, 0)
