"""Backup sessions against a framed port over loopback sockets."""

import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.daemon.sessions.backup_steps import local_name
from cargo_sync.model.problems import ProblemError
from cargo_sync.process import tls
from tests.daemon.sessions.coordinator import Coordinator, coordinating
from tests.daemon.sessions.desk import Desk, desk

LARGE = os.urandom(9 * 2**20 + 7)


async def enter(one: Desk, there: Coordinator, **args: Any) -> dict[str, Any]:
    fields = {"kind": "backup", "url": f"127.0.0.1:{there.port}", "username": "ana"}
    opened = await one.call("open", **(fields | args))
    one.session = opened["session"]
    return opened


async def refusal(one: Desk, verb: str, **args: Any) -> str:
    with pytest.raises(ProblemError) as caught:
        await one.call(verb, **args)
    return caught.value.problem.code


@pytest.mark.parametrize("content", [b"", b"ol\xc3\xa1", LARGE])
async def test_there_and_back(tmp_path: Path, content: bytes) -> None:
    async with coordinating() as there, desk(tmp_path / "daemon") as one:
        await enter(one, there)
        (tmp_path / "relatório é.bin").write_bytes(content)
        row = await one.ended("put", local=str(tmp_path / "relatório é.bin"))
        assert (row["state"], row["id"], row["bytes_done"]) == ("done", "id-0", len(content))
        assert await one.call("list", path="") == {
            "entries": [{"id": "id-0", "name": "relatório é.bin", "kind": "file", "size": None}],
            "next": None,
            "problems": [],
        }
        (tmp_path / "back").mkdir()
        row = await one.ended("get", remote="id-0", local=str(tmp_path / "back"))
        assert (row["state"], row["files_done"]) == ("done", 1)
        row = await one.ended("get", remote="id-0", local=str(tmp_path / "back" / "other"))
        assert row["state"] == "done"
        assert {file.name: file.read_bytes() for file in (tmp_path / "back").iterdir()} == {
            "relatório é.bin": content, "other": content,
        }  # fmt: skip


async def test_what_stands_there_is_kept(tmp_path: Path) -> None:
    async with coordinating() as there, desk(tmp_path / "daemon") as one:
        there.files["1"] = ("f", b"theirs")
        await enter(one, there)
        here = tmp_path / "d"
        here.mkdir()
        (here / "f").write_bytes(b"mine")
        row = await one.ended("get", remote="1", local=str(here))
        assert (row["state"], row["problem"]["code"]) == ("failed", "occupied")
        assert (here / "f").read_bytes() == b"mine"
        row = await one.ended("get", remote="1", local=str(here / "f"), overwrite=True)
        assert (row["state"], row["displaced"], (here / "f").read_bytes()) == ("done", 1, b"theirs")
        [kept] = (here / ".cargo_sync" / "trash").glob("*/f")
        assert kept.read_bytes() == b"mine"
        assert str(kept.parent) in row["message"]


async def test_refusals_come_in_the_servers_words(tmp_path: Path) -> None:
    async with coordinating() as there, desk(tmp_path / "daemon") as one:
        there.users["ben"] = "senha"
        assert (
            await refusal(one, "open", kind="backup", url="127.0.0.1:1", username="a")
            == "unreachable"
        )
        assert await refusal(one, "open", kind="backup", url="h.example:1", username="a") == "plain"
        with pytest.raises(ProblemError, match="Apelido não encontrado"):
            await enter(one, there, username="ben", password="wrong")
        await enter(one, there, username="ben", password="senha")
        row = await one.ended("get", remote="none", local=str(tmp_path / "x"))
        assert (row["state"], row["problem"]["code"]) == ("failed", "refused")
        assert "ID não encontrado" in row["problem"]["message"]
        (tmp_path / "full").write_bytes(LARGE)
        row = await one.ended("put", local=str(tmp_path / "full"))
        assert (row["state"], row["problem"]["code"]) == ("failed", "store_failed")
        assert "disco cheio" in row["problem"]["message"]
        await enter(one, there, username="newcomer")
        assert await one.call("list", path="") == {"entries": [], "next": None, "problems": []}
        for verb, args in (
            ("stat", {"path": "x"}),
            ("mkdir", {"path": "x"}),
            ("delete", {"path": "x"}),
            ("trash", {}),
            ("restore", {"ids": ["1"]}),
            ("move", {"path": "x", "to": "y"}),
            ("speed", {"speed": None}),
            ("use", {"workspace": "w"}),
            ("list", {"path": "x"}),
            ("put", {"local": str(tmp_path), "recursive": True}),
        ):
            assert await refusal(one, verb, **args) == "unsupported"
        assert sorted(os.listdir(tmp_path)) == ["daemon", "full"]


