"""Calls of the server's API: an invalid answer is a problem, which says if a retry helps."""

import asyncio
import gc
import re
import time
from dataclasses import replace

import pytest
from aiohttp import web

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cargo.api import HOPELESS, KEPT, KEPT_MOST, Api, Apis, ServerLogin
from cargo_sync.trees.cargo.probe import ProbingApi
from tests.trees.cargo.answers import TOKEN, Answer, answering, ok, raw, refuse


def as_told(value: object) -> object:
    return value


async def problem(*answers: Answer, login: Answer = TOKEN) -> Problem:
    """The problem of a call with this answer."""
    async with answering(POST_login=[login], GET_workspaces=list(answers)) as (to, _):
        api = Api(to, time.monotonic)
        try:
            with pytest.raises(ProblemError) as raised:
                await api.get("/workspaces", as_told)
        finally:
            await api.close()
        return raised.value.problem


async def test_one_login_serves_many_calls() -> None:
    async with answering(GET_workspaces=[ok({"workspaces": []})]) as (login, heard):
        api = Api(login, time.monotonic)
        for _ in range(2):
            assert await api.get("/workspaces", as_told) == {"workspaces": []}
        await api.close()
    assert heard.asked == ["POST /login", "GET /workspaces", "GET /workspaces"]
    assert heard.bodies[0] == {"username": "ana", "password": "password"}


async def test_a_token_that_is_not_known_any_more_is_asked_for_again_once() -> None:
    gone = refuse(401, "unauthorized")
    async with answering(GET_workspaces=[ok({}), gone, ok({"found": 1}), gone]) as (login, heard):
        api = Api(login, time.monotonic)
        await api.get("/workspaces", as_told)
        assert await api.get("/workspaces", as_told) == {"found": 1}
        with pytest.raises(ProblemError):
            await api.get("/workspaces", as_told)
        await api.close()
    assert heard.asked.count("POST /login") == 3


async def test_a_wrong_password_waits_for_a_person() -> None:
    found = await problem(ok({}), login=refuse(401, "unauthorized", "wrong password"))
    assert (found.code, found.retry) == ("unauthorized", False)
    assert (
        "wrong username or password" in found.message
        and "username and password in the job" in found.hint
    )


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
    assert re.search(r"to pydio\+https?://[0-9.a-z]+:\d+, with", found.hint)


@pytest.mark.parametrize(
    ("status", "retry"), [(400, False), (404, False), (429, True), (500, True), (503, True)]
)
async def test_a_refusal_says_whether_it_may_be_tried_again(status: int, retry: bool) -> None:
    found = await problem(refuse(status, "some_code"))
    assert (found.code, found.code_text, found.retry) == (Code.OTHER, "some_code", retry)


@pytest.mark.parametrize(
    "content", [b"<html>", b'{"error": "words"}', b'{"error": {"code": 1}}', b"[]", b""]
)
async def test_a_refusal_without_our_words_is_told_by_its_status(content: bytes) -> None:
    found = await problem(raw(content, 502))
    assert (found.code, found.retry) == ("unreachable", True) and "502 Bad Gateway" in found.message


@pytest.mark.parametrize(
    ("status", "retry", "hint"),
    [
        (413, False, "in nginx with client_max_body_size 0"),
        (502, True, "a proxy in front of the server lost the connection to it"),
        (504, True, "let it wait for 60 s or longer"),
    ],
)
async def test_an_answer_of_a_proxy_says_what_to_set_there(
    status: int, retry: bool, hint: str
) -> None:
    found = await problem(raw(b"<html>no</html>", status))
    assert found.message.startswith(f"127.0.0.1 answered {status} ")
    assert found.code == ("unreachable" if retry else "refused")
    assert (found.retry, hint in found.hint) == (retry, True)


async def test_a_server_that_needs_tls_is_told_to_need_it() -> None:
    no = refuse(400, "tls")
    for found in (await problem(no), await problem(ok({}), login=no)):
        assert (found.code, found.retry) == ("tls", True)
        assert found.message.startswith("127.0.0.1:") and found.message.endswith(" needs TLS")
    async with answering(GET_login=[no]) as (to, _):
        api = ProbingApi(to, time.monotonic)
        try:
            with pytest.raises(ProblemError, match="needs TLS"):
                await api.reach()
        finally:
            await api.close()


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
    assert (await problem(raw(content))).code == "bad_answer"
    assert (await problem(ok({}), login=raw(content))).code == "bad_answer"


