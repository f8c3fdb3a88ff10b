"""Sending, to real HTTP servers on loopback."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import web

from cargo_sync.config.callbacks import ANYWHERE, CallbackLimits
from cargo_sync.config.events import read_events
from cargo_sync.webhooks import sender as sending
from cargo_sync.webhooks.message import message
from cargo_sync.webhooks.resolver import Lookup
from cargo_sync.webhooks.retry_policy import Attempt
from cargo_sync.webhooks.sender import CallbackSender
from tests.e2e.receiver import Receiver
from tests.webhooks.test_templates import NASTY

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """A server that answers everything so; its address."""
    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def sent(
    url: str,
    limits: CallbackLimits = ANYWHERE,
    look: Lookup | None = None,
    *,
    deadline: float = 60.0,
    **fields: Any,
) -> Attempt:
    content = {"method": "GET", "url": url} | fields
    [event] = read_events({"onFinish": content})
    async with CallbackSender(limits, look=look, deadline=deadline) as sender:
        return await sender(message(event, "msg_1", {"FILE_NAME": NASTY, "DURATION": 1.5}, 1.0))


def status(number: int, headers: dict[str, str] | None = None) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=number, headers=headers)

    return answer


def at(*addresses: str) -> Lookup:
    """A name has these addresses."""
    return lambda host, port, family: [(socket.AF_INET, address) for address in addresses]


async def test_a_nasty_name_arrives_as_itself_in_body_and_url() -> None:
    seen: list[tuple[str, str, str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        step = request.url.raw_path.split("/")[2]
        seen.append((request.method, step, request.query["name"], body))
        return web.Response(status=204)

    async with serving(answer) as url:
        to = url + "/at/{{ FILE_NAME }}/end?name={{ FILE_NAME }}"
        assert await sent(to) == Attempt(204)
        for method in ("POST", "PUT", "DELETE"):
            assert await sent(to, method=method, body={"n": "{{ FILE_NAME }}"}) == Attempt(204)
    assert [(method, unquote(step), name, body) for method, step, name, body in seen] == [
        ("GET", NASTY, NASTY, None),
        *((method, NASTY, NASTY, {"n": NASTY}) for method in ("POST", "PUT", "DELETE")),
    ]


async def test_a_method_that_few_know() -> None:
    receiver = Receiver()
    try:
        url = f"http://127.0.0.1:{receiver.port}/{{{{ FILE_NAME }}}}"
        assert (await sent(url, method="UPDATE", body={"n": "{{ FILE_NAME }}"})).delivered
    finally:
        receiver.down()
    [taken] = receiver.taken
    assert (taken.method, taken.body, unquote(taken.path)) == ("UPDATE", {"n": NASTY}, f"/{NASTY}")


async def test_redirects_are_not_followed() -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with serving(answer) as url:
        result = await sent(url + "/a")
    assert asked == ["/a"]
    assert result.status == 302 and "redirects are not followed" in result.error
    assert not result.delivered and not result.whole


async def test_what_was_answered() -> None:
    async with serving(status(503, {"Retry-After": "7"})) as url:
        result = await sent(url)
        host = url.removeprefix("http://")
        assert result == Attempt(503, "7", f"{host} answered 503 Service Unavailable")


async def test_cookies_are_not_kept_and_proxies_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "a=b"})

    async with serving(answer) as url:
        [event] = read_events({"onIdle": {"method": "GET", "url": url}})
        async with CallbackSender(ANYWHERE) as sender:
            for _ in range(2):
                assert (await sender(message(event, "m", {}, 1.0))).delivered
    assert seen == [None, None]


async def test_a_host_that_is_silent_is_waited_for_so_long_and_no_longer() -> None:
    never = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    async with serving(answer) as url:
        result = await sent(url, deadline=0.2)
    assert result.whole and result.error.endswith("did not answer within 0.2 s")


async def test_an_answer_without_end_is_not_read() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65536)
        return response

    async with serving(answer) as url:
        assert (await sent(url)).delivered


@pytest.mark.parametrize(
    "headers", [{"X-Long": "a" * 9_000}, {f"X-{number}": "a" for number in range(300)}]
)
async def test_a_wordy_answer_is_an_answer(headers: dict[str, str]) -> None:
    async with serving(status(204, headers)) as url:
        assert await sent(url) == Attempt(204)


async def test_an_answer_is_not_decompressed_and_none_is_asked_to_be() -> None:
    wished: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        wished.append(request.headers.get("Accept-Encoding"))
        return web.Response(body=b"no gzip at all", headers={"Content-Encoding": "gzip"})

    async with serving(answer) as url:
        assert (await sent(url)).delivered
    assert wished == ["identity"]


async def test_what_cannot_be_reached_is_said_without_its_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = taken.getsockname()[1]
        result = await sent(f"http://127.0.0.1:{port}/canary?key=canary")
    assert result == Attempt(error=f"127.0.0.1:{port} cannot be reached: connection refused")

    def nobody(host: str, port: int, family: int) -> list[tuple[int, str]]:
        raise socket.gaierror(socket.EAI_NONAME, "no")

    result = await sent("http://nobody.example/", look=nobody)
    assert result == Attempt(error="there is no host nobody.example")


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
async def test_a_name_that_no_host_can_have(host: str) -> None:
    assert await sent(f"http://{host}/") == Attempt(error=f"there is no host {host}")


async def test_a_name_that_cannot_be_read() -> None:
    result = await sent("http://xn--a/")
    assert result == Attempt(error="its URL cannot be called")


async def test_a_mistake_of_ours_is_not_told_as_one_of_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def judged(answer: object, where: str) -> Attempt:
        raise ValueError("ours")

    monkeypatch.setattr(sending, "_judged", judged)
    async with serving(status(200)) as url:
        with pytest.raises(ValueError, match="ours"):
            await sent(url)


async def test_only_to_hosts_that_are_allowed() -> None:
    limits = CallbackLimits(hosts=("api.example.org", "*.hooks.example.org"))
    words = "callbacks to {} are not allowed (callbacks.hosts in the daemon's file)"
    for host in ("example.org", "hooks.example.org", "api.example.org.evil.example", "127.0.0.1"):
        assert await sent(f"http://{host}:1/", limits) == Attempt(error=words.format(host))

    async with serving(status(200)) as url:
        port = url.rpartition(":")[2]
        found = at("127.0.0.1")
        for host in ("API.example.org", "a.b.hooks.example.org"):
            assert (await sent(f"http://{host}:{port}/", limits, found)).delivered


async def test_only_to_networks_that_are_allowed_and_what_was_checked_is_used() -> None:
    limits = CallbackLimits(networks=(ip_network("127.0.0.0/30"),))
    asked: list[str] = []
    answers = iter(["10.9.9.9", "127.0.0.1"])

    def changing(host: str, port: int, family: int) -> list[tuple[int, str]]:
        asked.append(host)
        return [(socket.AF_INET, next(answers))]

    async with serving(status(200)) as url:
        port = url.rpartition(":")[2]
        refused = await sent(f"http://rebinding.example:{port}/", limits, changing)
        assert refused.error == (
            "rebinding.example is 10.9.9.9: callbacks to it are not allowed "
            "(callbacks.networks in the daemon's file)"
        )
        assert (await sent(f"http://rebinding.example:{port}/", limits, changing)).delivered
        assert asked == ["rebinding.example"] * 2, "once an attempt"
        both = at("10.9.9.9", "127.0.0.1")
        assert (await sent(f"http://both.example:{port}/", limits, both)).delivered, (
            "the allowed one"
        )
        assert (await sent(url, limits)).delivered
    for literal in (
        "127.0.0.9",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
    ):
        result = await sent(f"http://{literal}:{port}/", limits)
        assert result.error and result.whole, literal
        assert "not allowed" in result.error or "not an IP address" in result.error
