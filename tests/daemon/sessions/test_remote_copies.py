"""Copies from one real server to another, in two sessions of a daemon."""

import os
from pathlib import Path

from tests.daemon.sessions.desk import Desk, desk
from tests.daemon.sessions.test_remote_files import refused
from tests.remotes.remotes import Remotes
from tests.remotes.running import Running

BIG = 9 * 2**20


async def opened(one: Desk, server: Running, url: str, **more: object) -> str:
    args = {"url": url, "username": server.login.user, "password": server.login.password}
    return str((await one.call("open", **args, **more))["session"])


async def test_files_go_from_a_webdav_server_to_a_bucket_and_back(
    remotes: Remotes, tmp_path: Path
) -> None:
    dav, s3 = remotes.get("wsgidav"), remotes.get("rclone-s3")
    here, there = dav.place(), s3.place()
    assert here.stored is not None and there.stored is not None
    (here.stored / "in/sub").mkdir(parents=True)
    (here.stored / "in/big").write_bytes(os.urandom(BIG))
    (here.stored / "in/sub/a é").write_bytes(b"words")
    async with desk(tmp_path / "daemon") as one:
        source = await opened(one, dav, here.url)
        target = await opened(one, s3, f"{there.url}/new", make=True)
        order = {"session": target, "source": source, "path": "in", "remote": "it"}
        row = await one.ended("copy", **order, recursive=True)
        assert (row["state"], row["files_done"], row["problem"]) == ("done", 2, None)
        assert (row["verb"], row["local"]) == ("copy", f"{here.url}/in")
        for name in ("big", "sub/a é"):
            kept = (there.stored / "new/it" / name).read_bytes()
            assert kept == (here.stored / "in" / name).read_bytes()
        again = await one.ended("copy", **order, recursive=True)
        assert (again["files_done"], again["skipped"]) == (0, 2)

        file = {"session": source, "source": target, "path": "it/sub/a é"}
        assert await refused(one, "copy", **file, remote="other name") == "unsupported"
        assert await refused(one, "copy", **file | {"path": "it"}, remote="it") == "is_a_folder"
        assert await refused(one, "copy", **file | {"path": "none"}, remote="none") == "vanished"
        back = await one.ended("copy", **file, remote="back/a é")
        assert back["problem"] is None, str(back["problem"])
        assert (here.stored / "back/a é").read_bytes() == b"words"

        (here.stored / "in/sub/a é").write_bytes(b"other words")
        other = {"session": target, "source": source, "path": "in/sub/a é", "remote": "it/sub/a é"}
        assert await refused(one, "copy", **other) == "occupied"
        assert (await one.ended("copy", **other, overwrite=True))["displaced"] == 1
        assert (there.stored / "new/it/sub/a é").read_bytes() == b"other words"


async def test_a_copy_ends_with_the_session_of_its_source(remotes: Remotes, tmp_path: Path) -> None:
    dav = remotes.get("wsgidav")
    here, there = dav.place(), dav.place()
    assert here.stored is not None
    (here.stored / "big").write_bytes(bytes(BIG))
    async with desk(tmp_path / "daemon") as one:
        source, target = await opened(one, dav, here.url), await opened(one, dav, there.url)
        await one.call("speed", session=target, speed="1mbps")
        order = {"session": target, "source": source, "path": "big", "remote": "big"}
        transfer = (await one.call("copy", **order))["transfer"]
        await one.call("close", session=source)
        assert (await one.row(transfer, session=target))["state"] == "cancelled"


async def test_what_means_nothing_at_a_server_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path / "daemon") as one:
        login = {"username": "ana", "password": "x"}
        for url, more in (
            ("sftp://127.0.0.1:1/x", {"region": "eu-west-1"}),
            ("s3+http://127.0.0.1:1/x", {"host_key": "SHA256:" + "a" * 43}),
            ("webdav+http://127.0.0.1:1/x", {"options": {"a": "b"}}),
            ("ftp://127.0.0.1:1/x", {"known_hosts": "/x"}),
            ("cloud+gs://b", {"options": {"a": 7}}),
            ("webdav+http://127.0.0.1:1/x", {"workspace": "w"}),
        ):
            assert await refused(one, "open", url=url, **login, **more) == "bad_argument"