@pytest.mark.parametrize("value", [{}, [], "words", None])
async def test_a_login_without_a_token_too(value: object) -> None:
    assert (await problem(ok({}), login=ok(value))).code == "bad_answer"


async def test_lines_come_one_by_one_and_empty_ones_are_signs_of_life() -> None:
    async with answering(
        POST_hashes=[raw(b'{"a":1}\n\n\n{"a":2}\n'), raw(b'{"a":1}\nnot json\n')]
    ) as (
        login,
        _,
    ):
        api = Api(login, time.monotonic)
        assert [line async for line in api.lines("/hashes", as_told, {})] == [{"a": 1}, {"a": 2}]
        with pytest.raises(ProblemError) as raised:
            assert [line async for line in api.lines("/hashes", as_told, {})]
        await api.close()
    assert raised.value.problem.code == "bad_answer"


async def test_a_server_that_is_not_there_is_waited_for() -> None:
    async with answering() as (login, _):
        pass
    api = Api(login, time.monotonic)
    with pytest.raises(ProblemError) as raised:
        await api.get("/workspaces", as_told)
    await api.close()
    assert (raised.value.problem.code, raised.value.problem.retry) == ("unreachable", True)


def test_a_login_shows_no_password() -> None:
    from cargo_sync.trees.cargo.api import ServerLogin

    assert "password" not in repr(ServerLogin("https://x", "ana", lambda: "hush"))


# -- many jobs, one login --------------------------------------------------------------------------


async def test_of_many_who_ask_at_once_one_logs_in() -> None:
    known, logins = [True], list[int]()

    def login_answer() -> web.Response:
        known[0] = True
        logins.append(1)
        return ok({"token": f"token {len(logins)}"})()

    def answer() -> web.Response:
        return (ok({}) if known[0] else refuse(401, "unauthorized"))()

    async with answering(POST_login=[login_answer], GET_x=[answer]) as (login, heard):
        api = Api(login, time.monotonic)
        for _ in range(2):
            assert await asyncio.gather(*(api.get("/x", as_told) for _ in range(20))) == [{}] * 20
            assert heard.asked.count("POST /login") == 1
            heard.asked.clear()
            known[0] = False
        await api.close()


async def test_a_wrong_password_is_tried_once_for_all() -> None:
    now = [100.0]
    async with answering(POST_login=[refuse(401, "unauthorized"), TOKEN], GET_x=[ok({})]) as (
        login,
        heard,
    ):
        api = Api(login, lambda: now[0])
        told = await asyncio.gather(
            *(api.get("/x", as_told) for _ in range(20)), return_exceptions=True
        )
        assert {one.problem.code for one in told if isinstance(one, ProblemError)} == {
            "unauthorized"
        }
        assert (len(told), heard.asked) == (20, ["POST /login"])
        now[0] += HOPELESS
        assert await api.get("/x", as_told) == {}
        await api.close()


async def test_a_person_does_not_wait_for_a_refused_login() -> None:
    async with answering(POST_login=[refuse(401, "unauthorized"), TOKEN], GET_x=[ok({})]) as (
        login,
        _,
    ):
        api = Api(login, lambda: 100.0)
        with pytest.raises(ProblemError):
            await api.get("/x", as_told)
        api.ask_afresh()
        assert await api.get("/x", as_told) == {}
        await api.close()


async def test_a_server_that_does_not_answer_is_waited_for_once_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = []

    async def ask(self: Api) -> None:
        tries.append(1)
        await asyncio.sleep(0)
        raise TimeoutError

    monkeypatch.setattr(Api, "_ask_for_token", ask)
    api = Api(ServerLogin("http://127.0.0.1:9", "ana", lambda: "x"), lambda: 0.0)
    told = await asyncio.gather(
        *(api.get("/x", as_told) for _ in range(20)), return_exceptions=True
    )
    assert [str(one) for one in told] == ["127.0.0.1:9 does not answer"] * 20
    assert len(tries) == 1


async def test_a_login_that_is_given_up_is_made_by_the_next() -> None:
    async with answering(GET_x=[ok({})]) as (login, _):
        api = Api(login, time.monotonic)
        first = asyncio.create_task(api.get("/x", as_told))
        second = asyncio.create_task(api.get("/x", as_told))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == {}
        await api.close()


