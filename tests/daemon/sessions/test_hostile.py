"""A server that tries to write outside the folder: nothing is written anywhere else."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.sessions.desk import desk
from tests.trees.cargo.answers import answering, ok

HOME = ok(
    {
        "workspaces": [
            {"name": "default", "access": "rw", "epoch": "e", "sequence": 1, "lineage": ""}
        ]
    }
)
NAMES = ("..", "../x", "a/b", "/etc", "", ".", "n\0l", "x" * 300)


def entry(name: str, kind: str = "f", target: str = "") -> list[Any]:
    return [name, kind, 3, 5, 420, 1, 1, "", target]


def page(*entries: list[Any], further: str | None = None) -> Any:
    return ok({"entries": [list(column) for column in zip(*entries, strict=True)], "next": further})


async def test_names_that_lead_elsewhere_are_told_of_and_nothing_comes(tmp_path: Path) -> None:
    links = [entry("l1", "l", "/etc"), entry("l2", "l", "../x"), entry("l3", "l", "a/../../x")]
    tree = page(*(entry(name) for name in NAMES), entry(".cargo_sync"), *links)
    async with (
        answering(
            GET_workspaces=[HOME],
            GET_workspaces_default_tree=[tree],
            GET_workspaces_default_entry=[ok({"entry": entry("box", "d")})],
        ) as (login, _),
        desk(tmp_path / "daemon") as one,
    ):
        await one.call("look", url=login.url)
        one.session = (await one.call("open", url=login.url, username="a", password="b"))["session"]
        for remote in ("", "box"):
            to = tmp_path / "here" / (remote or "all")
            row = await one.ended("get", remote=remote, local=str(to), recursive=True)
            assert row["state"] == "failed"
            assert row["failures"] >= len(NAMES) + len(links)
            assert os.listdir(to) == []
        listed = await one.call("list", path="")
        assert [each["name"] for each in listed["entries"]] == ["l1", "l2", "l3"]
        assert len(listed["problems"]) == len(NAMES)
    assert sorted(os.listdir(tmp_path)) == ["daemon", "here"]


@pytest.mark.parametrize(
    "answer",
    [
        ok({"entries": [["a"], ["f"]], "next": None}),
        ok({"entries": [["a"], ["q"], [1], [1], [1], [1], [1], [""], [""]], "next": None}),
        ok({"entries": [], "next": "more"}),
        ok(["what"]),
        ok({}),
    ],
)
async def test_answers_that_make_no_sense_end_it(tmp_path: Path, answer: Any) -> None:
    async with (
        answering(GET_workspaces=[HOME], GET_workspaces_default_tree=[answer]) as (login, _),
        desk(tmp_path / "daemon") as one,
    ):
        one.session = (await one.call("open", url=login.url, username="a", password="b"))["session"]
        row = await one.ended("get", remote="", local=str(tmp_path / "here"), recursive=True)
        assert (row["state"], row["problem"]["code"]) == ("failed", "bad_answer")
        assert os.listdir(tmp_path / "here") == []
