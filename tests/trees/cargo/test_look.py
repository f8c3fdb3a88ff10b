import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.cargo.look import look, recognised
from tests.trees.cargo.answers import answering, refuse

PYDIO = {"WWW-Authenticate": 'Basic realm="Pydio API"'}


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (401, {}, b'{"error":{"code":"unauthorized","message":"no","hint":""}}', "cargo"),
        (401, PYDIO, b"", "pydio"),
        (200, {}, b'<?xml version="1.0"?><tree><message type="ERROR">no</message></tree>', "pydio"),
        (200, {}, b'{"error":{"code":"unauthorized","message":"no"}}', "unknown"),
        (401, {"WWW-Authenticate": "Basic"}, b"<html>", "unknown"),
        (401, {}, b'{"error":"unauthorized"}', "unknown"),
        (302, {"Location": "/login"}, b"", "unknown"),
    ],
)
def test_who_answers_so(status: int, headers: dict[str, str], body: bytes, kind: str) -> None:
    assert recognised(status, headers, body) == kind


async def test_a_cargo_server_without_tls() -> None:
    async with answering(GET_workspaces=[refuse(401, "unauthorized")]) as (login, heard):
        found = await look(login.url)
    assert (found.kind, found.sealed, found.fingerprint, found.trusted) == (
        "cargo",
        False,
        "",
        False,
    )
    assert "without TLS" in found.message
    assert heard.asked == ["GET /workspaces"]
    assert heard.bodies == [b""]


async def test_a_pydio_server_is_told_to_be_one() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert "Authorization" not in request.headers
        if request.path.startswith("/ajax/api/"):
            return web.Response(status=401, headers=PYDIO)
        return web.Response(text="<html>log in</html>")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        found = await look(str(server.make_url("/ajax")))
    assert found.kind == "pydio"
    assert "Pydio" in found.message


async def test_a_cargo_server_with_tls_that_is_asked_without_it() -> None:
    async with answering(GET_workspaces=[refuse(400, "tls")]) as (login, _):
        with pytest.raises(ProblemError) as caught:
            await look(login.url)
        place = login.url.removeprefix("http://")
    assert caught.value.problem.message == f"{place} needs TLS"
    assert "https://" in caught.value.problem.hint


async def test_nobody_there() -> None:
    with pytest.raises(ProblemError) as caught:
        await look("http://127.0.0.1:1", any_port=False)
    assert caught.value.problem.code == "unreachable"
