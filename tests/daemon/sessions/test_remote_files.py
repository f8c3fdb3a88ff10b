"""Sessions with servers of other people, real ones."""

import os
from pathlib import Path

from cargo_sync.api.messages import ControlError
from cargo_sync.model.problems import ProblemError
from tests.daemon.sessions.desk import Desk, desk
from tests.remotes.remotes import Remotes

BIG = 9 * 2**20


async def refused(one: Desk, verb: str, **args: object) -> str:
    try:
        await one.call(verb, **args)
    except ProblemError as error:
        return error.problem.code_text
    except ControlError as error:
        return str(error.code)
    raise AssertionError(f"{verb} was not refused")


async def names(one: Desk, path: str = "") -> list[str]:
    return [row["name"] for row in (await one.call("list", path=path))["entries"]]


async def test_a_person_moves_files_by_hand_on_an_ssh_server(
    remotes: Remotes, tmp_path: Path
) -> None:
    server = remotes.get("openssh")
    place, login = server.place(), server.login
    assert place.stored is not None and login.key_file is not None
    here, back = tmp_path / "here", tmp_path / "back"
    (here / "sub").mkdir(parents=True)
    (here / "big").write_bytes(os.urandom(BIG))
    (here / "sub" / "a é").write_bytes(b"words")
    args = {"url": place.url, "username": login.user, "key_file": str(login.key_file)}
    async with desk(tmp_path / "daemon") as one:
        look = await one.call("look", url=place.url)
        assert (look["kind"], look["trusted"]) == ("sftp", False)
        assert look["fingerprint"] == login.host_key
        assert await refused(one, "open", **args) == "certificate"
        wrong = "SHA256:" + "A" * 43
        assert await refused(one, "open", **args, host_key=wrong) == "certificate"
        assert await refused(one, "open", url=place.url, username="x") == "bad_argument"
        gone = {**args, "url": f"{place.url}/none", "host_key": login.host_key}
        assert await refused(one, "open", **gone) == "root_gone"

        opened = await one.call("open", **args, host_key=login.host_key)
        one.session = opened["session"]
        assert opened["workspaces"] == [] and not list(place.stored.iterdir())
        for verb, more in (("use", {"workspace": "w"}), ("stat", {"path": "none"})):
            assert await refused(one, verb, **more) in ("unsupported", "unknown")

        put = await one.ended("put", local=str(here), remote="in/it", recursive=True)
        assert (put["state"], put["files_done"], put["problem"]) == ("done", 2, None)
        assert (place.stored / "in/it/sub/a é").read_bytes() == b"words"
        assert os.listdir(place.stored / ".cargo_sync/staging") == []
        again = await one.ended("put", local=str(here), remote="in/it", recursive=True)
        assert (again["state"], again["files_done"], again["skipped"]) == ("done", 0, 2)
        got = await one.ended("get", remote="in/it", local=str(back), recursive=True)
        assert (got["state"], got["files_done"]) == ("done", 2)
        assert (back / "big").read_bytes() == (here / "big").read_bytes()

        (here / "sub" / "a é").write_bytes(b"other words")
        order = {"local": str(here / "sub/a é"), "remote": "in/it/sub/a é"}
        assert await refused(one, "put", **order) == "occupied"
        assert (await one.ended("put", **order, overwrite=True))["displaced"] == 1
        [kept] = (place.stored / ".cargo_sync/trash").glob("*/in/it/sub/a é")
        assert kept.read_bytes() == b"words"

        [version] = (await one.call("trash", under="in", pattern="it/sub/a é"))["versions"]
        assert (version["path"], version["size"]) == ("in/it/sub/a é", 5)
        restored = await one.call("restore", ids=[version["id"]])
        assert restored["results"][0]["code"] == "occupied"
        await one.call("move", path="in/it/sub/a é", to="in/other")
        assert (await one.call("restore", ids=[version["id"]]))["results"][0]["code"] == "done"
        assert (place.stored / "in/it/sub/a é").read_bytes() == b"words"
        assert (await one.call("trash"))["totals"] == {"files": 0, "bytes": 0}

        await one.call("mkdir", path="new")
        await one.call("move", path="in/it/big", to="new/big")
        assert await refused(one, "move", path="new/big", to="in") == "occupied"
        deleted = await one.call("delete", path="in", recursive=True)
        assert deleted["displaced"].endswith("/in")
        assert await names(one) == ["new"] and await names(one, "new") == ["big"]
