"""Whole jobs with real servers of other people: a daemon brings files there, and back."""

import os
from typing import Any

import pytest

from tests.e2e.processes import Place, tree
from tests.remotes.remotes import Remotes
from tests.remotes.server import Login

SERVERS = ("openssh", "rclone-s3")
BIG = 20 * 2**20
PROPAGATE: dict[str, Any] = {"delete": "propagate", "guard": False}


def fields_of(url: str, login: Login) -> dict[str, Any]:
    """The fields of a job file that name a place on a server."""
    return {
        "hostname": url,
        "username": login.user,
        "password": login.password or None,
        "key_file": str(login.key_file) if login.key_file is not None else None,
        "host_key": login.host_key,
        "ca_file": str(login.certificate) if login.certificate is not None else None,
    }


@pytest.mark.parametrize("name", SERVERS)
def test_a_tree_goes_there_and_back_also_after_a_kill(
    place: Place, remotes: Remotes, name: str
) -> None:
    server = remotes.get(name)
    fields = fields_of(server.place().url, server.login)
    up = place.job("up", **fields | PROPAGATE | {"speed": "60mbps"})
    down = place.job("down", "download", **fields | PROPAGATE)
    (up / "a b/é").mkdir(parents=True)
    (up / "none").mkdir()
    for number in range(20):
        (up / "a b/é" / f"{number}.txt").write_bytes(os.urandom(1000 + number))
    (up / "empty").write_bytes(b"")
    (up / "big").write_bytes(os.urandom(BIG))
    os.utime(up / "empty", (1_600_000_000, 1_600_000_000))

    place.start("daemon")
    place.until(lambda: place.uploads(), "a part is there")
    place.kill("daemon")
    place.start("daemon")
    place.until(lambda: tree(down) == tree(up), "all is there, and back")
    assert (down / "none").is_dir()
    place.until_state("up", "synced")
    told = place.events("uploaded")
    assert "big" in told and len(set(told)) == len(told), "nothing was sent twice"
    assert not place.uploads()

    (up / "a b/é/0.txt").write_bytes(b"changed")
    (up / "a b/é/1.txt").unlink()
    (up / "a b/é/2.txt").rename(up / "renamed")
    place.until(lambda: tree(down) == tree(up), "all changes are there, and back")
    assert place.shown("up")["state"] != "error"
