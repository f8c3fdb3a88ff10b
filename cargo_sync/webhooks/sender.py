"""The sender: one request, one answer, in bounded time and memory; errors as texts without URLs.

It follows no redirects (they could lead a signed message anywhere), keeps no cookies and takes no
proxy from the environment.
"""

import os
from contextlib import suppress
from ipaddress import ip_address
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from cargo_sync.config.callbacks import CallbackLimits
from cargo_sync.process.descriptors import new_socket
from cargo_sync.webhooks.message import Message
from cargo_sync.webhooks.resolver import Lookup, NotAllowed, Resolver
from cargo_sync.webhooks.retry_policy import Attempt

DEADLINE: Final = 10.0
KEPT: Final = 4.0
"""Seconds that an idle connection is kept: less than on most servers, so none is found closed."""
LINE: Final = 16 * 1024
HEADERS: Final = 500
"""Bytes of a header line and number of headers in an answer, twice what servers allow in requests:
a request that arrived must not be repeated because its answer is wordy."""
ANSWER: Final = 4096
"""Bytes that are read of an answer, so that its connection can be used again. A longer answer ends
the connection."""


class CallbackSender:
    """Sends all callbacks of a daemon in one HTTP session; an async context manager.

    Args:
        limits: which hosts and networks are allowed.
        look: resolves names; None for the system's resolver.
        deadline: seconds per attempt.
    """

    def __init__(
        self, limits: CallbackLimits, *, look: Lookup | None = None, deadline: float = DEADLINE
    ) -> None:
        self._limits = limits
        self._look = look
        self._deadline = deadline
        self._session: aiohttp.ClientSession | None = None
        self._resolver: Resolver | None = None

    async def __aenter__(self) -> Self:
        self._resolver = Resolver(self._limits.holds, self._look)
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            use_dns_cache=False,
            limit=0,
            keepalive_timeout=KEPT,
            socket_factory=new_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "User-Agent": "cargo_sync",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
            },
            auto_decompress=False,  # an answer that grows when it is decompressed costs memory
            max_line_size=LINE,
            max_field_size=LINE,
            max_headers=HEADERS,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._session is not None and self._resolver is not None
        await self._session.close()
        await self._resolver.close()

    async def __call__(self, message: Message, deadline: float | None = None) -> Attempt:
        """Makes one attempt. A failure is a result too.

        Args:
            message: what is sent.
            deadline: seconds, if different from the usual ones.
        """
        assert self._session is not None, "entered"
        seconds = self._deadline if deadline is None else deadline
        try:
            url = URL(message.url, encoded=True)
            host = url.host or ""  # decoded here, because it may hold what IDNA does not know
        except ValueError:
            return Attempt(error="its URL cannot be called")
        if refusal := self._refusal(host):
            return Attempt(error=refusal)
        where = f"{host}:{url.port}"
        try:
            async with self._session.request(
                message.method,
                url,
                data=message.body,
                headers=message.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as answer:
                with suppress(
                    aiohttp.ClientError, OSError
                ):  # the status is known: what follows changes nothing
                    await answer.content.read(ANSWER)
        except TimeoutError:
            return Attempt(error=f"{where} did not answer within {seconds:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Attempt(error=_words(error, where))
        return _judged(answer, where)

    def _refusal(self, host: str) -> str:
        """Why a host is not allowed, as far as its name shows; "" when it may be allowed."""
        if not self._limits.names(host):
            return f"callbacks to {host} are not allowed (callbacks.hosts in the daemon's file)"
        last = host.rstrip(".").rpartition(".")[2]
        if ":" not in host and not last.isdigit() and not last.lower().startswith("0x"):
            return ""  # a name: its addresses are checked when they are known
        try:
            address = ip_address(host)
        except ValueError:
            return f"{host} is not an IP address in the usual form"
        return "" if self._limits.holds(address) else _not_allowed(host)


def _words(error: Exception, where: str) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError() if isinstance(error.os_error, NotAllowed):
            return _not_allowed(str(error.os_error))
        case aiohttp.ClientConnectorDNSError():
            return f"there is no host {where.rpartition(':')[0]}"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {where} is not trusted"
        case aiohttp.ClientSSLError():
            return f"{where} does not use TLS"
        case aiohttp.ClientConnectorError():
            number = error.os_error.errno
            reason = os.strerror(number).lower() if number else "no answer"
            return f"{where} cannot be reached: {reason}"
        case aiohttp.ClientResponseError():
            return f"the answer of {where} is not HTTP"
        case _:
            return f"{where} closed the connection without an answer"


def _not_allowed(what: str) -> str:
    return f"{what}: callbacks to it are not allowed (callbacks.networks in the daemon's file)"


def _judged(answer: aiohttp.ClientResponse, where: str) -> Attempt:
    status = answer.status
    if 200 <= status < 300:
        return Attempt(status)
    error = f"{where} answered {status} {(answer.reason or '')[:100]}".rstrip()
    if 300 <= status < 400:
        error += "; redirects are not followed: set the callback's url to the new address"
    return Attempt(status, answer.headers.get("Retry-After", ""), error)