async def test_a_cut_way_is_tried_again_but_never_stores_twice(tmp_path: Path) -> None:
    async with coordinating() as there, desk(tmp_path / "daemon") as one:
        await enter(one, there)
        (tmp_path / "f").write_bytes(LARGE)
        there.cut = 3_000_000
        row = await one.ended("put", local=str(tmp_path / "f"))
        assert row["state"] == "done"
        assert there.files == {"id-0": ("f", LARGE)}
        there.mute = True
        row = await one.ended("put", local=str(tmp_path / "f"))
        assert (row["state"], row["problem"]["code"]) == ("failed", "unanswered")
        assert len(there.files) == 2


async def test_the_list_comes_in_pages(tmp_path: Path) -> None:
    async with coordinating() as there, desk(tmp_path / "daemon") as one:
        there.files = {str(number): ("same", b"") for number in range(5)}
        await enter(one, there)
        seen, after = [], ""
        while after is not None:
            page = await one.call("list", path="", after=after, limit=2)
            seen += [entry["id"] for entry in page["entries"]]
            after = page["next"]
        assert seen == list("01234")


async def test_over_tls_by_its_fingerprint(tmp_path: Path) -> None:
    mine = tls.self_made(str(tmp_path), ["localhost"], datetime.datetime.now(datetime.UTC))
    async with coordinating(tls.context(mine)) as there, desk(tmp_path / "daemon") as one:
        url = f"tls://127.0.0.1:{there.port}"
        look = await one.call("look", url=url)
        assert (look["url"], look["sealed"], look["trusted"]) == (url, True, False)
        assert mine.fingerprint.endswith(look["fingerprint"])
        assert there.asked == []
        opened = await enter(one, there, url=url, tls_fingerprint=look["fingerprint"])
        assert opened["url"] == url
        (tmp_path / "f").write_bytes(LARGE)
        assert (await one.ended("put", local=str(tmp_path / "f")))["state"] == "done"
        with pytest.raises(ProblemError) as nobody:
            await one.call("look", url="tls://127.0.0.1:1")
        assert nobody.value.problem.code == "unreachable"
        asked = len(there.asked)
        for changed in ({}, {"tls_fingerprint": "0" * 64}):
            with pytest.raises(ProblemError) as caught:
                await enter(one, there, url=url, **changed)
            assert caught.value.problem.code == "certificate"
        assert len(there.asked) == asked


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("a b.txt", "a b.txt"),
        ("d/e.txt", "e.txt"),
        ("c:\\d\\e.txt", "e.txt"),
        ("../../etc/passwd", "passwd"),
        ("..", "4_2"),
        ("", "4_2"),
        (".cargo_sync", "4_2"),
        (".CARGO_SYNC", "4_2"),
        ("x\x1b[2J", "4_2"),
        ("x" * 256, "4_2"),
        ("a/", "a"),
    ],
)
def test_a_name_that_a_server_tells_leads_nowhere(told: str, name: str) -> None:
    assert local_name(told, "4/2") == name


@pytest.mark.parametrize("content", [b"", b"same", LARGE])
async def test_an_equal_file_is_skipped_and_a_different_one_asks(
    tmp_path: Path, content: bytes
) -> None:
    async with coordinating() as there, desk(tmp_path / "daemon") as one:
        there.files["1"] = ("f", content)
        await enter(one, there)
        here = tmp_path / "d"
        here.mkdir()
        (here / "f").write_bytes(content)
        row = await one.ended("get", remote="1", local=str(here))
        assert (row["state"], row["skipped"], row["files_done"]) == ("done", 1, 0)
        assert os.listdir(here) == ["f"], "nothing was staged or displaced"
        if content:
            (here / "f").write_bytes(content[:-1] + b"!")
            row = await one.ended("get", remote="1", local=str(here))
            assert (row["state"], row["problem"]["code"]) == ("failed", "occupied")
