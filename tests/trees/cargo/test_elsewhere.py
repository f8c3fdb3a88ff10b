"""Of several servers, one has a workspace: a client goes on there."""

import time

import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.cargo.api import HOPS, Api
from tests.trees.cargo.answers import Answer, answering, ok, raw

BODY = b'{"error": {"code": "elsewhere", "message": "it is at b"}}'
TREE = "/workspaces/w%20x/tree"


def told(value: object) -> object:
    return value


def at(address: str) -> Answer:
    return raw(BODY, 503, **{"Cargo-Elsewhere": address, "Content-Type": "application/json"})


async def code_of(api: Api, path: str = TREE) -> str:
    with pytest.raises(ProblemError) as raised:
        await api.get(path, told)
    return str(raised.value.problem.code.value)


async def test_a_client_goes_on_at_the_server_that_has_the_workspace() -> None:
    answers = {
        "GET_workspaces/w x/tree": [ok("tree")],
        "POST_flows": [ok("flow")],
        "GET_workspaces": [ok("all")],
    }
    async with answering(**answers) as (b, heard_b):
        there = at(b.url)
        mine = {"GET_workspaces/w x/tree": [there], "GET_workspaces": [ok("all")]}
        async with answering(**mine) as (a, heard_a):
            api = Api(a, time.monotonic)
            assert [await api.get(TREE, told) for _ in range(2)] == ["tree", "tree"]
            assert await api.post("/flows", told, {"workspace": "w x"}) == "flow"
            assert await api.get("/workspaces", told) == "all"
            await api.close()
    assert heard_a.asked == ["POST /login", "GET /workspaces/w x/tree", "GET /workspaces"]
    assert heard_b.asked == ["GET /workspaces/w x/tree"] * 2 + ["POST /flows"]
    assert heard_b.headers[0]["Authorization"] == "Bearer secret"
    assert "password" not in str(heard_b.bodies)


async def test_when_that_one_is_gone_it_asks_again_where_the_workspace_is() -> None:
    async with answering(**{"GET_workspaces/w x/tree": [ok("b's")]}) as (b, _):
        pass
    mine = {"GET_workspaces/w x/tree": [at(b.url), ok("mine by now")]}
    async with answering(**mine) as (a, heard):
        api = Api(a, time.monotonic)
        assert await api.get(TREE, told) == "mine by now"
        await api.close()
    assert heard.asked.count("GET /workspaces/w x/tree") == 2


async def test_when_that_one_is_about_to_end_it_asks_again_where_the_workspace_is() -> None:
    """Also if it does not know, and if nobody knows yet."""
    ends = raw(BODY, 503, **{"Content-Type": "application/json"})
    theirs = {"GET_workspaces/w x/tree": [ok("b's"), ends]}
    async with answering(**theirs) as (b, heard_b):
        mine = {"GET_workspaces/w x/tree": [at(b.url), ok("mine by now"), at(b.url)]}
        async with answering(**mine) as (a, heard_a):
            api = Api(a, time.monotonic)
            assert [await api.get(TREE, told) for _ in range(2)] == ["b's", "mine by now"]
            assert await code_of(api) == "elsewhere"
            await api.close()
    for heard in (heard_a, heard_b):
        assert heard.asked.count("GET /workspaces/w x/tree") <= 5


@pytest.mark.parametrize(
    "address",
    ["", "nonsense://x", "https://127.0.0.1:1", "http://", "http://u:p@127.0.0.1:1", "x" * 2_000],
)
async def test_an_address_that_is_of_no_use_is_not_followed(address: str) -> None:
    async with answering(**{"GET_workspaces/w x/tree": [at(address)]}) as (a, heard):
        api = Api(a, time.monotonic)
        assert await code_of(api) == "elsewhere"
        await api.close()
    assert heard.asked.count("GET /workspaces/w x/tree") == 1


async def test_two_that_name_each_other_are_not_asked_for_ever() -> None:
    answers: dict[str, list[Answer]] = {"GET_workspaces/w x/tree": []}
    async with answering(**answers) as (b, heard_b), answering(**answers) as (a, heard_a):
        heard_a._answers["GET /workspaces/w x/tree"] = [at(b.url)]
        heard_b._answers["GET /workspaces/w x/tree"] = [at(a.url)]
        api = Api(a, time.monotonic)
        assert await code_of(api) == "elsewhere"
        await api.close()
        asked = heard_a.asked + heard_b.asked
    assert asked.count("GET /workspaces/w x/tree") <= HOPS + 1
