"""Whole jobs with real servers of other people: a daemon brings files there, and back."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import Place, tree
from tests.remotes.remotes import Remotes
from tests.remotes.server import Login
from tests.remotes.server import Place as Remote
from tests.remotes.servers import ALL

SERVERS = ("openssh", "vsftpd", "rclone-s3", "rclone-webdav", "pydio-like")
ALWAYS = {"openssh", "rclone-s3"}
WITHOUT_TIMES = {"pydio-like"}
WITHOUT_RESUMING = {"rclone-webdav"}
STAGING = ".cargo_sync/staging"
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


def staged(there: Remote) -> int:
    """Bytes of the largest file that is under way, on a server without uploads that go on."""
    largest = 0
    for one in (there.stored / STAGING).glob("*") if there.stored is not None else ():
        with suppress(FileNotFoundError):  # small files come and go meanwhile
            largest = max(largest, one.stat().st_size)
    return largest


@pytest.mark.parametrize("name", SERVERS)
def test_a_tree_goes_there_and_back_also_after_a_kill(
    place: Place, remotes: Remotes, name: str
) -> None:
    if not ALL and name not in ALWAYS:
        pytest.skip("`make remotes` runs it")
    server = remotes.get(name)
    there = server.place()
    fields = fields_of(there.url, server.login)
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
    if name in WITHOUT_RESUMING:
        place.until(lambda: staged(there) > 2**20, "a part is under way")
    else:
        place.until(place.uploads, "a part is there")
    place.kill("daemon")
    place.start("daemon")
    place.until(lambda: tree(down) == tree(up), "all is there, and back")
    assert (down / "none").is_dir()
    assert name in WITHOUT_TIMES or (down / "empty").stat().st_mtime == 1_600_000_000
    place.until_state("up", "synced")
    told = place.events("uploaded")
    assert "big" in told and len(set(told)) == len(told), "nothing was sent twice"
    assert not place.uploads()

    (up / "a b/é/0.txt").write_bytes(b"changed")
    (up / "a b/é/1.txt").unlink()
    (up / "a b/é/2.txt").rename(up / "renamed")
    place.until(lambda: tree(down) == tree(up), "all changes are there, and back")
    assert place.shown("up")["state"] != "error"
    lacks = place.shown("up")["lacks"]
    assert any("is looked at before it is replaced" in one for one in lacks), lacks


def test_a_tree_goes_to_a_cloud_and_back(place: Place, tmp_path: Path) -> None:
    pytest.importorskip("opendal", reason="the extra [cloud] is not installed")
    far = tmp_path / "far"
    fields = {"hostname": f"cloud+fs://{far}", "username": "ana", "password": None} | PROPAGATE
    fields["sleep"] = 0.1
    up = place.job("up", **fields)
    down = place.job("down", "download", **fields)
    (up / "a b" / "é").mkdir(parents=True)
    (up / "none").mkdir()
    for number in range(5):
        (up / "a b/é" / f"{number}.txt").write_bytes(os.urandom(1000 + number))
    (up / "big").write_bytes(os.urandom(BIG // 2))
    place.start("daemon")
    place.until(lambda: tree(down) == tree(up), "all is there, and back")
    (up / "a b/é/0.txt").write_bytes(b"changed")
    (up / "a b/é/1.txt").unlink()
    (up / "a b/é/2.txt").rename(up / "renamed")
    place.until(lambda: tree(down) == tree(up), "all changes are there, and back")
    place.until_state("up", "synced")
    stored = {path for path in tree(far) if not path.startswith(".cargo_sync/")}
    assert stored == set(tree(up)), "nothing is left over"
    assert not list((far / STAGING).glob("*")), "nothing is under way any more"
    kept = {path.name for path in (far / ".cargo_sync/trash").rglob("*.txt")}
    assert {"0.txt", "1.txt"} <= kept
    assert "this server keeps no times of files" in place.shown("up")["lacks"]


def test_two_folders_follow_each_other_through_a_bucket(place: Place, remotes: Remotes) -> None:
    server = remotes.get("rclone-s3")
    far = server.place()
    fields = fields_of(far.url, server.login) | PROPAGATE
    one, two = (place.job(name, "bidirectional", **fields) for name in ("one", "two"))
    for folder, letter in ((one, "a"), (two, "b")):
        (folder / "d").mkdir(parents=True)
        for number in range(3):
            (folder / "d" / f"{letter}{number}").write_bytes(os.urandom(1000))

    def equal(count: int) -> bool:
        return tree(one) == tree(two) and len(tree(one)) == count

    place.start("daemon")
    place.until(lambda: equal(6), "both have all files")
    kinds = ("uploaded", "downloaded")
    place.until(lambda: all(len(place.events(kind)) == 6 for kind in kinds), "all is recorded")

    place.call("job.pause", job="one")
    place.call("job.pause", job="two")
    lost = (one / "d/a0").read_bytes()
    (one / "d/a0").unlink()
    (two / "d/b0").write_bytes(b"changed by two")
    (one / "both").write_bytes(b"of one")
    (two / "both").write_bytes(b"of two, and longer")
    # One after the other: this server obeys no conditions, and between a look and its PUT two jobs
    # could replace each other's file.
    place.call("job.start", job="one")
    place.until(lambda: place.events("uploaded").count("both") == 1, "one has sent its version")
    place.until_state("one", "synced")
    place.call("job.start", job="two")
    place.until(lambda: equal(7), "both have all changes, and a conflict's two versions")
    assert (one / "d/b0").read_bytes() == b"changed by two"
    both = {content for name, content in tree(one).items() if name.startswith("both")}
    assert both == {b"of one", b"of two, and longer"}
    for job in ("one", "two"):
        place.until_state(job, "synced")
    assert far.stored is not None
    trash = far.stored / ".cargo_sync" / "trash"
    assert lost in [path.read_bytes() for path in trash.rglob("a0")], "it was deleted for good"


def test_what_was_downloaded_goes_to_the_trash_of_a_bucket(place: Place, remotes: Remotes) -> None:
    server = remotes.get("rclone-s3")
    far = server.place()
    assert far.stored is not None
    (far.stored / "a.txt").write_bytes(b"taken")
    fields = fields_of(far.url, server.login)
    taken = place.job("take", "download", **fields, after_transfer="delete")
    place.start("daemon")
    place.until(lambda: tree(taken) == {"a.txt": b"taken"}, "it is here")
    place.until(lambda: not tree(far.stored or taken), "it is not there any more")
    trash = far.stored / ".cargo_sync" / "trash"
    assert [path.read_bytes() for path in trash.rglob("a.txt")] == [b"taken"]