def test_jobs_of_one_user_on_one_server_share_what_they_have() -> None:
    apis = Apis(time.monotonic)
    ana = ServerLogin("https://one", "ana", lambda: "x")
    api = apis.of(ana)
    assert apis.of(ServerLogin("https://one", "ana", lambda: "x")) is api
    others = [
        ServerLogin("https://two", "ana", lambda: "x"),
        ServerLogin("https://one", "ben", lambda: "x"),
        ServerLogin("https://one", "ana", lambda: "y"),
        ServerLogin("https://one", "ana", lambda: "x", "sha256:00"),
    ]  # fmt: skip
    kept = [apis.of(other) for other in others]
    assert len({id(one) for one in (api, *kept)}) == 5


async def test_connections_are_closed_by_the_last_who_lets_go() -> None:
    async with answering(GET_x=[ok({})]) as (login, heard):
        api = Api(login, time.monotonic)
        for holder in ("a", "b", "b"):
            api.hold(holder)
        await api.get("/x", as_told)
        await api.let_go("b")
        assert api._session is not None
        await api.let_go("a")
        assert api._session is None
        await api.get("/x", as_told)  # it can be used again, and is still logged in
        assert heard.asked.count("POST /login") == 1
        await api.close()


async def test_a_job_that_begins_while_connections_are_closed_has_others() -> None:
    async with answering(GET_x=[ok({})]) as (login, _):
        api = Api(login, time.monotonic)
        await api.get("/x", as_told)
        session = api._session
        assert session is not None
        closing, close = asyncio.Event(), session.close

        async def close_late() -> None:
            await close()
            await closing.wait()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session, "close", close_late)
            ending = asyncio.ensure_future(api.close())
            await asyncio.sleep(0)
            await api.get("/x", as_told)
            closing.set()
            await ending
        assert api._session is not None
        await api.close()


async def test_a_login_outlives_the_job_that_made_it() -> None:
    now = [100.0]
    async with answering(GET_x=[ok({})]) as (login, heard):
        apis = Apis(lambda: now[0])

        async def job() -> None:
            api = apis.of(login)
            api.hold("job")
            await api.get("/x", as_told)
            await api.let_go("job")

        await job()
        gc.collect()
        await job()
        assert heard.asked.count("POST /login") == 1
        assert len(heard.connections) == 1
        now[0] += KEPT
        other = apis.of(replace(login, username="ben"))
        await other.let_go("nobody")  # what is too old is let go with the next
        gc.collect()
        await job()
        assert heard.asked.count("POST /login") == 2
        await apis.aclose()


async def test_of_too_many_logins_that_nobody_uses_the_oldest_end() -> None:
    apis = Apis(lambda: 100.0)
    for number in range(KEPT_MOST + 1):
        login = ServerLogin("https://one", f"user {number}", lambda: "x")
        await apis.of(login).let_go("job")
    gc.collect()
    assert len(apis._kept) == len(apis._known) == KEPT_MOST
    await apis.of(login).let_go("job")
    assert len(apis._kept) == KEPT_MOST
    await apis.aclose()


async def test_a_login_that_is_used_again_is_not_ended_because_it_was_let_go_once() -> None:
    now = [100.0]
    async with answering(GET_x=[ok({})]) as (login, _):
        apis = Apis(lambda: now[0])
        api = apis.of(login)
        await api.let_go("a job")
        api.hold("another job")
        await api.get("/x", as_told)
        now[0] += KEPT
        await apis.of(replace(login, username="ben")).let_go("nobody")
        assert api._session is not None
        assert apis.of(login) is api
        await apis.aclose()


async def test_a_job_that_begins_does_not_wait_for_a_refused_login() -> None:
    async with answering(POST_login=[refuse(401, "unauthorized"), TOKEN], GET_x=[ok({})]) as (
        login,
        _,
    ):
        apis = Apis(lambda: 100.0)
        with pytest.raises(ProblemError):
            await apis.of(login).get("/x", as_told)
        assert await apis.of(login).get("/x", as_told) == {}
        await apis.aclose()


async def test_the_cas_of_a_file_are_read_again_for_the_next_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ssl.create_default_context", lambda cafile: True)
    async with answering(GET_x=[ok({})]) as (login, heard):
        apis = Apis(lambda: 100.0)
        for _ in range(2):
            api = apis.of(replace(login, ca_file="ca.pem"))
            api.hold("job")
            await api.get("/x", as_told)
            await api.let_go("job")
        assert (heard.asked.count("POST /login"), len(heard.connections)) == (1, 2)
