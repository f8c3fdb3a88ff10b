"""Calls of our server's API: what is no proper answer is a problem, which says whether to try again."""

import pytest

from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.trees.cargo.api import Api
from tests.trees.cargo.answers import TOKEN, Answer, answering, ok, raw, refuse


async def problem(*answers: Answer, login: Answer = TOKEN) -> Problem:
    """What a call comes to that is answered so."""
    async with answering(POST_login=[login], GET_workspaces=list(answers)) as (to, _):
        api = Api(to)
        try:
            with pytest.raises(ProblemError) as raised:
                await api.get("/workspaces")
        finally:
            await api.close()
        return raised.value.problem


async def test_one_login_serves_many_calls() -> None:
    async with answering(GET_workspaces=[ok({"workspaces": []})]) as (login, heard):
        api = Api(login)
        for _ in range(2):
            assert await api.get("/workspaces") == {"workspaces": []}
        await api.close()
    assert heard.asked == ["POST /login", "GET /workspaces", "GET /workspaces"]
    assert heard.bodies[0] == {"username": "ana", "password": "password"}


async def test_a_token_that_is_not_known_any_more_is_asked_for_again_once() -> None:
    gone = refuse(401, "unauthorized")
    async with answering(GET_workspaces=[ok({}), gone, ok({"found": 1}), gone]) as (login, heard):
        api = Api(login)
        await api.get("/workspaces")
        assert await api.get("/workspaces") == {"found": 1}
        with pytest.raises(ProblemError):
            await api.get("/workspaces")
        await api.close()
    assert heard.asked.count("POST /login") == 3


async def test_a_wrong_password_waits_for_a_person() -> None:
    found = await problem(ok({}), login=refuse(401, "unauthorized", "wrong password"))
    assert (found.code, found.retry) == ("unauthorized", False)
    assert "in with this password" in found.message and "username and password in the job" in found.hint


@pytest.mark.parametrize(
    "login",
    [
        raw(b'<?xml version="1.0"?><tree><message type="ERROR">no access</message></tree>'),
        raw(b"", 401, **{"WWW-Authenticate": 'Basic realm="Pydio API"'}),
        raw(b"<!doctype html><title>Pydio</title>", 404),
    ],
)
async def test_a_pydio_server_is_told_from_ours(login: Answer) -> None:
    found = await problem(ok({}), login=login)
    assert (found.code, found.retry) == ("pydio_server", False)
    assert "is a Pydio server" in found.message


@pytest.mark.parametrize(
    ("status", "retry"), [(400, False), (404, False), (429, True), (500, True), (503, True)]
)
async def test_a_refusal_says_whether_it_may_be_tried_again(status: int, retry: bool) -> None:
    found = await problem(refuse(status, "some_code"))
    assert (found.code, found.retry) == ("some_code", retry)


@pytest.mark.parametrize("content", [b"<html>", b'{"error": "words"}', b'{"error": {"code": 1}}', b"[]", b""])
async def test_a_refusal_without_our_words_is_told_by_its_status(content: bytes) -> None:
    found = await problem(raw(content, 502))
    assert (found.code, found.retry) == ("refused", True) and "502 Bad Gateway" in found.message


async def test_a_redirect_is_refused_and_its_target_never_asked() -> None:
    found = await problem(raw(b"", 302, Location="/elsewhere"))
    assert (
        (found.code, found.retry) == ("refused", False)
        and "302" in found.message
        and "hostname" in found.hint
    )
    found = await problem(ok({}), login=raw(b"", 307, Location="/elsewhere"))
    assert found.code == "refused"


@pytest.mark.parametrize("content", [b"<html>", b"{", b"\xff"])
async def test_an_answer_that_is_no_json_is_one_of_no_cargo_server(content: bytes) -> None:
    assert (await problem(raw(content))).code == "protocol"
    assert (await problem(ok({}), login=raw(content))).code == "protocol"


@pytest.mark.parametrize("value", [{}, [], "words", None])
async def test_a_login_without_a_token_too(value: object) -> None:
    assert (await problem(ok({}), login=ok(value))).code == "protocol"


async def test_lines_come_one_by_one_and_empty_ones_are_signs_of_life() -> None:
    async with answering(POST_hashes=[raw(b'{"a":1}\n\n\n{"a":2}\n'), raw(b'{"a":1}\nnot json\n')]) as (
        login,
        _,
    ):
        api = Api(login)
        assert [line async for line in api.lines("/hashes", {})] == [{"a": 1}, {"a": 2}]
        with pytest.raises(ProblemError) as raised:
            assert [line async for line in api.lines("/hashes", {})]
        await api.close()
    assert raised.value.problem.code == "protocol"


async def test_a_server_that_is_not_there_is_waited_for() -> None:
    async with answering() as (login, _):
        pass
    api = Api(login)
    with pytest.raises(ProblemError) as raised:
        await api.get("/workspaces")
    await api.close()
    assert (raised.value.problem.code, raised.value.problem.retry) == ("unreachable", True)


def test_a_login_shows_no_password() -> None:
    from cargo_sync.trees.cargo.api import Login

    assert "password" not in repr(Login("https://x", "ana", lambda: "hush"))
